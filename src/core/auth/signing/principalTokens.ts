import { randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Principal } from '../principal.js';
import { claimsOf, tokenIdOf } from './principalClaims.js';
import { signedToken } from './signedToken.js';
import type { SigningKeys } from './processKeys.js';

/** The header field that carries the token. */
export const PRINCIPAL_HEADER = 'latchkey-principal';

/** The `typ` of a token that describes a principal. */
export const PRINCIPAL_TYPE = 'latchkey-principal+jwt';

/** The lifetime of a token, in seconds. */
const LIFETIME = 60;

/** How long a token is reused, in milliseconds, so that at least half of its lifetime remains. */
const REUSED_FOR = 30_000;

/** The maximum number of characters of all cached tokens and the text around them: about 16 MB. */
const MAX_CACHED = 16 * 2 ** 20;

/** The approximate size of a cache entry without its token. */
const ENTRY = 300;

interface PrincipalTokensOptions {
  readonly keys: SigningKeys;
  /** The name of this installation, for the `iss` claim. */
  readonly issuer: string;
  /** Returns the time in milliseconds since the epoch. */
  readonly now: () => number;
}

interface Cached {
  readonly principal: Principal;
  readonly signedAt: number;
  readonly token: string;
}

/**
 * Signs the tokens of the header field `Latchkey-Principal`, which tell another service who the caller is. They are not
 * credentials: Latchkey never accepts one.
 */
export class PrincipalTokens {
  readonly #options: PrincipalTokensOptions;
  readonly #cached = new LRUCache<string, Cached>({
    maxSize: MAX_CACHED,
    sizeCalculation: ({ token }, name) => ENTRY + name.length + token.length,
  });

  constructor(options: PrincipalTokensOptions) {
    this.#options = options;
  }

  /** Returns once {@link sign} can sign; not a promise if it already can. Call it at startup. Rejects if the store does. */
  ready(): void | Promise<void> {
    return this.#options.keys.ready();
  }

  /**
   * Returns a token of 60 seconds that describes a principal to one service. For an unchanged principal and the same
   * service, it returns the same token for 30 seconds.
   *
   * @param audience the service that the token is for
   * @throws Refusal UNAVAILABLE if no signing key is published, for example because {@link ready} was not awaited
   */
  sign(principal: Principal, audience: string): string {
    const now = this.#options.now();
    // A space, because no ID contains one.
    const name = `${principal.keyId ?? ''} ${tokenIdOf(principal) ?? ''} ${audience}`;
    const known = this.#cached.get(name);
    if (known !== undefined && isRecent(known, now) && isSame(known.principal, principal)) return known.token;
    const token = this.#signed(principal, audience, now);
    this.#cached.set(name, { principal, signedAt: now, token });
    return token;
  }

  #signed(principal: Principal, audience: string, now: number): string {
    const iat = Math.floor(now / 1_000);
    const exp = iat + LIFETIME;
    const signer = this.#options.keys.signer(exp * 1_000);
    const standard = { iss: this.#options.issuer, aud: audience, iat, exp, jti: randomUUID() };
    return signedToken(signer, PRINCIPAL_TYPE, { ...standard, ...claimsOf(principal) });
  }
}

/** Returns whether a token can be sent again. `abs`, because after the clock was set back, it would not be valid yet. */
function isRecent({ signedAt }: Cached, now: number): boolean {
  return Math.abs(now - signedAt) < REUSED_FOR;
}

/** Returns whether two principals have the same claims. A record that was read again has a new principal. */
function isSame(a: Principal, b: Principal): boolean {
  return (
    a === b ||
    (a.kind === b.kind &&
      a.keyId === b.keyId &&
      tokenIdOf(a) === tokenIdOf(b) &&
      a.workspaceId === b.workspaceId &&
      a.projectId === b.projectId &&
      a.userId === b.userId &&
      a.tier === b.tier &&
      isSameList(a.scopes, b.scopes))
  );
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}
