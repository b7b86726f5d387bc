import { createPublicKey, hash, randomBytes, type KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { Refusal } from '../../errors/refusal.js';
import { AddressList } from '../../net/addressList.js';
import { ADMIN, PLATFORM } from '../../scopes/grammar.js';
import { meet } from '../../scopes/meet.js';
import type { Roles } from '../../scopes/roles.js';
import { weightOf } from '../../store/keyFields.js';
import type { KeyRecord } from '../../store/records.js';
import type { KeyWithTier } from '../../store/keyStore.js';
import type { Store } from '../../store/store.js';
import type { Failures, Sender } from '../failures.js';
import { authenticated, hasLeft, holderOf, type AuthenticatedPrincipal } from '../principal.js';
import { ReadCache } from '../readCache.js';
import type { Validity } from '../validity.js';
import { refusedToken } from '../oidc/tokenRefusals.js';
import { MAX_DERIVED_LENGTH } from './derivedForm.js';
import { expiredDerived, missingKey } from './derivedRefusals.js';
import type { DerivedClaims } from './verifyDerived.js';

/** The maximum number of cached tokens. At about 1 kB each, they take at most about 20 MB. */
const MAX_TOKENS = 20_000;

/** The number of scopes that take as much memory as a token without scopes. */
const SCOPES_PER_TOKEN = 8;

/** The maximum number of cached keys that tokens were derived from, at about 1.3 kB each. */
const MAX_PARENTS = 10_000;

/** The maximum number of cached signing keys, at about 1 kB each. */
const MAX_SIGNERS = 2_000;

interface DerivedAuthenticatorOptions {
  readonly store: {
    readonly keys: Pick<Store['keys'], 'findForDerived'>;
    readonly signingKeys: Pick<Store['signingKeys'], 'find'>;
  };
  /** The name of this installation: the `iss` and `aud` of tokens that are accepted. */
  readonly issuer: string;
  readonly failures: Failures;
  /** Returns the current roles, to resolve those of users. */
  readonly roles: () => Roles;
  /** Returns the time in milliseconds since the epoch. */
  readonly now: () => number;
  /** How long the record of a key is cached, in milliseconds. */
  readonly ttl: number;
  /** See {@link ReadCache}. */
  readonly clock?: () => number;
}

/** The key that tokens were derived from. */
interface Parent {
  readonly key: KeyRecord;
  readonly principal: AuthenticatedPrincipal;
  readonly addresses: AddressList | null;
  readonly userLeft: boolean;
}

/** The key of a derived token, in any state, with the principal that the token has. */
export interface DerivedKey extends Parent {
  /** When the token expires, in milliseconds since the epoch. */
  readonly tokenEndsAt: number;
}

/** A signing key of a process. */
interface KnownSigner {
  readonly publicKey: KeyObject;
  readonly endsAt: number;
}

/** A verified token, with the result for the latest record of its key. */
interface KnownToken extends DerivedClaims {
  current: { readonly parent: Parent; readonly found: DerivedKey } | null;
}

/**
 * Verifies derived tokens and returns their principals. The signature of a token is verified once. The record of its key is cached and
 * invalidated as if the key had been sent itself. So an ended key, a lost scope or a new restriction
 * takes effect for its tokens as fast as for the key.
 */
export class DerivedAuthenticator {
  readonly #options: DerivedAuthenticatorOptions;
  readonly #tokens = new LRUCache<string, KnownToken>({
    maxSize: MAX_TOKENS,
    sizeCalculation: ({ scopes }) => Math.ceil(1 + scopes.length / SCOPES_PER_TOKEN),
  });
  /** Tokens whose verification is running. */
  readonly #verifying = new Map<string, Promise<KnownToken>>();
  readonly #parents: ReadCache<Parent>;
  /** Never read again: a published key doesn't change, and no ID is used before it is published. */
  readonly #signers: ReadCache<KnownSigner>;
  readonly #ofPrincipal = new WeakMap<
    AuthenticatedPrincipal,
    { readonly token: KnownToken; readonly parent: Parent }
  >();
  readonly #salt = randomBytes(32).toString('base64');

  constructor(options: DerivedAuthenticatorOptions) {
    this.#options = options;
    const { store, roles, ttl, clock } = options;
    const timed = clock === undefined ? {} : { clock };
    this.#parents = new ReadCache({
      ...{ ttl, max: MAX_PARENTS, ...timed },
      weigh: ({ key }) => weightOf(key),
      read: async (id) => {
        const found = await store.keys.findForDerived(id);
        return found && parentOf(found, roles(), options.now);
      },
    });
    this.#signers = new ReadCache({
      ...{ ttl: Infinity, max: MAX_SIGNERS, ...timed },
      read: async (kid) => {
        const found = await store.signingKeys.find(kid);
        return found && { publicKey: publicKeyOf(found.publicKey), endsAt: found.endsAt };
      },
    });
  }

  /**
   * Verifies a derived token and returns its key, which may have ended; not a promise if the token and the record of the
   * key are cached.
   *
   * @throws Refusal UNAUTHENTICATED, RATE_LIMITED (too many invalid tokens), and errors of the store; or rejects
   */
  locate(token: string, sender: Sender): DerivedKey | Promise<DerivedKey> {
    if (token.length > MAX_DERIVED_LENGTH) {
      throw refusedToken(
        'The derived token is too long to be valid. Derive a new one, and send all of it.',
        'malformed',
      );
    }
    const mark = this.#markOf(token);
    const known = this.#tokens.get(mark);
    const parent = known && this.#parents.fresh(known.keyId);
    if (known === undefined || parent === undefined) return this.#verify(token, mark, sender);
    return this.#found(known, parent);
  }

  /** Returns how long the principal of a derived token stays valid; null if it has another credential. */
  validity(principal: AuthenticatedPrincipal): Validity | null {
    const found = this.#ofPrincipal.get(principal);
    if (found === undefined) return null;
    const { token, parent } = found;
    const { lookupId, expiresAt } = parent.key;
    const countsFor = this.#parents.remaining(token.keyId, (latest) => latest === parent);
    return { lookupId, countsFor, expiresAt: Math.min(token.expiresAt, expiresAt ?? Infinity) };
  }

  /** Marks the records of keys as stale that match. */
  forgetWhere(concerned: (key: KeyRecord) => boolean): void {
    this.#parents.forgetWhere(({ key }) => concerned(key));
  }

  async #verify(token: string, mark: string, sender: Sender): Promise<DerivedKey> {
    const known = this.#tokens.get(mark) ?? (await this.#firstTime(token, mark, sender));
    return this.#found(known, await this.#parents.get(known.keyId));
  }

  /** Counts a failure before the verification, because a thousand concurrent guesses must not all find the count at zero. */
  async #firstTime(token: string, mark: string, sender: Sender): Promise<KnownToken> {
    const running = this.#verifying.get(mark);
    const attempt = running === undefined ? this.#options.failures.attempt(null, sender) : null;
    const result = running ?? this.#judge(token, mark);
    this.#verifying.set(mark, result);
    try {
      const known = await result;
      attempt?.giveBack();
      return known;
    } catch (error) {
      // A token that can't be verified, for example because the store is unavailable, is not a failure.
      const isWrong = error instanceof Refusal && error.details.code === 'UNAUTHENTICATED';
      if (!isWrong) attempt?.giveBack();
      else if (attempt === null) this.#options.failures.take(null, sender);
      else if (attempt.over !== null) throw attempt.over.toError();
      throw error;
    } finally {
      this.#verifying.delete(mark);
    }
  }

  async #judge(token: string, mark: string): Promise<KnownToken> {
    // Loaded here, because loading jose takes a tenth of a second at startup.
    const { verifyDerived } = await import('./verifyDerived.js');
    const { issuer, now } = this.#options;
    const keyOf = async (kid: string): Promise<KeyObject | null> => {
      const signer = await this.#signers.get(kid);
      return signer === null || signer.endsAt <= now() ? null : signer.publicKey;
    };
    const known = { ...(await verifyDerived(token, { issuer, keyOf, now })), current: null };
    this.#tokens.set(mark, known);
    return known;
  }

  #found(token: KnownToken, parent: Parent | null): DerivedKey {
    if (this.#options.now() >= token.expiresAt) throw expiredDerived();
    if (parent === null) throw missingKey();
    if (token.current?.parent !== parent) token.current = { parent, found: this.#derivedOf(token, parent) };
    return token.current.found;
  }

  /** Returns a key with the principal of a token: it has those scopes of the token that the key still has. */
  #derivedOf(token: KnownToken, parent: Parent): DerivedKey {
    const narrow = token.scopes.filter((scope) => scope !== ADMIN && scope !== PLATFORM);
    const scopes = meet(narrow, parent.principal.scopes);
    const principal = authenticated({ ...parent.principal, scopes, tokenId: token.tokenId });
    this.#ofPrincipal.set(principal, { token, parent });
    return { ...parent, principal, tokenEndsAt: token.expiresAt };
  }

  /** Returns a salted hash, so that a memory dump can't be compared with known hashes. */
  #markOf(token: string): string {
    return hash('sha256', this.#salt + token, 'base64url');
  }
}

function parentOf(found: KeyWithTier, roles: Roles, now: () => number): Parent {
  const { key, user } = found;
  return {
    key,
    principal: holderOf(found, roles, now),
    addresses: key.allowedAddresses.length === 0 ? null : new AddressList(key.allowedAddresses),
    userLeft: hasLeft({ key, user }),
  };
}

function publicKeyOf(x: string): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}
