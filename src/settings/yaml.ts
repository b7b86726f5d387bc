import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';
import { findAliasFault } from './aliases.js';
import { SettingsError } from './error.js';

/** Maps and lists within each other. The composer recurses: some hundred thousand of them end the process, not the reading. */
const MAX_DEPTH = 20;

/** Items of one map or list. The composer compares each key of a map with each before it. */
const MAX_ITEMS = 5_000;

/**
 * One document of YAML 1.2's core schema as plain values. Keys stand once in a map, tags are not known, and nothing of the
 * text is repeated in a fault: it may be a key's.
 *
 * @param label what the text is called in faults
 * @throws SettingsError
 */
export function parseYaml(text: string, label: string): unknown {
  // Here and not above: most starts have no file, and each would wait a twentieth of a second for it.
  const { Composer, Parser, ...kinds } = createRequire(import.meta.url)('yaml') as typeof Yaml;
  const lineStarts: number[] = [];
  const at = (offset: number): string => {
    const line = lineStarts.findLastIndex((start) => start <= offset);
    return `line ${line + 1}, column ${offset - (lineStarts[line] ?? 0) + 1}`;
  };
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
    throw new SettingsError(`${label} is empty. Fill it, or take it away: a file that is half written looks the same.`);
  }
  if (documents.length > 1) throw new SettingsError(`${label} contains several documents. Allowed: one.`);
  // An unknown tag is but a warning to the package, and its value then another than was meant.
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) {
    throw new SettingsError(`${label} cannot be read at ${at(problem.pos[0])}: ${PROBLEMS[problem.code] ?? OTHER}`);
  }
  const alias = findAliasFault(document.contents, MAX_DEPTH, kinds);
  if (alias !== null) {
    throw new SettingsError(
      `${label} uses an alias at ${at(alias.offset)} that ${alias.fault}. Write the value out where it belongs.`,
    );
  }
  // Counted above.
  return document.toJS({ maxAliasCount: -1 });
}

const PROBLEMS: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'duplicate key. Remove one of them.',
  TAG_RESOLVE_FAILED: 'tags are not known here. Take it out.',
  NON_STRING_KEY: 'keys must be strings.',
};
const OTHER = 'this is no YAML. Mind indentation, and quote values that hold any of : # { } [ ] , & * ! | > %.';

/** What nests too deep or has too many items, found without recursion; null where nothing does. */
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
