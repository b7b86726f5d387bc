import { beginningOf } from './signedToken.js';

/** The `typ` of a derived token. */
export const DERIVED_TYPE = 'latchkey-derived+jwt';

/** The maximum length of a derived token in characters. Many proxies accept 8 kB for all header fields together. */
export const MAX_DERIVED_LENGTH = 4_096;

const BEGINNING = beginningOf(DERIVED_TYPE);

/** Returns whether a credential is meant as a derived token. Says nothing about its validity. */
export function looksDerived(credential: string): boolean {
  return credential.startsWith(BEGINNING);
}
