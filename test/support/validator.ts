/** Words of zod's own messages, which are for developers: a user is told what is wrong and what is allowed. */
export const VALIDATOR =
  /Invalid (?:input|option|key|element|string|value|discriminator)|\bexpected\b|\breceived\b|Unrecognized key|Too (?:big|small)|>=|<=|\bZod/;

/** Values of which each place of a schema refuses most. */
export const WRONG: readonly unknown[] = [
  ...[undefined, null, true, 7, -1, 1.5, NaN, 1e9, '', 'x', 'x'.repeat(300)],
  ...[[], [7], ['', null], Array.from({ length: 6_000 }, () => 'x'), {}, { unknown: 1 }, { constructor: 'x' }],
  { '': 1, ['x'.repeat(300)]: {} },
];

/** A value within the maps and lists that lead to it. Of a path the number 0 is a list's first item. */
export function nested(path: readonly (string | 0)[], value: unknown): unknown {
  return path.reduceRight<unknown>((inner, step) => (step === 0 ? [inner] : { [step]: inner }), value);
}
