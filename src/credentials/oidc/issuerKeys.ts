import type { CryptoKey, JWTHeaderParameters, RemoteJWKSet } from 'jose';
import { unavailable, type Refusal } from '../../refusals/refusal.js';
import type { OidcConfiguration } from './configuration.js';
import { discover } from './discovery.js';
import { fetchBounded, TIMEOUT } from './fetchBounded.js';

/** After so long the keys are read anew, beside the requests, in ms. */
const REFRESH = 10 * 60_000;

/** After so long without an answer of the issuer's the keys count no more: one may have been withdrawn since. In ms. */
const MAX_AGE = 24 * 60 * 60_000;

/** Between two reads because of a key that is not known, in ms: a stranger can name any. */
const COOLDOWN = 30_000;

/** Between two reads of which the first failed, in ms. */
const RETRY = 5_000;

export interface IssuerKeysOptions extends Pick<OidcConfiguration, 'issuer' | 'jwksUri'> {
  /** ms */
  readonly now: () => number;
  /** Sends the requests. Default: the platform's `fetch`. */
  readonly fetch?: typeof fetch | undefined;
}

/**
 * The public keys of an issuer: read at the first token, every ten minutes, and where a token names one that is not known,
 * which is how a rotation shows. jose reads and picks; when to read is decided here, so that neither strangers nor an
 * issuer that is away make requests without end, and that keys go on counting while it is away.
 */
export class IssuerKeys {
  readonly #options: IssuerKeysOptions;
  #keys: RemoteJWKSet | null = null;
  #readAt = -Infinity;
  #failedAt = -Infinity;
  #failure: unknown = null;
  #reading: Promise<RemoteJWKSet> | null = null;

  constructor(options: IssuerKeysOptions) {
    this.#options = options;
  }

  isOf({ issuer, jwksUri }: OidcConfiguration): boolean {
    return issuer === this.#options.issuer && jwksUri === this.#options.jwksUri;
  }

  /** The one key that a token's header names. @throws JOSEError where there is none; Refusal UNAVAILABLE */
  async find(header: JWTHeaderParameters): Promise<CryptoKey> {
    let keys = this.#keys;
    if (keys === null || !this.#isWithin(this.#readAt, MAX_AGE)) keys = await this.#read();
    else if (!this.#isWithin(this.#readAt, REFRESH)) this.#read().catch(() => undefined);
    try {
      return await keys(header);
    } catch (error) {
      if (!isUnknownKey(error) || this.#isWithin(this.#readAt, COOLDOWN)) throw error;
      return (await this.#read())(header);
    }
  }

  /** One read at a time, however many wait for it. */
  async #read(): Promise<RemoteJWKSet> {
    if (this.#reading === null && this.#isWithin(this.#failedAt, RETRY)) throw this.#away();
    this.#reading ??= this.#readAnew().finally(() => (this.#reading = null));
    return this.#reading;
  }

  async #readAnew(): Promise<RemoteJWKSet> {
    const began = this.#options.now();
    try {
      const { createRemoteJWKSet, customFetch } = await import('jose');
      const keys = createRemoteJWKSet(new URL(this.#options.jwksUri ?? (await this.#discovered())), {
        timeoutDuration: TIMEOUT,
        // Never by itself.
        cacheMaxAge: Infinity,
        cooldownDuration: Infinity,
        [customFetch]: (address: string, options: RequestInit) => fetchBounded(address, options, this.#options.fetch),
      });
      await keys.reload();
      this.#readAt = began;
      this.#failedAt = -Infinity;
      return (this.#keys = keys);
    } catch (error) {
      this.#failedAt = this.#options.now();
      this.#failure = error;
      throw this.#away();
    }
  }

  async #discovered(): Promise<string> {
    return (await discover(this.#options.issuer, this.#options.fetch)).address('jwks_uri');
  }

  #away(): Refusal {
    return unavailable(
      'Access tokens cannot be checked at the moment: the keys of their issuer cannot be read. Try again shortly.',
      RETRY / 1_000,
      this.#failure,
    );
  }

  /** What lies in the future was noted by a clock that has been set back since. */
  #isWithin(since: number, span: number): boolean {
    const passed = this.#options.now() - since;
    return passed >= 0 && passed < span;
  }
}

/** jose's own: none of the keys is the one that a token names. */
function isUnknownKey(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_JWKS_NO_MATCHING_KEY';
}
