import { FileFault, readTextFile } from '../../shared/files/wholeFile.js';
import { SettingsError } from '../../shared/settings/error.js';
import { FaultCollector } from '../../shared/settings/faultCollector.js';
import { fileSchema, type FileContent } from './fileSchema.js';
import { isWhollyReferences, substitute } from './substitute.js';
import { parseYaml } from './yaml.js';

const MAX_BYTES = 1_000_000;

/** The default path of the configuration file. LATCHKEY_CONFIG overrides it. */
export const DEFAULT_FILE = './latchkey.yaml';

/** The parsed file. Its values were checked separately, but not against each other. */
export interface ReadFile {
  /** Without the sections that have a fault. */
  readonly content: FileContent;
  /** Sections that have a fault, such as `roles` and `auth.oidc`. */
  readonly faulty: ReadonlySet<string>;
  /** The faults that were found so far. The caller adds those of its own checks, and throws them all. */
  readonly faults: FaultCollector;
  /** Paths of values that are at least partly in plain text in the file, not only variables. */
  readonly inClear: ReadonlySet<string>;
  /** Files that variables were read from. */
  readonly secretFiles: ReadonlySet<string>;
  /** Returns an error that names the file. @param fault the message, which starts with a path in the file */
  readonly fault: (fault: string) => SettingsError;
}

/**
 * Reads the configuration file and replaces variables. Each fault is one line: the file, the path in it, what is wrong, and what is
 * allowed.
 *
 * @throws SettingsError if the file cannot be parsed
 */
export function readFile(path: string, environment: Readonly<Record<string, string | undefined>>): ReadFile {
  const fault = (what: string): SettingsError => new SettingsError(`${path}: ${what}`);
  const inClear = new Set<string>();
  const secretFiles = new Set<string>();
  const faults = new FaultCollector();
  const unresolved = new Set<string>();
  const tree = resolve(
    parseYaml(textOf(path, environment.LATCHKEY_CONFIG !== undefined), path),
    '',
    (what) => faults.add(fault(what)),
    (text, at) => {
      if (!isWhollyReferences(text)) inClear.add(at);
      const onFile = (read: string): void => void secretFiles.add(read);
      const value = faults.run(() => substitute(text, environment, (what) => fault(`${at} ${what}`), onFile));
      if (value === undefined) unresolved.add(at);
      return value ?? text;
    },
  );
  const { content, faulty } = checked(tree, unresolved, (what) => faults.add(fault(what)));
  return { content, faulty, faults, inClear, secretFiles, fault };
}

/**
 * Checks the values of a file, and leaves out the sections that have a fault.
 *
 * @param unresolved the paths of values whose variables could not be read, which has already been reported
 */
function checked(
  tree: unknown,
  unresolved: ReadonlySet<string>,
  report: (what: string) => void,
): Pick<ReadFile, 'content' | 'faulty'> {
  const result = fileSchema.safeParse(tree);
  const faulty = new Set([...unresolved].map(sectionOf));
  if (result.success && faulty.size === 0) return { content: result.data, faulty };
  for (const at of (result.error?.issues ?? []).flatMap(placesOf)) {
    faulty.add(sectionOf(at.place));
    if (!unresolved.has(at.place)) report(`${at.place || 'the whole'} ${at.message}`);
  }
  const { data = {} } = fileSchema.safeParse(withoutSections(tree, faulty));
  return { content: data, faulty };
}

function placesOf(issue: { code?: string; path: PropertyKey[]; message: string; keys?: string[] }) {
  const { path, message } = issue;
  const paths = issue.code === 'unrecognized_keys' ? (issue.keys ?? []).map((key) => [...path, key]) : [path];
  return paths.map((each) => ({ place: pathOf(each), message }));
}

/** Returns the section of a path: `auth.oidc` for `auth.oidc.issuer`, and `roles` for `roles.etl[0]`. */
function sectionOf(place: string): string {
  const [first = '', second] = place.split(/[.[]/);
  return first === 'auth' && second !== undefined ? `${first}.${second}` : first;
}

/** Returns a copy of the tree without some sections. */
function withoutSections(tree: unknown, sections: ReadonlySet<string>): unknown {
  if (sections.has('') || typeof tree !== 'object' || tree === null) return {};
  const part = (of: object, before: string): object =>
    Object.fromEntries(
      Object.entries(of)
        .filter(([name]) => !sections.has(`${before}${name}`))
        .map(([name, value]) => [
          name,
          before === '' && name === 'auth' && isMap(value) ? part(value, 'auth.') : value,
        ]),
    );
  return part(tree, '');
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns the text of the file. @param isNamed whether LATCHKEY_CONFIG names it. Otherwise it is the default file */
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
  // An empty file may be one that is just being written.
  if (isEmpty(text)) throw refuse(`is empty. Write the configuration into it, or ${unset}.`);
  return text;
}

/** Returns whether a YAML text has only comments and document markers. */
function isEmpty(text: string): boolean {
  return text
    .split('\n')
    .map((line) => line.trim())
    .every((line) => line === '' || line.startsWith('#') || line === '---' || line === '...');
}

/** Returns a copy of the tree in which every string is replaced. @param at the path of `tree` */
function resolve(
  tree: unknown,
  at: string,
  report: (what: string) => void,
  replace: (text: string, at: string) => string,
): unknown {
  if (typeof tree === 'string') return replace(tree, at);
  if (Array.isArray(tree)) return tree.map((item, i) => resolve(item, `${at}[${i}]`, report, replace));
  if (typeof tree !== 'object' || tree === null) return tree;
  const copy: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(tree)) {
    // Assigning `__proto__` would set the prototype, and zod silently ignores this name.
    if (key === '__proto__') report(`${at === '' ? '' : `${at}.`}__proto__ is not known. Remove it.`);
    else copy[key] = resolve(value, at === '' ? key : `${at}.${key}`, report, replace);
  }
  return copy;
}

/** Formats a path, such as `auth.api_keys.keys[0].name`. */
function pathOf(path: readonly PropertyKey[]): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i === 0 ? '' : '.'}${shown(String(part))}`))
    .join('');
}

function shown(name: string): string {
  return /^[\w:/-]{1,64}$/.test(name) ? name : JSON.stringify(name.slice(0, 64));
}
