import { hash, randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { MAX_CREDENTIAL_LENGTH } from '../keys/token.js';
import type { Lookup } from '../observer/observer.js';
import { AddressList } from '../net/addressList.js';
import type { Roles } from '../scopes/roles.js';
import { weightOf } from '../store/keyFields.js';
import type { KeyRecord } from '../store/records.js';
import type { KeyWithTier } from '../store/keyStore.js';
import type { Store } from '../store/store.js';
import { hasLeft, holderOf, type AuthenticatedPrincipal } from './principal.js';
import { ReadCache } from './readCache.js';
import { StoreStates } from './storeState.js';
import type { Validity } from './validity.js';

/** The maximum number of cached keys. At 1.3 kB each, and 1.7 kB with its token, they take at most about 83 MB. */
const MAX_KEYS = 50_000;

/** A cached key. */
export interface KnownKey {
  readonly key: KeyRecord;
  readonly principal: AuthenticatedPrincipal;
  /** The addresses that it can be used from; null if it can be used from any. */
  readonly addresses: AddressList | null;
  /** Whether the user who owns the key was removed. */
  readonly userLeft: boolean;
  /** The salted hash of the verified token, which recognizes it the next time; null if it was not verified yet. */
  mark: string | null;
}

interface KnownKeysOptions {
  readonly read: Store['keys']['findForVerification'];
  /** See {@link Store.version}. Default: unknown. */
  readonly version?: (() => number | null) | undefined;
  /** Returns the current roles, to resolve those of users. */
  readonly roles: () => Roles;
  /** The clock at which overrides of limits end. Default: `Date.now`. */
  readonly now?: () => number;
  /** How long a record is cached, in milliseconds. */
  readonly ttl: number;
  /** See {@link ReadCache}. */
  readonly clock?: () => number;
}

/** A cache of key records, and of the tokens whose secrets were verified. */
export class KnownKeys {
  readonly #keys: ReadCache<KnownKey>;
  readonly #roles: () => Roles;
  readonly #ttl: number;
  readonly #now: () => number;
  #salt = newSalt();
  /** The key of each principal that was returned. */
  readonly #ofPrincipal = new WeakMap<AuthenticatedPrincipal, KeyRecord>();
  /** Verified tokens in plain text. Each is kept at most as long as a record is cached. */
  readonly #tokens = new Map<string, KnownKey>();
  #roomForTokens = MAX_KEYS;

  constructor({ read, roles, now = Date.now, version, ...cache }: KnownKeysOptions) {
    this.#now = now;
    this.#roles = roles;
    this.#ttl = cache.ttl;
    const { ttl, clock = () => performance.now() } = cache;
    const states = version === undefined ? null : new StoreStates({ version, ttl, clock });
    this.#keys = new ReadCache({
      ...cache,
      ...(states !== null && { state: () => states.current() }),
      max: MAX_KEYS,
      weigh: ({ key }) => weightOf(key),
      read: async (lookupId) => {
        const found = await read(lookupId);
        return found && this.#know(found);
      },
    });
  }

  /** Returns the key of a token in {@link #tokens}, if its record is cached; null: use {@link recognized} or verify it. */
  seen(credential: string): KnownKey | null {
    if (credential.length > MAX_CREDENTIAL_LENGTH) return null;
    // No timing leak: a Map compares only strings with the same hash, and the hash is seeded randomly for each process.
    const seen = this.#tokens.get(credential);
    return seen !== undefined && this.#keys.fresh(seen.key.lookupId) === seen ? seen : null;
  }

  /** Returns the key with a lookup ID, if its record is cached and the token's hash matches; null: verify the token. */
  recognized(lookupId: string, credential: string): KnownKey | null {
    const known = this.#keys.fresh(lookupId);
    return this.#isMarked(known, credential) ? this.#remember(credential, known) : null;
  }

  /** Returns whether the token was verified for the key with a lookup ID. The cached record may be stale. */
  wasRight(lookupId: string, credential: string): boolean {
    return this.#isMarked(this.#keys.last(lookupId), credential);
  }

  /** Returns whether the key with a lookup ID is neither cached nor being read, so that its token may be a guess. */
  isStrange(lookupId: string): boolean {
    return this.#keys.last(lookupId) === undefined && !this.#keys.isReading(lookupId);
  }

  /** Returns whether the record of a lookup ID is cached, for metrics. */
  sourceOf(lookupId: string): Lookup {
    const fresh = this.#keys.fresh(lookupId);
    if (fresh === undefined) return 'miss';
    return fresh === null ? 'negative' : 'hit';
  }

  /** Returns the key with a lookup ID, from the cache or the store; null if it doesn't exist. Rejects if the store rejects. */
  get(lookupId: string): Promise<KnownKey | null> {
    return this.#keys.get(lookupId);
  }

  /** Returns whether a token belongs to a key. @param verify verifies the token's secret, if its hash is not cached */
  async isRight(known: KnownKey, credential: string, verify: () => Promise<boolean>): Promise<boolean> {
    const mark = this.#markOf(credential);
    if (known.mark === mark) return true;
    if (!(await verify())) return false;
    known.mark = mark;
    return true;
  }

  /** Returns how long a principal stays valid. */
  validity(principal: AuthenticatedPrincipal): Validity | null {
    const key = this.#ofPrincipal.get(principal);
    if (key === undefined) return null;
    const { lookupId, expiresAt } = key;
    const isSame = (known: KnownKey): boolean => known.principal === principal;
    const countsFor = this.#keys.remaining(lookupId, isSame);
    return { lookupId, countsFor, expiresAt, state: this.#keys.stateOf(lookupId, isSame) };
  }

  /** Marks the record of a lookup ID as stale. */
  forget(lookupId: string): void {
    this.#keys.forget(lookupId);
  }

  /** Marks the records as stale whose principals match. */
  forgetWhere(concerned: (principal: AuthenticatedPrincipal) => boolean): void {
    this.#keys.forgetWhere(({ principal }) => concerned(principal));
  }

  /** Has every token verified again. After a reload, the token of an imported key may belong to a configured key. */
  doubt(): void {
    this.#salt = newSalt();
  }

  /** Returns the cached form of a key. Its verified token stays valid, because the secret of a key never changes. */
  #know({ key, tier, user, overrides = [] }: KeyWithTier): KnownKey {
    const before = this.#keys.last(key.lookupId);
    const principal = holderOf({ key, tier, user, overrides }, this.#roles(), this.#now);
    this.#ofPrincipal.set(principal, key);
    return {
      key,
      addresses: key.allowedAddresses.length === 0 ? null : new AddressList(key.allowedAddresses),
      userLeft: hasLeft({ key, user }),
      mark: before?.key.id === key.id ? before.mark : null,
      principal,
    };
  }

  /** Not in constant time, because a partial match with a salted hash reveals nothing about the token. */
  #isMarked(known: KnownKey | null | undefined, credential: string): known is KnownKey {
    return known?.mark != null && known.mark === this.#markOf(credential);
  }

  /**
   * Returns a salted hash, so that a memory dump can't be compared with known hashes. An HMAC under the pepper would take
   * five times as long.
   */
  #markOf(credential: string): string {
    return hash('sha256', this.#salt + credential, 'base64url');
  }

  /**
   * Caches the token itself, because the hash would take a third of the time for a known key. It is kept for at most `ttl`. Strings
   * of past requests stay in memory about as long anyway. After that, only the hash is kept.
   */
  #remember(credential: string, known: KnownKey): KnownKey {
    if (this.#tokens.size === 0) {
      this.#roomForTokens = MAX_KEYS;
      setTimeout(() => this.#tokens.clear(), this.#ttl).unref();
    }
    if (this.#roomForTokens > 0) {
      this.#roomForTokens -= weightOf(known.key);
      this.#tokens.set(credential, known);
    }
    return known;
  }
}

function newSalt(): string {
  return randomBytes(32).toString('base64');
}
