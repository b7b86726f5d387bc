import { FileFault, readTextFile } from '../wholeFile.js';
import { SettingsError } from './error.js';
import { fileSchema, type FileContent } from './fileSchema.js';
import { isWhollyReferences, substitute } from './substitute.js';
import { parseYaml } from './yaml.js';

const MAX_BYTES = 1_000_000;

/** Where the file is looked for unless LATCHKEY_CONFIG says otherwise. */
export const DEFAULT_FILE = './latchkey.yaml';

/** What the file says, checked in each value by itself. */
export interface ReadFile {
  readonly content: FileContent;
  /** Paths of the values of which something stands in the file itself. */
  readonly inClear: ReadonlySet<string>;
  /** Files that variables were read from. */
  readonly secretFiles: ReadonlySet<string>;
  /** An error that names the file. @param fault begins with a path in it */
  readonly fault: (fault: string) => SettingsError;
}

/**
 * The file, with variables in place.
 * @throws SettingsError in one line for the first fault: the file, the path in it, what is wrong, what is allowed
 */
export function readFile(path: string, environment: Readonly<Record<string, string | undefined>>): ReadFile {
  const fault = (what: string): SettingsError => new SettingsError(`${path}: ${what}`);
  const inClear = new Set<string>();
  const secretFiles = new Set<string>();
  const tree = resolve(
    parseYaml(textOf(path, environment.LATCHKEY_CONFIG !== undefined), path),
    '',
    fault,
    (text, at) => {
      if (!isWhollyReferences(text)) inClear.add(at);
      const onFile = (read: string): void => void secretFiles.add(read);
      return substitute(text, environment, (what) => fault(`${at} ${what}`), onFile);
    },
  );
  const result = fileSchema.safeParse(tree);
  if (result.success) return { content: result.data, inClear, secretFiles, fault };
  const [issue] = result.error.issues;
  if (issue === undefined) throw fault('cannot be read.');
  const at = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path;
  throw fault(`${at.length === 0 ? 'the whole' : pathOf(at)} ${issue.message}`);
}

/** @param isNamed whether LATCHKEY_CONFIG names the file, which is the default one otherwise */
function textOf(path: string, isNamed: boolean): string {
  const shownPath = path.slice(0, 200);
  const [subject, unset] = isNamed
    ? [`LATCHKEY_CONFIG is ${JSON.stringify(shownPath)}, which`, 'unset LATCHKEY_CONFIG']
    : [shownPath, 'remove it'];
  const refuse = (what: string): SettingsError => new SettingsError(`${subject} ${what}`);
  let text: string;
  try {
    text = readTextFile(path, MAX_BYTES);
  } catch (error) {
    if (!(error instanceof FileFault)) throw error;
    if (error.code === 'ENOENT') throw refuse(`does not exist. Correct the path, or ${unset}.`);
    if (error.code !== null) throw refuse(`${error.message}. ${error.remedy}`);
    throw refuse(`${error.message}. Allowed: a YAML file in UTF-8 of at most ${MAX_BYTES} bytes.`);
  }
  // A file that is half written looks the same.
  if (isEmpty(text)) throw refuse(`is empty. Write the configuration into it, or ${unset}.`);
  return text;
}

/** Whether a text of YAML has nothing but comments and marks of documents. */
function isEmpty(text: string): boolean {
  return text
    .split('\n')
    .map((line) => line.trim())
    .every((line) => line === '' || line.startsWith('#') || line === '---' || line === '...');
}

/** A copy of the tree with every text replaced. @param at the path of `tree` */
function resolve(
  tree: unknown,
  at: string,
  fault: ReadFile['fault'],
  replace: (text: string, at: string) => string,
): unknown {
  if (typeof tree === 'string') return replace(tree, at);
  if (Array.isArray(tree)) return tree.map((item, i) => resolve(item, `${at}[${i}]`, fault, replace));
  if (typeof tree !== 'object' || tree === null) return tree;
  const copy: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(tree)) {
    // Not an assignment, which for `__proto__` would be none; and zod passes over that name in silence.
    if (key === '__proto__') throw fault(`${at === '' ? '' : `${at}.`}__proto__ is not known. Take it out.`);
    copy[key] = resolve(value, at === '' ? key : `${at}.${key}`, fault, replace);
  }
  return copy;
}

/** As in `auth.api_keys.keys[0].name`. */
function pathOf(path: readonly PropertyKey[]): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i === 0 ? '' : '.'}${shown(String(part))}`))
    .join('');
}

function shown(name: string): string {
  return /^[\w:/-]{1,64}$/.test(name) ? name : JSON.stringify(name.slice(0, 64));
}
