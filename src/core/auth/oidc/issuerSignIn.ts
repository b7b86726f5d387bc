import type { SignIn, SignInEndpoints } from '../../../shared/signIn.js';
import type { OidcConfiguration } from './oidcConfiguration.js';
import { discover } from './discovery.js';

/** The age at which the endpoints are read again in the background, in milliseconds. */
const REFRESH = 10 * 60_000;

/** The minimum time between a failed read and the next one, in milliseconds. Anyone who opens the page causes a read. */
const RETRY = 30_000;

/** The endpoints of an issuer. They are read at the first visit to the dashboard, so that the server can start without the issuer. */
class IssuerEndpoints {
  readonly #issuer: string;
  readonly #now: () => number;
  readonly #fetch: typeof fetch | undefined;
  #endpoints: SignInEndpoints | null = null;
  #askedAt = -Infinity;
  #asking: Promise<void> | null = null;

  /** @param now returns milliseconds since the epoch */
  constructor(issuer: string, now: () => number, send?: typeof fetch) {
    this.#issuer = issuer;
    this.#now = now;
    this.#fetch = send;
  }

  /** Returns whether these are the endpoints of an issuer. */
  isOf(issuer: string): boolean {
    return issuer === this.#issuer;
  }

  /** Returns the endpoints; null if the issuer is unavailable. Waits for a read only if none has succeeded yet. */
  async find(): Promise<SignInEndpoints | null> {
    const passed = this.#now() - this.#askedAt;
    const span = this.#endpoints === null ? RETRY : REFRESH;
    // A negative time means that the clock was set back.
    if (passed < 0 || passed >= span) this.#asking ??= this.#ask().finally(() => (this.#asking = null));
    if (this.#endpoints === null) await this.#asking;
    return this.#endpoints;
  }

  /** Reads the endpoints. If it fails, the previous ones stay in use. */
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
      // Without endpoints, the dashboard doesn't offer this way to sign in. Nothing else uses them.
    } finally {
      this.#askedAt = this.#now();
    }
  }
}

/** Returns a function that returns the {@link SignIn} of a configuration; null if it has no client for the dashboard. */
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
