const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The text of a JSON object, split at its top level. */
interface Members {
  /** The text of each value, by the decoded name. */
  readonly texts: ReadonlyMap<string, string>;
  /** A name that occurs twice in one object, at any depth; null if none. */
  readonly repeated: string | null;
}

/** An object or a list that is being read. */
interface Level {
  /** null for a list. */
  readonly names: Set<string> | null;
  /** Whether the next text is a name. */
  expectsName: boolean;
}

/**
 * Splits a JSON object at its top level, and looks for names that occur twice in one object. Parsers disagree about which of
 * the two counts (RFC 8259 section 4): the gateway could check one value, and the upstream could use another one.
 *
 * @param text valid JSON, whose value is an object
 */
export function membersOf(text: string): Members {
  const texts = new Map<string, string>();
  const levels: Level[] = [];
  let repeated: string | null = null;
  let name = '';
  let valueFrom = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    const level = levels.at(-1);
    if (code === QUOTE) {
      const end = endOfText(text, at);
      if (level?.names != null && level.expectsName) {
        const read = decoded(text, at, end);
        if (level.names.has(read)) repeated ??= read;
        level.names.add(read);
        level.expectsName = false;
        if (levels.length === 1) name = read;
      }
      at = end - 1;
    } else if (code === 0x7b || code === 0x5b) {
      levels.push({ names: code === 0x7b ? new Set() : null, expectsName: code === 0x7b });
    } else if (code === 0x7d || code === 0x5d) {
      if (levels.length === 1 && at > valueFrom && name !== '') texts.set(name, text.slice(valueFrom, at).trim());
      levels.pop();
    } else if (code === 0x3a && levels.length === 1) {
      valueFrom = at + 1;
    } else if (code === 0x2c && level !== undefined) {
      level.expectsName = level.names !== null;
      if (levels.length === 1) texts.set(name, text.slice(valueFrom, at).trim());
    }
  }
  return { texts, repeated };
}

/**
 * Returns the text of one value of a JSON object, as it was written; null if there is none. If its name occurs twice, the last one
 * counts, as for JSON.parse.
 *
 * @param text valid JSON, whose value is an object
 */
export function memberOf(text: string, wanted: string): string | null {
  let found: string | null = null;
  let depth = 0;
  let name = '';
  /** null: a name comes next. */
  let valueFrom: number | null = null;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfText(text, at);
      if (depth === 1 && valueFrom === null) name = decoded(text, at, end);
      at = end - 1;
    } else if (code === 0x7b || code === 0x5b) depth += 1;
    else if (code === 0x3a && depth === 1) valueFrom = at + 1;
    else if (code === 0x7d || code === 0x5d || code === 0x2c) {
      if (depth === 1 && valueFrom !== null) {
        if (name === wanted) found = text.slice(valueFrom, at).trim();
        valueFrom = null;
      }
      if (code !== 0x2c) depth -= 1;
    }
  }
  return found;
}

/** @param from the position of the opening quote @returns the position after the closing one */
function endOfText(text: string, from: number): number {
  // Not a loop over the characters: most of a body is the text of the operation.
  let quote = text.indexOf('"', from + 1);
  while (isEscaped(text, quote)) quote = text.indexOf('"', quote + 1);
  return quote === -1 ? text.length : quote + 1;
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0;
  while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes += 1;
  return slashes % 2 === 1;
}

function decoded(text: string, from: number, end: number): string {
  const raw = text.slice(from + 1, end - 1);
  return raw.includes('\\') ? (JSON.parse(text.slice(from, end)) as string) : raw;
}
