import fc from 'fast-check';

const LAST = 0x10_ffff;
const SURROGATES = { first: 0xd800, count: 0x800 } as const;

/**
 * Any code point, for `fc.string({ unit: CODE_POINT })`. The same values as the unit `binary`, which puts all 1.1 million of them into a map:
 * that takes a second of CPU time and 100 MB in each worker.
 */
export const CODE_POINT = fc
  .nat(LAST - SURROGATES.count)
  .map((index) => String.fromCodePoint(index < SURROGATES.first ? index : index + SURROGATES.count), indexOf);

/** @throws Error for other values, as fast-check requires */
function indexOf(value: unknown): number {
  const point = typeof value === 'string' ? value.codePointAt(0) : undefined;
  if (point === undefined || String.fromCodePoint(point) !== value) throw new Error('not one code point');
  if (point < SURROGATES.first) return point;
  if (point < SURROGATES.first + SURROGATES.count) throw new Error('a surrogate');
  return point - SURROGATES.count;
}
