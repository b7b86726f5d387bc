import { secretFrom } from './secretFile.js';

/** A variable, `$${` for a literal `${`, or a `${` that is neither. */
const REFERENCE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{/g;

const WHOLLY_REFERENCES = /^(?:\$\{[A-Za-z_][A-Za-z0-9_]*\})+$/;

/**
 * `text` with each `${NAME}` replaced by that variable of the environment, and each `$${` by `${`. Once: what a variable
 * holds is not looked at again.
 *
 * A variable may also be given by the file that `NAME_FILE` names: see {@link secretFrom}.
 *
 * @param fault takes what is wrong, in words that go on after the value's path
 * @param onFile receives the path of each file that was read
 */
export function substitute(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
  fault: (what: string) => Error,
  onFile: (path: string) => void = () => undefined,
): string {
  return text.replace(REFERENCE, (found, name: string | undefined) => {
    if (found === '$${') return '${';
    if (name === undefined) {
      throw fault('holds "${" without the name of a variable and "}". Write "$${" for a "${" that stands for itself.');
    }
    const { text: value, file } = secretFrom(environment, name, (what) => fault(`names the variable ${name}: ${what}`));
    if (file !== null) onFile(file);
    // Empty is what a secret looks like that failed to arrive.
    if (value === undefined || value === '') {
      const state = value === undefined ? 'not set' : 'empty';
      throw fault(`names the variable ${name}, which is ${state}. Set it, or take the entry out.`);
    }
    return value;
  });
}

/** Does nothing of the text stand in the file itself? */
export function isWhollyReferences(text: string): boolean {
  return WHOLLY_REFERENCES.test(text);
}
