import { FileFault, readTextFile } from '../../shared/files/wholeFile.js';
import { isQuoted } from '../../shared/settings/quotes.js';

/** The maximum size of a file. It is more than any secret needs, and a wrong path must not fill the memory. */
const MAX_BYTES = 65_536;

export type Environment = Readonly<Record<string, string | undefined>>;

/** A value from an environment variable, or from the file that `NAME_FILE` names. */
export interface Given {
  /** undefined if not set. */
  readonly text: string | undefined;
  /** The file with the value; null if the value is in the variable. */
  readonly file: string | null;
}

/**
 * Reads a secret from `NAME`, or from the file that `NAME_FILE` names, as Docker and Kubernetes mount secrets. Line breaks at the
 * end of the file are removed.
 *
 * @param fault creates the error from a message, which starts with the variable's name and contains no part of a value
 */
export function secretFrom(environment: Environment, name: string, fault: (what: string) => Error): Given {
  const text = valueIn(environment, name);
  const variable = `${name}_FILE`;
  const path = valueIn(environment, variable);
  if (path === undefined) return { text, file: null };
  if (text !== undefined) throw fault(`${name} and ${variable} are both set. Unset one of them.`);
  if (path.trim() === '') throw fault(`${variable} is empty. Unset it, or give it the path of a file.`);
  if (isQuoted(path)) throw fault(`${variable} has quotes around its value. Remove them.`);
  const refuse = (what: string): Error => fault(`${variable} is ${shownPath(path)}, ${what}`);
  const content = contentOf(path, refuse);
  if (content.trim() === '') throw refuse('which is empty. Write the value into the file.');
  return { text: content, file: path };
}

/** Returns a path for use in an error. */
export function shownPath(path: string): string {
  return JSON.stringify(path.slice(0, 200));
}

function contentOf(path: string, refuse: (what: string) => Error): string {
  try {
    return readTextFile(path, MAX_BYTES).replace(/[\r\n]+$/, '');
  } catch (error) {
    if (!(error instanceof FileFault)) throw error;
    if (error.code === 'ENOENT') throw refuse('where there is no file. Correct the path, or unset the variable.');
    if (error.code !== null) throw refuse(`which ${error.message}. ${error.remedy}`);
    throw refuse(`which ${error.message}. Allowed: a text file in UTF-8 of at most ${MAX_BYTES} bytes.`);
  }
}

/** Returns a variable. Ignores inherited properties of the object. */
function valueIn(environment: Environment, name: string): string | undefined {
  return Object.hasOwn(environment, name) ? environment[name] : undefined;
}
