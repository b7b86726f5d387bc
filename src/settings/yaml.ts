import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';
import { SettingsError } from './error.js';

/** Maps and lists within each other. The composer recurses: some hundred thousand of them end the process, not the reading. */
const MAX_DEPTH = 20;

/** How much aliases may multiply: see `maxAliasCount` of the package. */
const MAX_ALIASES = 100;

/**
 * One document of YAML 1.2's core schema as plain values. Keys stand once in a map, tags are not known, and nothing of the
 * text is repeated in a fault: it may be a key's.
 *
 * @param label what the text is called in faults
 * @throws SettingsError
 */
export function parseYaml(text: string, label: string): unknown {
  // Here and not above: most starts have no file, and each would wait a twentieth of a second for it.
  const { Composer, Parser } = createRequire(import.meta.url)('yaml') as typeof Yaml;
  const lineStarts: number[] = [];
  const at = (offset: number): string => {
    const line = lineStarts.findLastIndex((start) => start <= offset);
    return `line ${line + 1}, column ${offset - (lineStarts[line] ?? 0) + 1}`;
  };
  const tokens = [...new Parser((start) => lineStarts.push(start)).parse(text)];
  const tooDeep = beyond(MAX_DEPTH, tokens);
  if (tooDeep !== null) {
    throw new SettingsError(`${label} nests deeper than ${MAX_DEPTH} levels at ${at(tooDeep)}. Allowed: no more.`);
  }
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
  if (documents.length > 1) throw new SettingsError(`${label} holds several documents. Allowed: one.`);
  // An unknown tag is but a warning to the package, and its value then another than was meant.
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) {
    throw new SettingsError(`${label} cannot be read at ${at(problem.pos[0])}: ${PROBLEMS[problem.code] ?? OTHER}`);
  }
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch {
    throw new SettingsError(
      `${label} uses an alias that stands for nothing, or too many of them. Write the values out where they belong.`,
    );
  }
}

const PROBLEMS: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'the key stands in its map already. Keep one of them.',
  TAG_RESOLVE_FAILED: 'tags are not known here. Take it out.',
  NON_STRING_KEY: 'a key is a text alone.',
};
const OTHER = 'this is no YAML. Mind indentation, and quote values that hold any of : # { } [ ] , & * ! | > %.';

/** The offset of the first thing deeper than that, found without recursion; null where there is none. */
function beyond(depth: number, tokens: readonly Yaml.CST.Token[]): number | null {
  const left = tokens.map((token) => ({ token, level: 0 }));
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { token, level } = next;
    if (level > depth) return 'offset' in token ? token.offset : 0;
    if (token.type === 'document' && token.value !== undefined) left.push({ token: token.value, level });
    if (!('items' in token)) continue;
    for (const { key, value } of token.items) {
      if (key != null) left.push({ token: key, level: level + 1 });
      if (value !== undefined) left.push({ token: value, level: level + 1 });
    }
  }
  return null;
}
