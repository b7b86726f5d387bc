import type { Change } from '../keys/changes.js';
import type { Located } from '../keys/foreign.js';
import { DEFAULT_PREFIXES, isMeantAsToken, lookupIdIn, MAX_CREDENTIAL_LENGTH, parseToken } from '../keys/token.js';
import { UNOBSERVED, type Observer } from '../metrics/observer.js';
import { Refusal, unavailable, type UnauthenticatedReason } from '../refusals/refusal.js';
import type { Roles } from '../scopes/roles.js';
import { statusOf, type KeyRecord } from '../store/records.js';
import type { Store } from '../store/store.js';
import { ConfiguredAuthenticator } from './configuredAuthenticator.js';
import { ConfiguredKeys } from './configuredKeys.js';
import { Failures } from './failures.js';
import { ForeignSchemes } from './foreignSchemes.js';
import { KnownKeys, type KnownKey } from './knownKeys.js';
import { DEFAULT_WORKSPACE_ID, type OperatorKey } from './operator.js';
import { OidcAuthenticator } from './oidc/authenticator.js';
import type { OidcConfiguration } from './oidc/configuration.js';
import { looksLikeJwt } from './oidc/jwt.js';
import { OutsideAddress } from './outsideAddress.js';
import type { AuthenticatedPrincipal } from './principal.js';
import { ReadCache } from './readCache.js';
import type { SecretVerifier } from './secretVerifier.js';
import type { Validity } from './standing.js';

/** How long a key's record counts unless it is set otherwise, in ms. */
const DEFAULT_CACHE_TTL = 1_000;

const WHAT_TO_DO: Readonly<Record<UnauthenticatedReason, string>> = {
  missing: 'This needs an API key. Send it as "Authorization: Bearer <key>".',
  malformed: 'The API key is malformed: copy it again, whole and without white space.',
  unknown: 'The API key is unknown. Check that it is the right key for this installation.',
  revoked: 'The API key was revoked. Ask an administrator of the workspace for a new one.',
  expired: 'The API key has expired. Ask an administrator of the workspace to create a new one.',
  user_left:
    'The user who owns the API key was removed from the workspace. Ask an administrator of the workspace for a new key.',
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
  /** Prefixes of new tokens at the moment. Default: none but {@link DEFAULT_PREFIXES}. */
  readonly prefixes?: () => readonly string[];
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
  /** Sends the requests to the issuer of access tokens. Default: the platform's `fetch`. */
  readonly fetch?: typeof fetch | undefined;
  /** Is told where records come from. Default: nobody. */
  readonly observer?: Observer;
}

/** For what nothing is known of: it is to be looked into again at once. */
const AT_ONCE: Validity = Object.freeze({ lookupId: null, countsFor: 0, expiresAt: null });

/** Where a credential's key would be found. Of a token of another system the prefix says nothing, and is left out. */
interface Candidate extends Located {
  readonly tokenPrefix?: string;
}

/** A credential to a principal. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #keys: KnownKeys;
  /** The principal of the operator's key, by workspace. */
  readonly #operators: ReadCache<AuthenticatedPrincipal>;
  readonly #failures: Failures;
  readonly #configured: ConfiguredAuthenticator;
  readonly #foreign: ForeignSchemes;
  readonly #oidc: OidcAuthenticator;
  /** Are keys let in at all? */
  #enabled = true;
  readonly #observer: Observer;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#observer = options.observer ?? UNOBSERVED;
    const { store, operator, roles, now, cacheTtl: ttl = DEFAULT_CACHE_TTL, cacheClock } = options;
    const common = { ttl, ...(cacheClock !== undefined && { clock: cacheClock }) };
    this.#keys = new KnownKeys({
      ...common,
      roles,
      read: (lookupId) => store.keys.findForVerification(lookupId),
    });
    this.#operators = new ReadCache({
      ...common,
      max: 2,
      read: async (id) => {
        const workspace = await store.workspaces.find(id);
        return workspace === null ? null : (operator?.principal(workspace.tier) ?? null);
      },
    });
    this.#failures = new Failures(now);
    this.#configured = new ConfiguredAuthenticator({
      ...common,
      workspaces: store.workspaces,
      keys: options.configured ?? ConfiguredKeys.NONE,
      failures: this.#failures,
    });
    this.#foreign = new ForeignSchemes(store.keys, cacheClock ?? now);
    this.#oidc = new OidcAuthenticator({
      ...common,
      workspaces: store.workspaces,
      failures: this.#failures,
      roles,
      now,
      fetch: options.fetch,
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
    const seen = this.#enabled ? this.#keys.seen(credential) : null;
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

  /** Returns how long a verdict of {@link authenticate} counts. @param principal as it was answered for that credential */
  validity(principal: AuthenticatedPrincipal, credential: string): Validity {
    switch (principal.kind) {
      case 'key':
        return this.#keys.validity(principal) ?? AT_ONCE;
      case 'oidc':
        return this.#oidc.validity(principal, credential);
      case 'configured':
        return { ...AT_ONCE, countsFor: this.#configured.remaining(principal) };
      case 'operator':
        return {
          ...AT_ONCE,
          countsFor: this.#operators.remaining(DEFAULT_WORKSPACE_ID, (latest) => latest === principal),
        };
      default:
        return AT_ONCE;
    }
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
    this.#keys.doubt();
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
    this.#keys.forgetWhere(concerned);
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

  /** The key whose record counts and whose token this is by its hash; null where that has to be looked into. */
  #recognized(credential: string): KnownKey | null {
    const own = this.#keys.recognized(lookupIdIn(credential), credential);
    if (own !== null) return own;
    for (const { lookupId } of this.#foreign.known(credential)) {
      const imported = this.#keys.recognized(lookupId, credential);
      if (imported !== null) return imported;
    }
    return null;
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
    const before = imported.some(({ lookupId }) => this.#keys.wasRight(lookupId, credential));
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
    const guess = candidates.every(({ lookupId }) => this.#keys.isStrange(lookupId));
    const attempt = guess ? this.#failures.attempt(counted, address) : null;
    let wrong = false;
    try {
      for (const candidate of candidates) {
        const known = await this.#find(candidate, credential);
        if (known !== null) return this.#admit(known, address);
      }
      wrong = true;
    } finally {
      // What cannot be judged, as while the store is away, is no failure.
      if (!wrong) attempt?.giveBack();
    }
    if (attempt?.over != null) throw attempt.over;
    if (!guess) this.#failures.take(counted, address);
    throw this.#noKey(credential);
  }

  /** The key whose secret the token holds, whatever the key's state. */
  async #find({ lookupId, tokenPrefix, secret }: Candidate, credential: string): Promise<KnownKey | null> {
    this.#observer.lookedUp(this.#keys.sourceOf(lookupId));
    const known = await this.#keys.get(lookupId);
    if (known === null) return null;
    // The checksum binds nothing, so a token under another prefix is another token.
    if (tokenPrefix !== undefined && known.key.tokenPrefix !== tokenPrefix) return null;
    const verify = () => this.#options.secrets.verify(known.key, secret);
    return (await this.#keys.isRight(known, credential, verify)) ? known : null;
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
    if (principal === null) throw this.#noKey(credential);
    return principal;
  }

  /**
   * The refusal of a credential that was looked up and is no key. Imported and configured keys may have any form, so that another
   * form than a token's is not malformed; a token of this installation with a wrong checksum is, as without such keys.
   */
  #noKey(credential: string): Refusal {
    const { prefixes = () => [] } = this.#options;
    const isMistyped =
      parseToken(credential) === null &&
      isMeantAsToken(credential, [...Object.values(DEFAULT_PREFIXES), ...prefixes()]);
    return unauthenticated(isMistyped ? 'malformed' : 'unknown');
  }

  async #authenticateOperator(credential: string): Promise<AuthenticatedPrincipal> {
    if (this.#options.operator?.matches(credential) !== true) {
      throw this.#enabled ? unauthenticated('malformed') : new Refusal(SWITCHED_OFF, UNKNOWN);
    }
    const principal = await this.#operators.get(DEFAULT_WORKSPACE_ID);
    if (principal === null) throw unavailable('The default workspace is missing. Restart the server.', 5);
    return principal;
  }
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
