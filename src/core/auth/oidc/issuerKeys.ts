import type { CryptoKey, JWTHeaderParameters, RemoteJWKSet } from 'jose';
import { unavailable, type Refusal } from '../../errors/refusal.js';
import type { OidcConfiguration } from './oidcConfiguration.js';
import { discover } from './discovery.js';
import { fetchBounded, TIMEOUT } from './fetchBounded.js';

/** The age at which the keys are read again in the background, in milliseconds. */
const REFRESH = 10 * 60_000;

/** The maximum age of the keys while the issuer is unavailable, in milliseconds. It may have revoked a key since. */
const MAX_AGE = 24 * 60 * 60_000;

/** The minimum time between two reads because of unknown keys, in milliseconds. Anyone can send a token with an unknown key. */
const COOLDOWN = 30_000;

/** The minimum time between a failed read and the next one, in milliseconds. */
const RETRY = 5_000;

interface IssuerKeysOptions extends Pick<OidcConfiguration, 'issuer' | 'jwksUri'> {
  /** Returns the time in milliseconds. */
  readonly now: () => number;
  /** Sends the requests. Default: the platform's `fetch`. */
  readonly fetch?: typeof fetch | undefined;
}

/**
 * The public keys of an issuer. They are read for the first token, every ten minutes, and when a token names an unknown key,
 * which happens after a rotation. jose reads and selects keys. This class decides when to read, so that unknown callers can't cause many
 * requests, a failing issuer is not called endlessly, and keys remain usable while it is unavailable.
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

  /** Returns whether these are the keys of a configuration's issuer. */
  isOf({ issuer, jwksUri }: OidcConfiguration): boolean {
    return issuer === this.#options.issuer && jwksUri === this.#options.jwksUri;
  }

  /** Returns the key that a token's header names. @throws JOSEError if there is none; Refusal UNAVAILABLE */
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

  /** Reads the keys. Concurrent calls share one read. */
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
        // jose must not read by itself.
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

  /** Returns whether less than `span` has passed since a time. A time in the future counts as too old, because the clock was set back. */
  #isWithin(since: number, span: number): boolean {
    const passed = this.#options.now() - since;
    return passed >= 0 && passed < span;
  }
}

/** Returns whether jose found no key with the name in the token. */
function isUnknownKey(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_JWKS_NO_MATCHING_KEY';
}
