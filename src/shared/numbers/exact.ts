const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/**
 * Returns whether a number of JSON or GraphQL keeps its value as a double. `9007199254740993` would become …992,
 * `1e400` Infinity, `1e-400` 0, and `0.1000000000000000001` 0.1. Trailing zeros and the form of the exponent do not
 * matter.
 *
 * @param token the number as written
 */
export function isExact(token: string): boolean {
  const value = Number(token);
  return Number.isFinite(value) && decimalOf(token) === decimalOf(String(value));
}

/** Returns the sign, the digits without leading and trailing zeros, and the power of ten of the last digit. */
function decimalOf(token: string): string | null {
  const [, sign = '', whole = '', fraction = '', power = '0'] = NUMBER.exec(token) ?? [];
  const all = whole + fraction;
  const digits = all.replace(/^0+/, '');
  // A loop, because a pattern such as /0+$/ takes quadratic time if the digits have many zeros.
  let end = digits.length;
  while (end > 0 && digits[end - 1] === '0') end -= 1;
  if (end === 0) return '0';
  const exponent = Number(power) - fraction.length + (digits.length - end);
  return `${sign}${digits.slice(0, end)}e${exponent}`;
}
