/**
 * The shape of a token: `<prefix>_<live|test>_<body>`. The body has 54 base62 characters: 16 of lookup id, 32 of secret and
 * 6 of checksum. This module has no imports, so that the dashboard can use it too.
 */
export const LOOKUP_LENGTH = 16;
export const SECRET_LENGTH = 32;
export const CHECKSUM_LENGTH = 6;
export const BODY_LENGTH = LOOKUP_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH;

/** Matches the type and environment of a token, as in `lks_live`. */
const TOKEN_PREFIX = '[a-z][a-z0-9]{0,9}_(?:live|test)';

/** Matches a token and nothing else. The groups are the type with the environment, and the body. */
export const WHOLE_TOKEN = new RegExp(`^(${TOKEN_PREFIX})_([0-9A-Za-z]{${BODY_LENGTH}})$`);

/** Matches where a token may begin within other text, in any case. The group is the type with the environment. */
export const TOKEN_START = new RegExp(`(?<![0-9A-Za-z])(${TOKEN_PREFIX})_`, 'i');

/** Returns the lookup ID of a token without checking the rest. It identifies a key and proves nothing. */
export function lookupIdIn(token: string): string {
  return token.slice(-BODY_LENGTH, LOOKUP_LENGTH - BODY_LENGTH);
}
