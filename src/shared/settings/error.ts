/** The error for an invalid setting. The message is one line: the name, what is wrong, and what is allowed. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}
