/** Words of zod's own messages. Users must get our messages instead, which name the fault and the allowed values. */
export const VALIDATOR =
  /Invalid (?:input|option|key|element|string|value|discriminator)|\bexpected\b|\breceived\b|Unrecognized key|Too (?:big|small)|>=|<=|\bZod/;

/** Values, most of which are invalid at each place of a schema. */
export const WRONG: readonly unknown[] = [
  ...[undefined, null, true, 7, -1, 1.5, NaN, 1e9, '', 'x', 'x'.repeat(300)],
  ...[[], [7], ['', null], Array.from({ length: 6_000 }, () => 'x'), {}, { unknown: 1 }, { constructor: 'x' }],
  { '': 1, ['x'.repeat(300)]: {} },
];

/** Returns a value nested in the maps and lists of its path. In a path, the number 0 is the first item of a list. */
export function nested(path: readonly (string | 0)[], value: unknown): unknown {
  return path.reduceRight<unknown>((inner, step) => (step === 0 ? [inner] : { [step]: inner }), value);
}
