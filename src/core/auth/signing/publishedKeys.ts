import { hash } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { unavailable } from '../../errors/refusal.js';
import type { SigningKeyRecord } from '../../store/records.js';
import type { SigningKeyStore } from '../../store/store.js';

/** The minimum time between two reads of the store, in milliseconds. */
const READ_EVERY = 1_000;

/** The maximum number of keys in the list: those of about 500 processes. If there are more, the ones that end last are listed. */
export const MAX_PUBLISHED = 1_000;

/**
 * The JSON Web Key Set (RFC 7517) as it is sent.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { createLatchkey, openSqliteStore, type KeySet } from 'latchkey';
 *
 * const latchkey = await createLatchkey({ store: await openSqliteStore({ dir: './data' }) });
 * export const server = createServer(async (_request, response) => {
 *   const { body, etag }: KeySet = await latchkey.keySet();
 *   response.writeHead(200, { 'content-type': 'application/jwk-set+json', etag }).end(body);
 * });
 * ```
 */
export interface KeySet {
  readonly body: string;
  /** The entity tag, with its quotes. */
  readonly etag: string;
}

interface PublishedKeysOptions {
  readonly store: Pick<SigningKeyStore, 'list'>;
  /** Returns the time in milliseconds since the epoch. */
  readonly now: () => number;
  /** Returns milliseconds of a monotonic clock. Default: the clock of the process. */
  readonly clock?: () => number;
  /** Waits for some milliseconds. Default: a timer. */
  readonly wait?: (ms: number) => Promise<unknown>;
}

/**
 * The public keys of all processes. Every result was read after the call, so it contains each key that had signed a token
 * before the call. The store is read at most once a second: calls in the meantime share the next read.
 */
export class PublishedKeys {
  readonly #options: Required<PublishedKeysOptions>;
  #readAt = -Infinity;
  /** The next read, which has not begun. */
  #next: Promise<KeySet> | null = null;
  #last: readonly SigningKeyRecord[] | null = null;

  constructor(options: PublishedKeysOptions) {
    const wait = (ms: number): Promise<unknown> => pause(ms, undefined, { ref: false });
    this.#options = { clock: () => performance.now(), wait, ...options };
  }

  /**
   * Returns the keys that have not ended. While the store is unavailable, returns those of the last read.
   * @throws Refusal UNAVAILABLE if no read has succeeded yet
   */
  keySet(): Promise<KeySet> {
    this.#next ??= this.#read();
    return this.#next;
  }

  async #read(): Promise<KeySet> {
    const { store, now, clock, wait } = this.#options;
    const rest = this.#readAt + READ_EVERY - clock();
    // Always asynchronous, so that `#next` is set before it is cleared.
    await (rest > 0 ? wait(rest) : Promise.resolve());
    this.#next = null;
    this.#readAt = clock();
    const time = now();
    try {
      this.#last = await store.list(time, MAX_PUBLISHED);
    } catch (error) {
      if (this.#last === null) throw unavailable('The keys cannot be read at the moment. Try again shortly.', 1, error);
    }
    return keySetOf(this.#last.filter(({ endsAt }) => endsAt > time));
  }
}

function keySetOf(records: readonly SigningKeyRecord[]): KeySet {
  const keys = records.map(({ id: kid, publicKey: x }) => ({
    ...{ kty: 'OKP', crv: 'Ed25519', x },
    ...{ kid, use: 'sig', alg: 'EdDSA' },
  }));
  const body = JSON.stringify({ keys });
  return { body, etag: `"${hash('sha256', body, 'base64url').slice(0, 22)}"` };
}
