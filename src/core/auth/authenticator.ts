import type { Change } from '../keys/changeFeed.js';
import type { Located } from '../keys/foreign.js';
import { isMeantAsToken, KNOWN_PREFIXES, lookupIdIn, MAX_CREDENTIAL_LENGTH, parseToken } from '../keys/token.js';
import { UNOBSERVED, type Observer } from '../observer/observer.js';
import { Refusal, unavailable, type UnauthenticatedReason } from '../errors/refusal.js';
import { orThrow, Refused } from '../errors/refusalValue.js';
import type { Roles } from '../scopes/roles.js';
import { statusOf, type KeyRecord } from '../store/records.js';
import type { Store } from '../store/store.js';
import { ConfiguredAuthenticator } from './configuredAuthenticator.js';
import { ConfiguredKeys } from './configuredKeys.js';
import { Failures, type Attempt, type Sender } from './failures.js';
import { ForeignSchemes } from './foreignSchemes.js';
import { KnownKeys, type KnownKey } from './knownKeys.js';
import { DEFAULT_WORKSPACE_ID, type OperatorKey } from './operator.js';
import { OidcAuthenticator } from './oidc/oidcAuthenticator.js';
import type { OidcConfiguration } from './oidc/oidcConfiguration.js';
import { looksLikeJwt } from './oidc/jwt.js';
import { OutsideAddress } from './outsideAddress.js';
import type { EndReason, Identified } from './identified.js';
import type { AuthenticatedPrincipal } from './principal.js';
import { ReadCache } from './readCache.js';
import { DerivedAuthenticator, type DerivedKey } from './signing/derivedAuthenticator.js';
import { looksDerived } from './signing/derivedForm.js';
import { endedKey, notACredential } from './signing/derivedRefusals.js';
import { PRINCIPAL_TYPE } from './signing/principalTokens.js';
import { beginningOf } from './signing/signedToken.js';
import type { SecretVerifier } from './secretVerifier.js';
import type { Validity } from './validity.js';

/** How long a key's record is cached by default, in milliseconds. */
const DEFAULT_CACHE_TTL = 1_000;

const WHAT_TO_DO: Readonly<Record<UnauthenticatedReason, string>> = {
  missing: 'This request needs an API key. Send it as "Authorization: Bearer <key>".',
  malformed: 'The API key is malformed. Copy the whole key again, without white space.',
  unknown: 'The API key is unknown. Check that it is the right key for this installation.',
  revoked: 'The API key was revoked. Ask an administrator of the workspace for a new one.',
  expired: 'The API key has expired. Ask an administrator of the workspace to create a new one.',
  user_left:
    'The user who owns the API key was removed from the workspace. Ask an administrator of the workspace for a new key.',
};

const SWITCHED_OFF =
  'API keys are disabled in this installation (auth.api_keys.enabled). Ask its operator how to authenticate.';
const REFUSED_SWITCHED_OFF = new Refused(SWITCHED_OFF, Object.freeze({ code: 'UNAUTHENTICATED', reason: 'unknown' }));

const REFUSED = Object.fromEntries(
  Object.entries(WHAT_TO_DO).map(([reason, message]) => [
    reason,
    new Refused(message, Object.freeze({ code: 'UNAUTHENTICATED', reason: reason as UnauthenticatedReason })),
  ]),
) as Readonly<Record<UnauthenticatedReason, Refused>>;

/** Returns the refusal for a missing or invalid key. */
export function unauthenticated(reason: UnauthenticatedReason): Refusal {
  return REFUSED[reason].toError();
}

interface AuthenticatorOptions {
  readonly store: {
    readonly keys: Pick<Store['keys'], 'findForVerification' | 'findForDerived' | 'nextLookupId'>;
    readonly signingKeys: Pick<Store['signingKeys'], 'find'>;
    readonly workspaces: Pick<Store['workspaces'], 'find'>;
    readonly version?: Store['version'];
  };
  readonly secrets: SecretVerifier;
  readonly operator: OperatorKey | null;
  /** Returns the current roles, to resolve those of users. */
  readonly roles: () => Roles;
  /** Returns the current prefixes of new tokens, in addition to {@link KNOWN_PREFIXES}. Default: none. */
  readonly prefixes?: () => readonly string[];
  /** Keys of the configuration. Default: none. */
  readonly configured?: ConfiguredKeys;
  /** Called for each accepted stored key. Must return immediately. @param address null if unknown */
  readonly onUse: (keyId: string, at: number, key: KeyRecord, address: string | null) => void;
  /** Returns the time in milliseconds since the epoch. */
  readonly now: () => number;
  /** How long a record is cached, in milliseconds; 0 means that each request reads it. Default: 1,000. */
  readonly cacheTtl?: number;
  /** See {@link ReadCache}. */
  readonly cacheClock?: () => number;
  /** Sends the requests to the issuer of access tokens. Default: the platform's `fetch`. */
  readonly fetch?: typeof fetch | undefined;
  /** The name of this installation: the `iss` and `aud` of the derived tokens that it accepts. */
  readonly issuer: string;
  /** Receives whether records were cached. Default: none. */
  readonly observer?: Observer;
}

/** The first characters of every token of the header field `Latchkey-Principal`. */
const PRINCIPAL_BEGINNING = beginningOf(PRINCIPAL_TYPE);

/** The validity of a principal that is not cached: authenticate again now. */
const AT_ONCE: Validity = Object.freeze({ lookupId: null, countsFor: 0, expiresAt: null });

/** The stored key of a credential or derived token, in any state, or the principal of another credential. */
type Found = KnownKey | DerivedKey | AuthenticatedPrincipal;

/** The principal of a credential, or its refusal. */
export type Judged = AuthenticatedPrincipal | Refused;

/** A lookup ID and secret to try for a credential. Imported tokens have no `tokenPrefix`, because it is not verified. */
interface Candidate extends Located {
  readonly tokenPrefix?: string;
}

/** How the failure of a credential is counted. */
interface Counted {
  /** null if it is not known in advance. */
  readonly attempt: Attempt | null;
  readonly counted: string | null;
  readonly sender: Sender;
}

/** Verifies credentials of all kinds and returns their principals. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #keys: KnownKeys;
  /** The principal of the operator's key, by workspace. */
  readonly #operators: ReadCache<AuthenticatedPrincipal>;
  readonly #failures: Failures;
  readonly #configured: ConfiguredAuthenticator;
  readonly #foreign: ForeignSchemes;
  readonly #oidc: OidcAuthenticator;
  readonly #derived: DerivedAuthenticator;
  /** Whether API keys are accepted. */
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
      now,
      version: store.version,
      read: (lookupId) => store.keys.findForVerification(lookupId),
    });
    this.#operators = new ReadCache({
      ...common,
      max: 1,
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
    this.#derived = new DerivedAuthenticator({
      ...common,
      ...{ store, roles, now, issuer: options.issuer, failures: this.#failures },
    });
  }

  /** Reads the schemes of imported keys. Call it before the first request. Rejects if the store is unavailable. */
  open(): Promise<void> {
    return this.#foreign.open();
  }

  /**
   * Verifies a credential and returns its principal.
   *
   * For a cached key, the result is not a promise: nothing is read, and at most one hash is computed to recognize the token.
   * For other credentials, the format and checksum are checked before anything is read, and the secret before the key's
   * state, so that only the holder of a key learns that it was revoked or has expired.
   *
   * @param address the caller's address, for counting failures; null if unknown
   * @throws Refusal UNAUTHENTICATED, ADDRESS_NOT_ALLOWED, RATE_LIMITED (too many invalid keys), or UNAVAILABLE if the store
   * is unavailable (fails closed)
   */
  authenticate(
    credential: string,
    address: string | null = null,
  ): AuthenticatedPrincipal | Promise<AuthenticatedPrincipal> {
    const result = this.judge(credential, address);
    return result instanceof Promise ? result.then(orThrow) : orThrow(result);
  }

  /** Like {@link authenticate}, but returns frequent refusals, such as those of wrong keys, instead of throwing them. */
  judge(credential: string, address: string | null = null): Judged | Promise<Judged> {
    // First, because nearly all requests end here. A JWT is never cached as a key.
    const seen = this.#enabled ? this.#keys.seen(credential) : null;
    if (seen !== null) {
      this.#observer.lookedUp('hit');
      return this.#admit(seen, address);
    }
    const found = this.#locate(credential, address);
    return found instanceof Promise
      ? found.then((late) => this.#admit(late, address)).catch(closed)
      : this.#admit(found, address);
  }

  /**
   * Verifies a credential that another service received, and returns its key or principal, even if it is a key that was revoked
   * or has expired. Not a promise for a cached key. Doesn't use the key: it isn't judged by its addresses, and its last use
   * stays the same until you call `use`.
   *
   * @param sender counts failures
   * @throws Refusal UNAUTHENTICATED, RATE_LIMITED or UNAVAILABLE, or rejects with one, as {@link authenticate}
   */
  identify(credential: string, sender: Sender): Identified | Promise<Identified> {
    const found = this.#locate(credential, sender);
    return found instanceof Promise
      ? found.then((late) => this.#identified(late, credential)).catch(closed)
      : this.#identified(found, credential);
  }

  /** Returns how long a result of {@link authenticate} stays valid. @param principal the result for that credential */
  validity(principal: AuthenticatedPrincipal, credential: string): Validity {
    switch (principal.kind) {
      case 'key':
        return this.#keys.validity(principal) ?? this.#derived.validity(principal) ?? AT_ONCE;
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
   * Replaces the configuration. All cached keys and tokens are verified again.
   * @param enabled whether API keys are accepted
   * @param oidc null if access tokens are not accepted
   */
  configure(enabled: boolean, keys: ConfiguredKeys, oidc: OidcConfiguration | null = null): void {
    this.#enabled = enabled;
    this.#oidc.replace(oidc);
    this.#configured.replace(keys);
    this.#keys.doubt();
    this.forget(null);
  }

  /**
   * Marks cached records as stale after a change. Call it for the changes of all processes; for those of this process,
   * before the response is sent. null if anything may have changed.
   */
  forget(change: Change | null): void {
    if (change?.kind === 'key') {
      this.#keys.forget(change.lookupId);
      this.#derived.forgetWhere(({ lookupId }) => lookupId === change.lookupId);
      return;
    }
    const concerned = ({ workspaceId }: AuthenticatedPrincipal) =>
      change === null || workspaceId === change.workspaceId;
    this.#keys.forgetWhere(concerned);
    this.#derived.forgetWhere(({ workspaceId }) => change === null || workspaceId === change.workspaceId);
    this.#operators.forgetWhere(concerned);
    this.#configured.forget(change?.workspaceId ?? null);
    this.#oidc.forget(change?.workspaceId ?? null);
  }

  /** Returns frequent refusals. @throws other refusals, or rejects with them */
  #locate(credential: string, sender: Sender): Found | Refused | Promise<Found | Refused> {
    if (looksLikeJwt(credential)) return this.#byToken(credential, sender);
    if (credential.length > MAX_CREDENTIAL_LENGTH) return REFUSED.malformed;
    if (!this.#enabled) return this.#authenticateOperator(credential).catch(closed);
    const known = this.#recognized(credential) ?? this.#configured.known(credential);
    if (known === null) return this.#verifyClosed(credential, sender);
    this.#observer.lookedUp('hit');
    return known;
  }

  #identified(result: Found | Refused, credential: string): Identified {
    const found = orThrow(result);
    if (!('principal' in found)) {
      const { expiresAt } = this.validity(found, credential);
      return { principal: found, key: null, ended: null, addresses: null, expiresAt, use: () => undefined };
    }
    const { key, principal, addresses } = found;
    const now = this.#options.now();
    const use = (address: string | null): void => this.#use(found, address, this.#options.now());
    return { principal, key, ended: endOf(found, now), addresses, expiresAt: expiryOf(found), use };
  }

  /** Verifies a derived token or an access token. A credential in the format of a JWT is never looked up as a key. */
  #byToken(token: string, sender: Sender): Found | Promise<Found> {
    if (looksDerived(token)) return this.#byDerived(token, sender);
    if (token.startsWith(PRINCIPAL_BEGINNING)) throw notACredential();
    if (!this.#oidc.enabled) throw unauthenticated('malformed');
    const found = this.#oidc.authenticate(token, sender);
    return found instanceof Promise ? found.catch(closed) : found;
  }

  #byDerived(token: string, sender: Sender): DerivedKey | Promise<DerivedKey> {
    if (!this.#enabled) throw REFUSED_SWITCHED_OFF.toError();
    const found = this.#derived.locate(token, sender);
    return found instanceof Promise ? found.catch(closed) : found;
  }

  /** Fails closed if it throws. If it rejects, its callers reject too. */
  #verifyClosed(credential: string, sender: Sender): Refused | Promise<Found | Refused> {
    try {
      return this.#verify(credential, sender);
    } catch (error) {
      return closed(error);
    }
  }

  /** Returns the cached key that the token's hash matches; null if it has to be verified. */
  #recognized(credential: string): KnownKey | null {
    const own = this.#keys.recognized(lookupIdIn(credential), credential);
    if (own !== null) return own;
    for (const { lookupId } of this.#foreign.known(credential)) {
      const imported = this.#keys.recognized(lookupId, credential);
      if (imported !== null) return imported;
    }
    return null;
  }

  /**
   * Tries Latchkey's own tokens, the operator's key, configured keys, then imported keys, so that a key never hides one of an earlier kind.
   */
  #verify(credential: string, sender: Sender): Refused | Promise<Found | Refused> {
    const token = parseToken(credential);
    // A token of another system may accidentally have the format of a Latchkey token.
    if (token !== null) return this.#verifyAmong([token, ...this.#foreign.known(credential)], credential, sender);
    if (this.#options.operator?.matches(credential) === true) return this.#authenticateOperator(credential);
    const imported = this.#foreign.locate(credential);
    return imported instanceof Promise
      ? imported.then((late) => this.#verifyForeign(late, credential, sender))
      : this.#verifyForeign(imported, credential, sender);
  }

  /** Tries a credential that is neither a token of Latchkey's own nor the operator's key. */
  #verifyForeign(
    imported: readonly Candidate[],
    credential: string,
    sender: Sender,
  ): Refused | Promise<Found | Refused> {
    if (imported.length > 0) return this.#verifyImported(imported, credential, sender);
    if (this.#configured.any) return this.#verifyConfigured(credential, sender);
    return this.#notOperator();
  }

  async #verifyImported(imported: readonly Candidate[], credential: string, sender: Sender): Promise<Found | Refused> {
    const before = imported.some(({ lookupId }) => this.#keys.wasRight(lookupId, credential));
    if (!before && this.#configured.mayBe(credential)) {
      const principal = await this.#configured.verify(credential, sender);
      if (principal !== null) return principal;
    }
    return this.#verifyAmong(imported, credential, sender);
  }

  /**
   * Tries candidates in order. A sender with too many failures is refused without a promise.
   *
   * @param candidates at least one; failures are counted by the lookup ID of the first
   */
  #verifyAmong(
    candidates: readonly Candidate[],
    credential: string,
    sender: Sender,
  ): Refused | Promise<KnownKey | Refused> {
    const counted = candidates[0]?.lookupId ?? null;
    // Counted before the read, because a thousand concurrent guesses must not all find the count at zero. Not counted if the
    // read is running: clients may send a valid key many times at once to a process that has just started.
    const guess = candidates.every(({ lookupId }) => this.#keys.isStrange(lookupId));
    const attempt = guess ? this.#failures.tryAttempt(counted, sender) : null;
    if (attempt instanceof Refused) return attempt;
    return this.#verifyFirst(candidates, credential, { attempt, counted, sender });
  }

  async #verifyFirst(
    candidates: readonly Candidate[],
    credential: string,
    { attempt, counted, sender }: Counted,
  ): Promise<KnownKey | Refused> {
    let wrong = false;
    try {
      for (const candidate of candidates) {
        const known = await this.#find(candidate, credential);
        if (known !== null) return known;
      }
      wrong = true;
    } finally {
      // A credential that can't be verified, for example because the store is unavailable, is not a failure.
      if (!wrong) attempt?.giveBack();
    }
    if (attempt?.over != null) return attempt.over;
    const taken = attempt === null ? this.#failures.tryTake(counted, sender) : null;
    return taken instanceof Refused ? taken : this.#noKey(credential);
  }

  /** Returns the key whose secret the token contains, in any state; null if the secret is wrong. */
  async #find({ lookupId, tokenPrefix, secret }: Candidate, credential: string): Promise<KnownKey | null> {
    this.#observer.lookedUp(this.#keys.sourceOf(lookupId));
    const known = await this.#keys.get(lookupId);
    if (known === null) return null;
    // Anyone can compute the checksum, so the prefix must be compared too.
    if (tokenPrefix !== undefined && known.key.tokenPrefix !== tokenPrefix) return null;
    const verify = () => this.#options.secrets.verify(known.key, secret);
    return (await this.#keys.isRight(known, credential, verify)) ? known : null;
  }

  #admit(found: Found | Refused, address: string | null): Judged {
    if (!('principal' in found)) return found;
    const { principal, addresses } = found;
    const now = this.#options.now();
    const ended = endOf(found, now);
    if (ended !== null) {
      if (isDerived(found)) throw endedKey(ended);
      return REFUSED[ended];
    }
    if (addresses?.has(address) === false) throw new OutsideAddress(principal);
    this.#use(found, address, now);
    return principal;
  }

  #use(found: KnownKey | DerivedKey, address: string | null, now: number): void {
    const { key } = found;
    // Derived tokens come from many addresses, which are not new addresses of the key.
    this.#options.onUse(key.id, now, key, isDerived(found) ? null : address);
  }

  async #verifyConfigured(credential: string, sender: Sender): Promise<Judged> {
    this.#observer.lookedUp('miss');
    return (await this.#configured.verify(credential, sender)) ?? this.#noKey(credential);
  }

  /**
   * Returns the refusal for a credential that was looked up without success. Imported and configured keys can have any format,
   * so a credential is only `malformed` if it looks like a token of this installation.
   */
  #noKey(credential: string): Refused {
    const { prefixes = () => [] } = this.#options;
    const isMistyped =
      parseToken(credential) === null && isMeantAsToken(credential, [...KNOWN_PREFIXES, ...prefixes()]);
    return isMistyped ? REFUSED.malformed : REFUSED.unknown;
  }

  #notOperator(): Refused {
    return this.#enabled ? REFUSED.malformed : REFUSED_SWITCHED_OFF;
  }

  async #authenticateOperator(credential: string): Promise<Judged> {
    if (this.#options.operator?.matches(credential) !== true) return this.#notOperator();
    const principal = await this.#operators.get(DEFAULT_WORKSPACE_ID);
    if (principal === null) throw unavailable('The default workspace is missing. Restart the server.', 5);
    return principal;
  }
}

/** Returns why a key is not accepted any more; null if it is. */
function endOf({ key, userLeft }: KnownKey | DerivedKey, now: number): EndReason | null {
  // First, so that the reason stays the same while the removed user's keys are being revoked one after another.
  if (userLeft) return 'user_left';
  const status = statusOf(key, now);
  if (status === 'ACTIVE') return null;
  return status === 'REVOKED' ? 'revoked' : 'expired';
}

function isDerived(found: KnownKey | DerivedKey): found is DerivedKey {
  return 'tokenEndsAt' in found;
}

/** Returns when a key or the token derived from it expires, whichever is earlier; null means never. */
function expiryOf(found: KnownKey | DerivedKey): number | null {
  const { expiresAt } = found.key;
  return isDerived(found) ? Math.min(found.tokenEndsAt, expiresAt ?? Infinity) : expiresAt;
}

/** Turns every error of a verification into a refusal, so that authentication fails closed. */
function closed(error: unknown): never {
  if (error instanceof Refusal) throw error;
  throw storeAway(error);
}

/** Returns the refusal for a key that can't be read from the store. */
function storeAway(cause: unknown): Refusal {
  return unavailable('Keys cannot be checked at the moment. Try again shortly.', 1, cause);
}
