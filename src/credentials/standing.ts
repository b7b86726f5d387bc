import type { Principal } from './principal.js';
import { locateCredential, type CredentialSource } from './locate.js';
import { principalOf } from './context.js';
import type { Authenticator } from './authenticator.js';

/** How long the answer to "whose credential is this?" may be relied on. */
export interface Validity {
  /** The key record as a {@link Change} names it; null for credentials without a record in the store. */
  readonly lookupId: string | null;
  /** How long what was read still counts, in ms. 0: read again now. */
  readonly countsFor: number;
  /** When the credential itself ends, in ms since the epoch; null: never. */
  readonly expiresAt: number | null;
}

/** Whose credential it is, and until when that is known. */
export interface Standing extends Validity {
  readonly principal: Principal;
}

/**
 * Authenticates a credential that stays in use, as that of an open stream.
 * @throws Refusal, or rejects with one
 */
export function standingOf(
  source: CredentialSource,
  authenticator: Pick<Authenticator, 'authenticate' | 'validity'>,
): Standing | Promise<Standing> {
  const credential = locateCredential(source) ?? '';
  const standing = (principal: Principal): Standing => ({
    principal,
    ...(principal.kind === 'anonymous' ? ALWAYS : authenticator.validity(principal, credential)),
  });
  const principal = principalOf(source, authenticator);
  return principal instanceof Promise ? principal.then(standing) : standing(principal);
}

const ALWAYS: Validity = Object.freeze({ lookupId: null, countsFor: Infinity, expiresAt: null });
