import { secretFrom } from './secretFile.js';

/** A variable, `$${` for a literal `${`, or an invalid `${`. */
const REFERENCE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{/g;

const WHOLLY_REFERENCES = /^(?:\$\{[A-Za-z_][A-Za-z0-9_]*\})+$/;

/**
 * Replaces each `${NAME}` in a text with the value of the environment variable, and each `$${` with `${`. The values of variables
 * are not substituted again.
 *
 * The value of a variable may also be in the file that `NAME_FILE` names: see {@link secretFrom}.
 *
 * @param fault creates the error from a message, which follows the path of the value
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
      throw fault('contains "${" without the name of a variable and "}". For a literal "${", write "$${".');
    }
    const { text: value, file } = secretFrom(environment, name, (what) => fault(`names the variable ${name}: ${what}`));
    if (file !== null) onFile(file);
    // An empty value is usually a secret that is missing by mistake.
    if (value === undefined || value === '') {
      const state = value === undefined ? 'not set' : 'empty';
      throw fault(`names the variable ${name}, which is ${state}. Set it, or remove the entry.`);
    }
    return value;
  });
}

/** Returns whether a text consists only of variables, so that no part of its value is in the file. */
export function isWhollyReferences(text: string): boolean {
  return WHOLLY_REFERENCES.test(text);
}
