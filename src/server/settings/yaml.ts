import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';
import { findAliasFault } from './aliases.js';
import { SettingsError } from '../../shared/settings/error.js';

/** The maximum depth of maps and lists. The composer is recursive, so about a hundred thousand levels would crash the process. */
const MAX_DEPTH = 20;

/** The maximum number of items in a map or list. The composer compares each key of a map with all previous ones. */
const MAX_ITEMS = 5_000;

/**
 * Parses a YAML document with the core schema of YAML 1.2. Duplicate keys and tags are refused. Errors contain no part of the
 * text, which may contain API keys.
 *
 * @param label the name of the text in errors
 * @throws SettingsError
 */
export function parseYaml(text: string, label: string): unknown {
  // Loaded here, because it takes a twentieth of a second and most servers start without a configuration file.
  const { Composer, Parser, ...kinds } = createRequire(import.meta.url)('yaml') as typeof Yaml;
  const lineStarts: number[] = [];
  const at = (offset: number): string => {
    const line = lineStarts.findLastIndex((start) => start <= offset);
    return `line ${line + 1}, column ${offset - (lineStarts[line] ?? 0) + 1}`;
  };
  // The package takes it for a part of the line: a setting after a comment would be a part of the comment.
  const cr = text.search(/\r(?!\n)/);
  if (cr >= 0) {
    const line = text.slice(0, cr).split('\n').length;
    throw new SettingsError(
      `${label} has a carriage return without a line feed in line ${line}. End lines with LF or CR LF.`,
    );
  }
  const tokens = [...new Parser((start) => lineStarts.push(start)).parse(text)];
  const beyond = beyondBounds(tokens);
  if (beyond !== null) throw new SettingsError(`${label} ${beyond.fault} at ${at(beyond.offset)}. Allowed: no more.`);
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    resolveKnownTags: false,
    merge: false,
    stringKeys: true,
    prettyErrors: false,
    logLevel: 'error',
  });
  const documents = [...composer.compose(tokens)];
  const [document] = documents;
  if (document?.contents == null) {
    throw new SettingsError(`${label} is empty. Write the configuration into it, or remove it.`);
  }
  if (documents.length > 1) throw new SettingsError(`${label} contains several documents. Allowed: one.`);
  // The package only warns about an unknown tag, although the value may differ from what was meant.
  const problems = [...document.errors, ...document.warnings];
  // Invalid YAML often causes more problems further down.
  const invalid = problems.find(({ code }) => PROBLEMS[code] === undefined);
  const reported = problems.filter((problem) => problem === invalid || PROBLEMS[problem.code] !== undefined);
  if (reported.length > 0) {
    throw new SettingsError(
      reported.map(({ code, pos }) => `${label} cannot be read at ${at(pos[0])}: ${PROBLEMS[code] ?? OTHER}`),
    );
  }
  const alias = findAliasFault(document.contents, MAX_DEPTH, kinds);
  if (alias !== null) {
    throw new SettingsError(
      `${label} uses an alias at ${at(alias.offset)} that ${alias.fault}. Write the value instead of the alias.`,
    );
  }
  // findAliasFault has limited the aliases already.
  return document.toJS({ maxAliasCount: -1 });
}

const PROBLEMS: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'duplicate key. Remove one of them.',
  TAG_RESOLVE_FAILED: 'tags are not supported. Remove the tag.',
  NON_STRING_KEY: 'keys must be strings.',
};
const OTHER = 'invalid YAML. Check the indentation, and quote values that contain any of : # { } [ ] , & * ! | > %.';

/** Finds a node that is nested too deeply or has too many items, without recursion; null if there is none. */
function beyondBounds(tokens: readonly Yaml.CST.Token[]): { readonly offset: number; readonly fault: string } | null {
  const left = tokens.map((token) => ({ token, level: 0 }));
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { token, level } = next;
    const offset = 'offset' in token ? token.offset : 0;
    if (level > MAX_DEPTH) return { offset, fault: `nests deeper than ${MAX_DEPTH} levels` };
    if (token.type === 'document' && token.value !== undefined) left.push({ token: token.value, level });
    if (!('items' in token)) continue;
    if (token.items.length > MAX_ITEMS) return { offset, fault: `has more than ${MAX_ITEMS} items in one map or list` };
    for (const { key, value } of token.items) {
      if (key != null) left.push({ token: key, level: level + 1 });
      if (value !== undefined) left.push({ token: value, level: level + 1 });
    }
  }
  return null;
}
