/** A wrong value in the environment. The message is one line: the variable, the fault, what is allowed. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}
