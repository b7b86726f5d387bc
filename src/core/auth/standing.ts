import type { Principal } from './principal.js';
import { locateCredential, type CredentialSource } from './locate.js';
import { principalOf } from './context.js';
import type { Authenticator } from './authenticator.js';
import type { Validity } from './validity.js';

/** The principal of a credential, and how long it stays valid. */
export interface Standing extends Validity {
  readonly principal: Principal;
}

/**
 * Authenticates a credential that stays in use, such as the credential of an open stream.
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
