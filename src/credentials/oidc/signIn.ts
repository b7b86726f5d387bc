import type { AudienceParameter, OidcConfiguration } from './configuration.js';
import { discover } from './discovery.js';

/** Where people sign in, by the issuer's discovery document. */
export interface SignInEndpoints {
  readonly authorization: string;
  readonly token: string;
  /** Where they sign out; null: nowhere. */
  readonly endSession: string | null;
  /** Where a refresh token is given back (RFC 7009); null: nowhere. */
  readonly revocation: string | null;
  /** How it signs ID tokens. */
  readonly idTokenAlgorithms: readonly string[];
}

/** What the dashboard's page has to know to let people sign in at the issuer. Anybody may: nothing of it is secret. */
export interface SignIn {
  readonly issuer: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly audience: string;
  readonly audienceParameter: AudienceParameter;
  /** Null: the issuer does not answer at the moment. */
  readonly endpoints: SignInEndpoints | null;
}

/** After so long the endpoints are read anew, beside the visits, in ms. */
const REFRESH = 10 * 60_000;

/** Between two reads of which the first failed, in ms: whoever opens the page makes us ask. */
const RETRY = 30_000;

/** An issuer's endpoints: read at the first visit to the dashboard, so that a start needs no issuer. */
export class IssuerEndpoints {
  readonly #issuer: string;
  readonly #now: () => number;
  readonly #fetch: typeof fetch | undefined;
  #endpoints: SignInEndpoints | null = null;
  #askedAt = -Infinity;
  #asking: Promise<void> | null = null;

  /** @param now ms since the epoch */
  constructor(issuer: string, now: () => number, send?: typeof fetch) {
    this.#issuer = issuer;
    this.#now = now;
    this.#fetch = send;
  }

  isOf(issuer: string): boolean {
    return issuer === this.#issuer;
  }

  /** Null where the issuer does not answer. Waits only where none are known yet. */
  async find(): Promise<SignInEndpoints | null> {
    const passed = this.#now() - this.#askedAt;
    const span = this.#endpoints === null ? RETRY : REFRESH;
    // What lies in the future was noted by a clock that has been set back since.
    if (passed < 0 || passed >= span) this.#asking ??= this.#ask().finally(() => (this.#asking = null));
    if (this.#endpoints === null) await this.#asking;
    return this.#endpoints;
  }

  /** One at a time, however many wait for it. What was known goes on where it fails. */
  async #ask(): Promise<void> {
    try {
      const found = await discover(this.#issuer, this.#fetch);
      this.#endpoints = {
        authorization: found.address('authorization_endpoint'),
        token: found.address('token_endpoint'),
        endSession: found.optionalAddress('end_session_endpoint'),
        revocation: found.optionalAddress('revocation_endpoint'),
        idTokenAlgorithms: found.words('id_token_signing_alg_values_supported'),
      };
    } catch {
      // Told by what is not offered: there is nobody here whom it would keep from anything but this way to sign in.
    } finally {
      this.#askedAt = this.#now();
    }
  }
}

/** What {@link SignIn} is by a configuration, which may change; null where it names no client for the dashboard. */
export function signInOf(
  now: () => number,
  send?: typeof fetch,
): (oidc: OidcConfiguration | null) => Promise<SignIn | null> {
  let endpoints: IssuerEndpoints | null = null;
  return async (oidc) => {
    if (oidc?.dashboard == null) return null;
    const { issuer, audience, dashboard } = oidc;
    if (endpoints?.isOf(issuer) !== true) endpoints = new IssuerEndpoints(issuer, now, send);
    return { issuer, audience, ...dashboard, endpoints: await endpoints.find() };
  };
}
