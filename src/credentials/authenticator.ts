import { hash, randomBytes } from 'node:crypto';
import type { Change } from '../keys/changes.js';
import type { Located } from '../keys/foreign.js';
import { lookupIdIn, MAX_CREDENTIAL_LENGTH, parseToken } from '../keys/token.js';
import { UNOBSERVED, type Lookup, type Observer } from '../metrics/observer.js';
import { Refusal, unavailable, type UnauthenticatedReason } from '../refusals/refusal.js';
import type { Roles } from '../scopes/roles.js';
import { statusOf, type KeyRecord } from '../store/records.js';
import type { KeyWithTier, Store } from '../store/store.js';
import { AddressList } from '../net/addressList.js';
import { ConfiguredAuthenticator } from './configuredAuthenticator.js';
import { ConfiguredKeys } from './configuredKeys.js';
import { Failures } from './failures.js';
import { ForeignSchemes } from './foreignSchemes.js';
import { DEFAULT_WORKSPACE_ID, type OperatorKey } from './operator.js';
import { OidcAuthenticator } from './oidc/authenticator.js';
import type { OidcConfiguration } from './oidc/configuration.js';
import { looksLikeJwt } from './oidc/jwt.js';
import { OutsideAddress } from './outsideAddress.js';
import { hasLeft, holderOf, type AuthenticatedPrincipal } from './principal.js';
import { ReadCache } from './readCache.js';
import type { SecretVerifier } from './secretVerifier.js';

/** How long a key's record counts unless it is set otherwise, in ms. */
const DEFAULT_CACHE_TTL = 1_000;

/** Keys whose records are remembered: at about 1 kB each some 50 MB at most. */
const MAX_KEYS = 50_000;

/** What takes another kB, of addresses and of documents that a key is bound to: a thousand are a hundred times a key. */
const ADDRESSES_PER_KEY = 4;
const DOCUMENTS_PER_KEY = 8;

const WHAT_TO_DO: Readonly<Record<UnauthenticatedReason, string>> = {
  missing: 'This needs an API key. Send it as "Authorization: Bearer <key>".',
  malformed: 'The API key is malformed: copy it again, whole and without white space.',
  unknown: 'The API key is unknown. Check that it is the right key for this installation.',
  revoked: 'The API key was revoked. Ask an administrator of the workspace for a new one.',
  expired: 'The API key has expired. Ask an administrator of the workspace to create a new one.',
  user_left:
    'The user to whom the API key belongs has left the workspace. Ask an administrator of the workspace for a new one.',
};

const SWITCHED_OFF =
  'API keys are switched off in this installation (auth.api_keys.enabled). Ask its operator how to authenticate.';
const UNKNOWN = { code: 'UNAUTHENTICATED', reason: 'unknown' } as const;

export function unauthenticated(reason: UnauthenticatedReason): Refusal {
  return new Refusal(WHAT_TO_DO[reason], { code: 'UNAUTHENTICATED', reason });
}

export interface AuthenticatorOptions {
  readonly store: {
    readonly keys: Pick<Store['keys'], 'findForVerification' | 'nextLookupId'>;
    readonly workspaces: Pick<Store['workspaces'], 'find'>;
  };
  readonly secrets: SecretVerifier;
  readonly operator: OperatorKey | null;
  /** What the roles of users stand for at the moment. */
  readonly roles: () => Roles;
  /** Default: none. */
  readonly configured?: ConfiguredKeys;
  /** Told of each accepted key. Must not wait for anything. @param address null: unknown */
  readonly onUse: (keyId: string, at: number, key: KeyRecord, address: string | null) => void;
  /** ms since the epoch. */
  readonly now: () => number;
  /** How long a record counts after it was read, in ms; 0: every request reads. Default: 1,000. */
  readonly cacheTtl?: number;
  /** See {@link ReadCache}. */
  readonly cacheClock?: () => number;
  /** Is told where records come from. Default: nobody. */
  readonly observer?: Observer;
}

/** A key as it was last read, and what became of it. */
interface KnownKey {
  readonly key: KeyRecord;
  readonly principal: AuthenticatedPrincipal;
  /** From where alone it is let in; null: from everywhere. */
  readonly addresses: AddressList | null;
  /** Does it belong to somebody who has left? */
  readonly userLeft: boolean;
  /** Of the token whose secret was found right: the next time one hash tells. */
  mark: string | null;
}

/** Where a credential's key would be found. Of a token of another system the prefix says nothing, and is left out. */
interface Candidate extends Located {
  readonly tokenPrefix?: string;
}

/** For how many keys one counts. */
function weightOf({ allowedAddresses, trustedDocuments }: KeyRecord): number {
  return 1 + allowedAddresses.length / ADDRESSES_PER_KEY + (trustedDocuments?.length ?? 0) / DOCUMENTS_PER_KEY;
}

/** A credential to a principal. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #keys: ReadCache<KnownKey>;
  /** The principal of the operator's key, by workspace. */
  readonly #operators: ReadCache<AuthenticatedPrincipal>;
  readonly #failures: Failures;
  readonly #configured: ConfiguredAuthenticator;
  readonly #foreign: ForeignSchemes;
  readonly #oidc: OidcAuthenticator;
  /** Are keys let in at all? */
  #enabled = true;
  readonly #observer: Observer;
  #salt = newSalt();
  /** Tokens that were found right, each for no longer than a record counts. */
  readonly #tokens = new Map<string, KnownKey>();
  #roomForTokens = MAX_KEYS;
  readonly #ttl: number;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#observer = options.observer ?? UNOBSERVED;
    const { store, operator, cacheTtl: ttl = DEFAULT_CACHE_TTL, cacheClock } = options;
    this.#ttl = ttl;
    const common = { ttl, ...(cacheClock !== undefined && { clock: cacheClock }) };
    this.#keys = new ReadCache({
      ...common,
      max: MAX_KEYS,
      weigh: ({ key }) => weightOf(key),
      read: async (lookupId) => {
        const found = await store.keys.findForVerification(lookupId);
        return found && this.#know(found);
      },
    });
    this.#operators = new ReadCache({
      ...common,
      max: 2,
      read: async (id) => {
        const workspace = await store.workspaces.find(id);
        return workspace === null ? null : (operator?.principal(workspace.tier) ?? null);
      },
    });
    this.#failures = new Failures(options.now);
    this.#configured = new ConfiguredAuthenticator({
      ...common,
      workspaces: store.workspaces,
      keys: options.configured ?? ConfiguredKeys.NONE,
      failures: this.#failures,
    });
    const { roles, now } = options;
    this.#foreign = new ForeignSchemes(store.keys, cacheClock ?? now);
    this.#oidc = new OidcAuthenticator({
      ...common,
      workspaces: store.workspaces,
      failures: this.#failures,
      roles,
      now,
    });
  }

  /** To be called before the first credential comes. Rejects where the store is away. */
  open(): Promise<void> {
    return this.#foreign.open();
  }

  /**
   * Without a promise where the key is known: then nothing is read and nothing waited for, and at most one hash tells that
   * it is the token whose secret was found right before. Else shape and checksum are judged before anything is read, and the
   * secret before the key's state: that a key was revoked or has expired is told only to who holds it.
   *
   * @param address the caller's, whose failures are counted; null: unknown
   * @throws Refusal UNAUTHENTICATED, ADDRESS_NOT_ALLOWED, RATE_LIMITED (too many wrong keys), or UNAVAILABLE when the store is away (fails closed)
   */
  authenticate(
    credential: string,
    address: string | null = null,
  ): AuthenticatedPrincipal | Promise<AuthenticatedPrincipal> {
    // Before all else, for nearly all requests end here; what was let in as a key is no JWT.
    const seen = this.#seen(credential);
    if (seen !== null) return this.#admitKnown(seen, address);
    if (looksLikeJwt(credential)) return this.#byToken(credential, address);
    if (credential.length > MAX_CREDENTIAL_LENGTH) throw unauthenticated('malformed');
    if (!this.#enabled) return this.#authenticateOperator(credential).catch(closed);
    const recognized = this.#recognized(credential);
    if (recognized !== null) return this.#admitKnown(recognized, address);
    const configured = this.#configured.known(credential);
    if (configured !== null) {
      this.#observer.lookedUp('hit');
      return configured;
    }
    return this.#verify(credential, address).catch(closed);
  }

  /**
   * From now on these are the configured keys, and what is remembered of any key or token is looked into anew.
   * @param enabled false: no key is let in
   * @param oidc null: no access token is let in
   */
  configure(enabled: boolean, keys: ConfiguredKeys, oidc: OidcConfiguration | null = null): void {
    this.#enabled = enabled;
    this.#oidc.replace(oidc);
    this.#configured.replace(keys);
    // What was found right as an imported key may be a configured one by now.
    this.#salt = newSalt();
    this.forget(null);
  }

  /** To be told of every change, this process' own before it is answered. null: anything may have changed. */
  forget(change: Change | null): void {
    if (change?.kind === 'key') {
      this.#keys.forget(change.lookupId);
      return;
    }
    const concerned = ({ workspaceId }: AuthenticatedPrincipal) =>
      change === null || workspaceId === change.workspaceId;
    this.#keys.forgetWhere(({ principal }) => concerned(principal));
    this.#operators.forgetWhere(concerned);
    this.#configured.forget(change?.workspaceId ?? null);
    this.#oidc.forget(change?.workspaceId ?? null);
  }

  /** Whatever the token holds, no key is looked for. */
  #byToken(token: string, address: string | null): AuthenticatedPrincipal | Promise<AuthenticatedPrincipal> {
    if (!this.#oidc.enabled) throw unauthenticated('malformed');
    const found = this.#oidc.authenticate(token, address);
    return found instanceof Promise ? found.catch(closed) : found;
  }

  /** The key whose record counts and whose very token was let in before; null where that has to be looked into. */
  #seen(credential: string): KnownKey | null {
    if (!this.#enabled || credential.length > MAX_CREDENTIAL_LENGTH) return null;
    // A Map compares what has the same hash under the process' own seed: how long that takes tells a guesser nothing.
    const seen = this.#tokens.get(credential);
    return seen !== undefined && this.#keys.fresh(seen.key.lookupId) === seen ? seen : null;
  }

  /** The key whose record counts and whose token this is by its hash; null where that has to be looked into. */
  #recognized(credential: string): KnownKey | null {
    const known = this.#keys.fresh(lookupIdIn(credential));
    if (this.#isMarked(known, credential)) return this.#remember(credential, known);
    for (const { lookupId } of this.#foreign.known(credential)) {
      const imported = this.#keys.fresh(lookupId);
      if (this.#isMarked(imported, credential)) return this.#remember(credential, imported);
    }
    return null;
  }

  /** Not in constant time: how far a guess agrees with a salted hash says nothing about the token. */
  #isMarked(known: KnownKey | null | undefined, credential: string): known is KnownKey {
    return known?.mark != null && known.mark === this.#markOf(credential);
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

  /** The operator's key before all, then our own tokens, configured keys, and last what was imported: nothing shadows another. */
  async #verify(credential: string, address: string | null): Promise<AuthenticatedPrincipal> {
    const token = parseToken(credential);
    // Another system's token may have our shape by chance.
    if (token !== null) return this.#verifyAmong([token, ...this.#foreign.known(credential)], credential, address);
    if (this.#options.operator?.matches(credential) === true) return this.#authenticateOperator(credential);
    const imported = await this.#foreign.locate(credential);
    if (imported.length === 0) {
      return this.#configured.any
        ? this.#verifyConfigured(credential, address)
        : this.#authenticateOperator(credential);
    }
    const before = imported.some(({ lookupId }) => this.#isMarked(this.#keys.last(lookupId), credential));
    if (!before && this.#configured.mayBe(credential)) {
      const principal = await this.#configured.verify(credential, address);
      if (principal !== null) return principal;
    }
    return this.#verifyAmong(imported, credential, address);
  }

  /** @param candidates in turn; at least one, the first of which is what failures are counted by */
  async #verifyAmong(
    candidates: readonly Candidate[],
    credential: string,
    address: string | null,
  ): Promise<AuthenticatedPrincipal> {
    const counted = candidates[0]?.lookupId ?? null;
    // Counted before the store is asked: a thousand guesses at once must not all find the count at zero. Not where the
    // answer is on its way: a right key may be sent a hundred times at once to a process that has just started.
    const guess = candidates.every(
      ({ lookupId }) => this.#keys.last(lookupId) === undefined && !this.#keys.isReading(lookupId),
    );
    const giveBack = guess ? this.#failures.take(counted, address) : null;
    let wrong = false;
    try {
      for (const candidate of candidates) {
        const known = await this.#find(candidate, credential);
        if (known !== null) return this.#admit(known, address);
      }
      wrong = true;
    } finally {
      // What cannot be judged, as while the store is away, is no failure.
      if (!wrong) giveBack?.();
    }
    if (!guess) this.#failures.take(counted, address);
    throw unauthenticated('unknown');
  }

  /** The key whose secret the token holds, whatever the key's state. */
  async #find({ lookupId, tokenPrefix, secret }: Candidate, credential: string): Promise<KnownKey | null> {
    this.#observer.lookedUp(lookupOf(this.#keys.fresh(lookupId)));
    const known = await this.#keys.get(lookupId);
    if (known === null) return null;
    // The checksum binds nothing, so a token under another prefix is another token.
    if (tokenPrefix !== undefined && known.key.tokenPrefix !== tokenPrefix) return null;
    return (await this.#isRight(known, credential, secret)) ? known : null;
  }

  async #isRight(known: KnownKey, credential: string, secret: string): Promise<boolean> {
    const mark = this.#markOf(credential);
    if (known.mark === mark) return true;
    if (!(await this.#options.secrets.verify(known.key, secret))) return false;
    known.mark = mark;
    return true;
  }

  #admitKnown(known: KnownKey, address: string | null): AuthenticatedPrincipal {
    this.#observer.lookedUp('hit');
    return this.#admit(known, address);
  }

  #admit({ key, principal, addresses, userLeft }: KnownKey, address: string | null): AuthenticatedPrincipal {
    const now = this.#options.now();
    // First: the user's keys are revoked one after the other, and the reason is not to change on the way.
    if (userLeft) throw unauthenticated('user_left');
    switch (statusOf(key, now)) {
      case 'REVOKED':
        throw unauthenticated('revoked');
      case 'EXPIRED':
        throw unauthenticated('expired');
      case 'ACTIVE':
    }
    if (addresses?.has(address) === false) throw new OutsideAddress(principal);
    this.#options.onUse(key.id, now, key, address);
    return principal;
  }

  async #verifyConfigured(credential: string, address: string | null): Promise<AuthenticatedPrincipal> {
    this.#observer.lookedUp('miss');
    const principal = await this.#configured.verify(credential, address);
    // Not `malformed`: people chose these keys, and any form may be right.
    if (principal === null) throw unauthenticated('unknown');
    return principal;
  }

  async #authenticateOperator(credential: string): Promise<AuthenticatedPrincipal> {
    if (this.#options.operator?.matches(credential) !== true) {
      throw this.#enabled ? unauthenticated('malformed') : new Refusal(SWITCHED_OFF, UNKNOWN);
    }
    const principal = await this.#operators.get(DEFAULT_WORKSPACE_ID);
    if (principal === null) throw unavailable('The default workspace is missing. Start the server anew.', 5);
    return principal;
  }

  /** A key has one secret for life, so that what was found right stays right when the record is read anew. */
  #know({ key, tier, user }: KeyWithTier): KnownKey {
    const before = this.#keys.last(key.lookupId);
    return {
      key,
      addresses: key.allowedAddresses.length === 0 ? null : new AddressList(key.allowedAddresses),
      userLeft: hasLeft({ key, user }),
      mark: before?.key.id === key.id ? before.mark : null,
      principal: holderOf({ key, tier, user }, this.#options.roles()),
    };
  }

  /** Salted, so that nothing in memory could be looked up; not an HMAC under the pepper, which takes five times as long. */
  #markOf(credential: string): string {
    return hash('sha256', this.#salt + credential, 'base64url');
  }
}

function newSalt(): string {
  return randomBytes(32).toString('base64');
}

function lookupOf(fresh: KnownKey | null | undefined): Lookup {
  if (fresh === undefined) return 'miss';
  return fresh === null ? 'negative' : 'hit';
}

/** Whatever goes wrong in verifying lets nobody in. */
function closed(error: unknown): never {
  if (error instanceof Refusal) throw error;
  throw storeAway(error);
}

/** Fail closed: nobody is let in on a key that cannot be read. */
export function storeAway(cause: unknown): Refusal {
  return unavailable('Keys cannot be checked at the moment. Try again shortly.', 1, cause);
}
