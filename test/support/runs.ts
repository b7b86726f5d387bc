/** Set by selectedFiles.mjs if only some test files run. */
const { PROPERTY_SHARE = '1' } = process.env;

/** Returns how many random values a slow property test checks: all, or a fifth if only some test files run. */
export function runs(all: number): number {
  return Math.ceil(all * Number(PROPERTY_SHARE));
}
