/** What JSON adds to a value: quotes and a comma, or the digits of an ordinary number. */
const PUNCTUATION = 4;

/** Longer strings are measured as JSON writes them. In a shorter one escapes cannot add up to much. */
const SHORT = 64;

/**
 * Returns the length of `value` as JSON in bytes, or some number above `most` as soon as it is known to exceed that.
 * Nothing is serialised but long strings, and of those none that is itself too long.
 *
 * A value may be shared or cyclic: it is counted each time it occurs, and the count ends at `most`.
 */
export function jsonSize(value: unknown, most: number): number {
  let size = 0;
  const waiting: unknown[] = [value];
  while (waiting.length > 0 && size <= most) {
    const next = waiting.pop();
    size += PUNCTUATION;
    if (typeof next === 'string') size += stringSize(next, most - size);
    else if (typeof next === 'object' && next !== null) size += enter(next, waiting, most - size);
    else size += 4;
  }
  return size;
}

/** Pushes what an object holds to `waiting` and returns what the object itself adds. */
function enter(value: object, waiting: unknown[], room: number): number {
  // As JSON writes them: an object with a number for each byte.
  if (ArrayBuffer.isView(value)) return value.byteLength * PUNCTUATION;
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    waiting.push((value.toJSON as () => unknown)());
    return 0;
  }
  if (Array.isArray(value)) {
    if (value.length * PUNCTUATION > room) return value.length * PUNCTUATION;
    for (const item of value) waiting.push(item);
    return 0;
  }
  let keys = 0;
  for (const key in value) {
    keys += key.length + PUNCTUATION;
    if (keys > room) break;
    waiting.push((value as Record<string, unknown>)[key]);
  }
  return keys;
}

function stringSize(text: string, room: number): number {
  if (text.length <= SHORT || text.length > room) return text.length;
  return Buffer.byteLength(JSON.stringify(text));
}
