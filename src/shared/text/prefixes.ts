/**
 * Default prefixes of new tokens, by type of key. They are unique to Latchkey: published rules of secret scanners attribute
 * `sk_live_` and `rk_live_` to Stripe, so a leaked key would be reported to the wrong company.
 */
export const DEFAULT_PREFIXES = Object.freeze({ SECRET: 'lks', CLIENT: 'lkc', READ_ONLY: 'lkr' });

/** Earlier default prefixes. Tokens that were created with them still work. */
const LEGACY_PREFIXES: readonly string[] = Object.freeze(['sk', 'ck', 'rk']);

/** All prefixes that are or were a default. A text that begins with one is meant as a token of Latchkey. */
export const KNOWN_PREFIXES: readonly string[] = Object.freeze([
  ...Object.values(DEFAULT_PREFIXES),
  ...LEGACY_PREFIXES,
]);
