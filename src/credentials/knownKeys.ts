import { hash, randomBytes } from 'node:crypto';
import { MAX_CREDENTIAL_LENGTH } from '../keys/token.js';
import type { Lookup } from '../metrics/observer.js';
import { AddressList } from '../net/addressList.js';
import type { Roles } from '../scopes/roles.js';
import type { KeyRecord } from '../store/records.js';
import type { KeyWithTier, Store } from '../store/store.js';
import { hasLeft, holderOf, type AuthenticatedPrincipal } from './principal.js';
import { ReadCache } from './readCache.js';
import type { Validity } from './standing.js';

/** Keys whose records are remembered: at about 1 kB each some 50 MB at most. */
const MAX_KEYS = 50_000;

/** How many addresses, documents, scopes or characters of a key take as much memory again as a key without them. */
const ADDRESSES_PER_KEY = 4;
const DOCUMENTS_PER_KEY = 8;
const SCOPES_PER_KEY = 8;
const CHARACTERS_PER_KEY = 500;

/** A key as it was last read, and what became of it. */
export interface KnownKey {
  readonly key: KeyRecord;
  readonly principal: AuthenticatedPrincipal;
  /** From where alone it is let in; null: from everywhere. */
  readonly addresses: AddressList | null;
  /** Does it belong to somebody who has left? */
  readonly userLeft: boolean;
  /** Of the token whose secret was found right: the next time one hash tells. */
  mark: string | null;
}

export interface KnownKeysOptions {
  readonly read: Store['keys']['findForVerification'];
  /** What the roles of users stand for at the moment. */
  readonly roles: () => Roles;
  /** How long a record counts after it was read, in ms. */
  readonly ttl: number;
  /** See {@link ReadCache}. */
  readonly clock?: () => number;
}

/** What is remembered of keys: their records while these count, and which token's secret was found right. */
export class KnownKeys {
  readonly #keys: ReadCache<KnownKey>;
  readonly #roles: () => Roles;
  readonly #ttl: number;
  #salt = newSalt();
  /** The key of each principal that was handed out. */
  readonly #ofPrincipal = new WeakMap<AuthenticatedPrincipal, KeyRecord>();
  /** Tokens that were found right, each for no longer than a record counts. */
  readonly #tokens = new Map<string, KnownKey>();
  #roomForTokens = MAX_KEYS;

  constructor({ read, roles, ...cache }: KnownKeysOptions) {
    this.#roles = roles;
    this.#ttl = cache.ttl;
    this.#keys = new ReadCache({
      ...cache,
      max: MAX_KEYS,
      weigh: ({ key }) => weightOf(key),
      read: async (lookupId) => {
        const found = await read(lookupId);
        return found && this.#know(found);
      },
    });
  }

  /** The key whose record counts and whose very token was let in before; null where that has to be looked into. */
  seen(credential: string): KnownKey | null {
    if (credential.length > MAX_CREDENTIAL_LENGTH) return null;
    // A Map compares what has the same hash under the process' own seed: how long that takes tells a guesser nothing.
    const seen = this.#tokens.get(credential);
    return seen !== undefined && this.#keys.fresh(seen.key.lookupId) === seen ? seen : null;
  }

  /** The key of that id, where its record counts and the token is its own by the hash; null where that has to be looked into. */
  recognized(lookupId: string, credential: string): KnownKey | null {
    const known = this.#keys.fresh(lookupId);
    return this.#isMarked(known, credential) ? this.#remember(credential, known) : null;
  }

  /** Was the token found right for the key of that id, be its record out of date or not? */
  wasRight(lookupId: string, credential: string): boolean {
    return this.#isMarked(this.#keys.last(lookupId), credential);
  }

  /** Was the key of that id never asked for, so that a token of it may be a guess? */
  isStrange(lookupId: string): boolean {
    return this.#keys.last(lookupId) === undefined && !this.#keys.isReading(lookupId);
  }

  /** Where the record of that id would come from. */
  sourceOf(lookupId: string): Lookup {
    const fresh = this.#keys.fresh(lookupId);
    if (fresh === undefined) return 'miss';
    return fresh === null ? 'negative' : 'hit';
  }

  /** The key of that id, read where its record does not count any more; null: there is none. Rejects as the store does. */
  get(lookupId: string): Promise<KnownKey | null> {
    return this.#keys.get(lookupId);
  }

  /** @param verify compares the token's secret with the key's, where no hash tells */
  async isRight(known: KnownKey, credential: string, verify: () => Promise<boolean>): Promise<boolean> {
    const mark = this.#markOf(credential);
    if (known.mark === mark) return true;
    if (!(await verify())) return false;
    known.mark = mark;
    return true;
  }

  /** Returns how long the record behind that principal stays valid. */
  validity(principal: AuthenticatedPrincipal): Validity | null {
    const key = this.#ofPrincipal.get(principal);
    if (key === undefined) return null;
    const { lookupId, expiresAt } = key;
    const countsFor = this.#keys.remaining(lookupId, (known) => known.principal === principal);
    return { lookupId, countsFor, expiresAt };
  }

  /** The record of that id does not count any more. */
  forget(lookupId: string): void {
    this.#keys.forget(lookupId);
  }

  /** Nor do those of whom this holds. */
  forgetWhere(concerned: (principal: AuthenticatedPrincipal) => boolean): void {
    this.#keys.forgetWhere(({ principal }) => concerned(principal));
  }

  /** What was found right, as an imported key's, may be another's by now: every token is looked into anew. */
  doubt(): void {
    this.#salt = newSalt();
  }

  /** A key has one secret for life, so that what was found right stays right when the record is read anew. */
  #know({ key, tier, user }: KeyWithTier): KnownKey {
    const before = this.#keys.last(key.lookupId);
    const principal = holderOf({ key, tier, user }, this.#roles());
    this.#ofPrincipal.set(principal, key);
    return {
      key,
      addresses: key.allowedAddresses.length === 0 ? null : new AddressList(key.allowedAddresses),
      userLeft: hasLeft({ key, user }),
      mark: before?.key.id === key.id ? before.mark : null,
      principal,
    };
  }

  /** Not in constant time: how far a guess agrees with a salted hash says nothing about the token. */
  #isMarked(known: KnownKey | null | undefined, credential: string): known is KnownKey {
    return known?.mark != null && known.mark === this.#markOf(credential);
  }

  /** Salted, so that nothing in memory could be looked up; not an HMAC under the pepper, which takes five times as long. */
  #markOf(credential: string): string {
    return hash('sha256', this.#salt + credential, 'base64url');
  }

  /**
   * Spares the next requests the hash, which takes a third of all that a known key costs. Tokens themselves are in memory
   * for it; not for longer than strings of past requests are anyway, and what is remembered beyond that is the hash.
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

/** For how many keys one counts. */
function weightOf({ allowedAddresses, trustedDocuments, scopes, name, revokedReason }: KeyRecord): number {
  return (
    1 +
    allowedAddresses.length / ADDRESSES_PER_KEY +
    (trustedDocuments?.length ?? 0) / DOCUMENTS_PER_KEY +
    scopes.length / SCOPES_PER_KEY +
    (name.length + (revokedReason?.length ?? 0)) / CHARACTERS_PER_KEY
  );
}

function newSalt(): string {
  return randomBytes(32).toString('base64');
}
