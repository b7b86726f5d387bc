import { hash, randomBytes } from 'node:crypto';
import { Refusal, unavailable } from '../../errors/refusal.js';
import type { Roles } from '../../scopes/roles.js';
import type { Store } from '../../store/store.js';
import type { Failures, Sender } from '../failures.js';
import type { AuthenticatedPrincipal } from '../principal.js';
import { ReadCache } from '../readCache.js';
import type { Validity } from '../validity.js';
import { tokenHolderOf, workspaceOf } from './claims.js';
import type { OidcConfiguration } from './oidcConfiguration.js';
import { IssuerKeys } from './issuerKeys.js';
import { expired, notYetValid, refusedToken } from './tokenRefusals.js';
import type * as Verify from './verifyToken.js';

/** The maximum number of cached tokens. At about 1 kB each, they take at most about 20 MB. */
const MAX_TOKENS = 20_000;

/** The number of scopes that take as much memory as a token without scopes. */
const SCOPES_PER_TOKEN = 8;

interface OidcAuthenticatorOptions {
  readonly workspaces: Pick<Store['workspaces'], 'find'>;
  readonly failures: Failures;
  readonly roles: () => Roles;
  /** Returns the time in milliseconds since the epoch. */
  readonly now: () => number;
  /** Sends the requests to the issuer. Default: the platform's `fetch`. */
  readonly fetch?: typeof fetch | undefined;
  /** See {@link ReadCache}. */
  readonly ttl: number;
  readonly clock?: () => number;
}

/** A verified token. */
interface KnownToken {
  readonly principal: AuthenticatedPrincipal;
  /** In milliseconds since the epoch. Both times include the clock tolerance. */
  readonly notBefore: number;
  readonly expiresAt: number;
}

/** The trusted issuer. */
interface Trusted {
  readonly oidc: OidcConfiguration;
  readonly keys: IssuerKeys;
  /** Loaded only if access tokens are accepted, because loading jose takes a tenth of a second at startup. */
  readonly judging: Promise<typeof Verify>;
}

/**
 * Verifies access tokens and returns their principals. A verified token is cached by a salted hash, for as long as records of keys, and
 * then needs no promise. Its times are checked for each request.
 */
export class OidcAuthenticator {
  readonly #options: OidcAuthenticatorOptions;
  readonly #tokens: ReadCache<KnownToken>;
  readonly #salt = randomBytes(32).toString('base64');
  #trusted: Trusted | null = null;

  constructor(options: OidcAuthenticatorOptions) {
    this.#options = options;
    const { ttl, clock } = options;
    this.#tokens = new ReadCache({
      ttl,
      max: MAX_TOKENS,
      weigh: ({ principal }) => 1 + principal.scopes.length / SCOPES_PER_TOKEN,
      ...(clock !== undefined && { clock }),
      read: (token) => this.#judge(token),
    });
  }

  /** Whether access tokens are accepted. */
  get enabled(): boolean {
    return this.#trusted !== null;
  }

  /**
   * Replaces the configuration. If the issuer stays the same, its keys are kept, because it may be unavailable now.
   * @param oidc null if access tokens are not accepted
   */
  replace(oidc: OidcConfiguration | null): void {
    const { now, fetch: send } = this.#options;
    const before = this.#trusted?.keys;
    this.#trusted = oidc && {
      oidc,
      keys: before?.isOf(oidc) === true ? before : new IssuerKeys({ ...oidc, now, fetch: send }),
      judging: import('./verifyToken.js'),
    };
    this.forget(null);
  }

  /** Marks cached tokens as stale. @param workspaceId the workspace whose tier may have changed; null if anything may have changed */
  forget(workspaceId: string | null): void {
    this.#tokens.forgetWhere(({ principal }) => workspaceId === null || principal.workspaceId === workspaceId);
  }

  /** Returns how long the result for a token stays valid. @param principal the result for that token */
  validity(principal: AuthenticatedPrincipal, token: string): Validity {
    const mark = this.#markOf(token);
    const expiresAt = this.#tokens.last(mark)?.expiresAt ?? null;
    const countsFor = this.#tokens.remaining(mark, (known) => known.principal === principal);
    return { lookupId: null, countsFor, expiresAt };
  }

  /**
   * Verifies an access token and returns its principal; not a promise if the token is cached.
   * @param token in the format of a JWT, with limited length
   * @throws Refusal UNAUTHENTICATED, RATE_LIMITED (too many invalid tokens), UNAVAILABLE, and errors of the store; or rejects
   */
  authenticate(token: string, sender: Sender): AuthenticatedPrincipal | Promise<AuthenticatedPrincipal> {
    const mark = this.#markOf(token);
    const known = this.#tokens.fresh(mark);
    return known == null ? this.#verify(token, mark, sender) : this.#admit(known);
  }

  /** Counts a failure before the verification, because a thousand concurrent guesses must not all find the count at zero. */
  async #verify(token: string, mark: string, sender: Sender): Promise<AuthenticatedPrincipal> {
    const trusted = this.#trusted;
    const isGuess = this.#tokens.last(mark) === undefined && !this.#tokens.isReading(mark);
    const attempt = isGuess ? this.#options.failures.attempt(null, sender) : null;
    let known: KnownToken | null;
    try {
      known = await this.#tokens.get(mark, token);
    } catch (error) {
      // A token that can't be verified, for example because the issuer is unavailable, is not a failure.
      if (!isWrong(error)) attempt?.giveBack();
      else if (attempt?.over != null) throw attempt.over.toError();
      else if (!isGuess) this.#options.failures.take(null, sender);
      throw error;
    }
    attempt?.giveBack();
    // A reload replaced the configuration during the verification.
    if (trusted !== this.#trusted) return this.authenticate(token, sender);
    if (known !== null) return this.#admit(known);
    if (trusted?.oidc.workspaceClaim != null) {
      throw refusedToken(
        'The access token names no workspace of this installation. Check the claim that its issuer sets.',
      );
    }
    throw unavailable('The workspace of access tokens does not exist. Correct auth.oidc.workspace.', 5);
  }

  /** Verifies a token. @returns null if its workspace does not exist */
  async #judge(token: string): Promise<KnownToken | null> {
    if (this.#trusted === null) throw refusedToken('This installation accepts no access tokens.', 'malformed');
    const { oidc, keys, judging } = this.#trusted;
    const { verifyToken } = await judging;
    const { workspaces, roles, now } = this.#options;
    const claims = await verifyToken(token, oidc, keys, now());
    const workspaceId = workspaceOf(claims, oidc);
    const workspace = workspaceId === null ? null : await workspaces.find(workspaceId);
    if (workspace === null) return null;
    const { nbf = -Infinity, exp } = claims;
    return {
      principal: tokenHolderOf(claims, oidc, { workspaceId: workspace.id, tier: workspace.tier, roles: roles() }),
      notBefore: (nbf - oidc.clockTolerance) * 1_000,
      expiresAt: (exp + oidc.clockTolerance) * 1_000,
    };
  }

  #admit({ principal, notBefore, expiresAt }: KnownToken): AuthenticatedPrincipal {
    const now = this.#options.now();
    if (now >= expiresAt) throw expired();
    if (now < notBefore) throw notYetValid();
    return principal;
  }

  /** Returns a salted hash, so that a memory dump can't be compared with known hashes. */
  #markOf(token: string): string {
    return hash('sha256', this.#salt + token, 'base64url');
  }
}

function isWrong(error: unknown): boolean {
  return error instanceof Refusal && error.details.code === 'UNAUTHENTICATED';
}
