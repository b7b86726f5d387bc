/** The bytes that JSON adds to a value: quotes and a comma, or the digits of an ordinary number. */
const PUNCTUATION = 4;

/** Longer strings are measured exactly. In a shorter text, escapes add little. */
const SHORT = 64;

/**
 * Returns the size of `value` as JSON in bytes, or any number above `most` if it is larger. Serializes only long
 * strings, and only if they are not too large themselves. A shared or cyclic value counts each time it occurs, up to `most`.
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

/** Adds the contents of an object to `waiting`, and returns the size of the object without them. */
function enter(value: object, waiting: unknown[], room: number): number {
  // JSON.stringify writes a typed array as an object with a property for each byte.
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
