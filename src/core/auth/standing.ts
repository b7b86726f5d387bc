import type { Principal } from './principal.js';
import { locateCredential, type CredentialSource } from './locate.js';
import { principalOf } from './context.js';
import type { Authenticator } from './authenticator.js';

/** How long the result of an authentication stays valid. */
export interface Validity {
  /** The lookup ID of the key's record, as in changes; null for credentials without a record in the store. */
  readonly lookupId: string | null;
  /** How long the cached record stays valid, in milliseconds. 0: authenticate again now. */
  readonly countsFor: number;
  /** When the credential itself expires, in milliseconds since the epoch; null: never. */
  readonly expiresAt: number | null;
}

/** The principal of a credential, and how long it stays valid. */
export interface Standing extends Validity {
  readonly principal: Principal;
}

/**
 * Authenticates a credential that stays in use, such as that of an open stream.
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
