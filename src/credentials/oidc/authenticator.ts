import { hash, randomBytes } from 'node:crypto';
import { Refusal, unavailable } from '../../refusals/refusal.js';
import type { Roles } from '../../scopes/roles.js';
import type { Store } from '../../store/store.js';
import type { Failures } from '../failures.js';
import type { AuthenticatedPrincipal } from '../principal.js';
import { ReadCache } from '../readCache.js';
import type { Validity } from '../standing.js';
import { tokenHolderOf, workspaceOf } from './claims.js';
import type { OidcConfiguration } from './configuration.js';
import { IssuerKeys } from './issuerKeys.js';
import { expired, notYetValid, refusedToken } from './refusals.js';
import type * as Verify from './verify.js';

/** Tokens that are remembered: at about 1 kB each some 20 MB at most. */
const MAX_TOKENS = 20_000;

/** How many scopes of a token take as much memory again as a token without them. */
const SCOPES_PER_TOKEN = 8;

export interface OidcAuthenticatorOptions {
  readonly workspaces: Pick<Store['workspaces'], 'find'>;
  readonly failures: Failures;
  readonly roles: () => Roles;
  /** ms since the epoch. */
  readonly now: () => number;
  /** Sends the requests to the issuer. Default: the platform's `fetch`. */
  readonly fetch?: typeof fetch | undefined;
  /** See {@link ReadCache}. */
  readonly ttl: number;
  readonly clock?: () => number;
}

/** A token that was found right. */
interface KnownToken {
  readonly principal: AuthenticatedPrincipal;
  /** The clock tolerance is in both. In ms since the epoch. */
  readonly notBefore: number;
  readonly expiresAt: number;
}

/** From whom tokens are taken at the moment. */
interface Trusted {
  readonly oidc: OidcConfiguration;
  readonly keys: IssuerKeys;
  /** Loaded only where tokens are let in: jose takes a tenth of a second of a start. */
  readonly judging: Promise<typeof Verify>;
}

/**
 * An access token to a principal. A token that was found right is known by a salted hash for as long as a key's record
 * counts, without a promise; its times are judged at each request.
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

  /** Are tokens let in? */
  get enabled(): boolean {
    return this.#trusted !== null;
  }

  /** @param oidc null: no token is let in. The keys of an issuer that stays stay: it may be away just now. */
  replace(oidc: OidcConfiguration | null): void {
    const { now, fetch: send } = this.#options;
    const before = this.#trusted?.keys;
    this.#trusted = oidc && {
      oidc,
      keys: before?.isOf(oidc) === true ? before : new IssuerKeys({ ...oidc, now, fetch: send }),
      judging: import('./verify.js'),
    };
    this.forget(null);
  }

  /** @param workspaceId whose tier may have changed; null: anything may */
  forget(workspaceId: string | null): void {
    this.#tokens.forgetWhere(({ principal }) => workspaceId === null || principal.workspaceId === workspaceId);
  }

  /** Returns how long the verdict on a token counts. @param principal as it was answered for that token */
  validity(principal: AuthenticatedPrincipal, token: string): Validity {
    const mark = this.#markOf(token);
    const expiresAt = this.#tokens.last(mark)?.expiresAt ?? null;
    const countsFor = this.#tokens.remaining(mark, (known) => known.principal === principal);
    return { lookupId: null, countsFor, expiresAt };
  }

  /**
   * @param token in the form of a JWT, its length bounded
   * @throws Refusal UNAUTHENTICATED, RATE_LIMITED (too many wrong ones), UNAVAILABLE; or rejects, with whatever the store throws too
   */
  authenticate(token: string, address: string | null): AuthenticatedPrincipal | Promise<AuthenticatedPrincipal> {
    const mark = this.#markOf(token);
    const known = this.#tokens.fresh(mark);
    return known == null ? this.#verify(token, mark, address) : this.#admit(known);
  }

  /** Wrong ones are counted before they are looked at, for a thousand at once must not all find the count at zero. */
  async #verify(token: string, mark: string, address: string | null): Promise<AuthenticatedPrincipal> {
    const trusted = this.#trusted;
    const isGuess = this.#tokens.last(mark) === undefined && !this.#tokens.isReading(mark);
    const attempt = isGuess ? this.#options.failures.attempt(null, address) : null;
    let known: KnownToken | null;
    try {
      known = await this.#tokens.get(mark, token);
    } catch (error) {
      // What cannot be judged is no failure.
      if (!isWrong(error)) attempt?.giveBack();
      else if (attempt?.over != null) throw attempt.over;
      else if (!isGuess) this.#options.failures.take(null, address);
      throw error;
    }
    attempt?.giveBack();
    // Judged by what a reload has replaced meanwhile: the new decides.
    if (trusted !== this.#trusted) return this.authenticate(token, address);
    if (known !== null) return this.#admit(known);
    if (trusted?.oidc.workspaceClaim != null) {
      throw refusedToken('The access token names no workspace that is here. Have its issuer name one.');
    }
    throw unavailable('The workspace of access tokens is missing. Correct auth.oidc.workspace.', 5);
  }

  /** @returns null where its workspace is not there */
  async #judge(token: string): Promise<KnownToken | null> {
    if (this.#trusted === null) throw refusedToken('Access tokens are not let in here.', 'malformed');
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

  /** Salted, so that nothing in memory could be looked up. */
  #markOf(token: string): string {
    return hash('sha256', this.#salt + token, 'base64url');
  }
}

function isWrong(error: unknown): boolean {
  return error instanceof Refusal && error.details.code === 'UNAUTHENTICATED';
}
