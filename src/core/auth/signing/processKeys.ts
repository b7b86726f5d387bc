import { createPrivateKey, generateKeyPairSync, hash, sign } from 'node:crypto';
import { unavailable } from '../../errors/refusal.js';
import type { SigningKeyRecord } from '../../store/records.js';
import type { SigningKeyStore } from '../../store/store.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/**
 * How long a key signs. A copy of the memory of a process can sign tokens for this long, plus the time for which the key
 * stays published. A shorter time would make verifiers fetch the list of keys more often.
 */
export const SIGNS_FOR = 12 * HOUR;

/**
 * How long the next key is published before it signs. Verifiers cache the list of keys: for 5 minutes by its
 * `Cache-Control`, and often longer if they ignore that.
 */
export const PUBLISHED_AHEAD = HOUR;

/** The longest lifetime of a token. */
export const LONGEST_TOKEN = HOUR;

/** How long a key stays published after its last token has expired, for verifiers whose clock is slow. */
export const LEEWAY = 2 * MINUTE;

/** How often a process checks whether it needs a new key. */
const CHECKED_EVERY = MINUTE;

/** Signs with the current key of this process. */
export interface Signer {
  /** The ID of the key, for the `kid` header. */
  readonly kid: string;
  /** Returns the signature in base64url. Synchronous, because it takes a fraction of a millisecond. */
  sign(data: string): string;
}

/** A key pair of this process. Times are in milliseconds since the epoch. */
interface OwnKey extends Signer {
  readonly record: SigningKeyRecord;
  readonly signsFrom: number;
  readonly signsUntil: number;
}

interface SigningKeysOptions {
  readonly store: Pick<SigningKeyStore, 'publish'>;
  /** Returns the time in milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * The key pairs with which this process signs tokens. Each process creates its own in memory. The private keys are never
 * stored or logged, and no process depends on another one. The public key is published in the store before it is used,
 * and stays there until the last token has expired that it may have signed.
 */
export class SigningKeys {
  readonly #store: SigningKeysOptions['store'];
  readonly #now: () => number;
  /** Published keys, oldest first: the one that signs, and sometimes the next one. */
  #keys: readonly OwnKey[] = [];
  #publishing: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** When the last token expires that was signed here. */
  #lastExpiry = -Infinity;
  #closed = false;

  constructor({ store, now }: SigningKeysOptions) {
    this.#store = store;
    this.#now = now;
  }

  /** Returns once a key can sign; not a promise if it already can. Call it before {@link signer}. Rejects if the store rejects. */
  ready(): void | Promise<void> {
    if (this.#current() !== null) return;
    return this.renew();
  }

  /**
   * Returns the current key.
   * @param expiresAt when the token to sign expires, in milliseconds since the epoch
   * @throws Refusal UNAVAILABLE if no key is published that long. A new one is then being published
   */
  signer(expiresAt: number): Signer {
    const current = this.#current();
    if (current === null || expiresAt + LEEWAY > current.record.endsAt) {
      this.renew().catch(() => undefined);
      throw cannotSign();
    }
    this.#lastExpiry = Math.max(this.#lastExpiry, expiresAt);
    return current;
  }

  /** Publishes the next key when it is due. Concurrent calls share one publication. Rejects if the store rejects. */
  renew(): Promise<void> {
    this.#publishing ??= this.#renew().finally(() => (this.#publishing = null));
    return this.#publishing;
  }

  /** Shortens the publication of the keys to the tokens that they signed. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#publishing?.catch(() => undefined);
    if (this.#timer !== null) clearInterval(this.#timer);
    const now = this.#now();
    const endsAt = this.#lastExpiry === -Infinity ? now : Math.max(now, this.#lastExpiry + LEEWAY);
    const keys = this.#keys.filter(({ record }) => record.endsAt > endsAt);
    this.#keys = [];
    // If the store is unavailable, the keys stay published until the end time that they were published with.
    await Promise.allSettled(keys.map(({ record }) => this.#store.publish({ ...record, endsAt }, now)));
  }

  async #renew(): Promise<void> {
    if (this.#closed) throw cannotSign();
    const now = this.#now();
    this.#keys = this.#keys.filter(({ record }) => record.endsAt > now);
    const newest = this.#keys.at(-1);
    if (newest !== undefined && now < newest.signsUntil - PUBLISHED_AHEAD) return;
    const next = createKey(now, Math.max(now, newest?.signsUntil ?? now));
    await this.#store.publish(next.record, now);
    this.#keys = [...this.#keys, next];
    this.#timer ??= setInterval(() => void this.renew().catch(() => undefined), CHECKED_EVERY).unref();
  }

  /** Returns the newest key that may sign now; null if there is none. */
  #current(): OwnKey | null {
    const now = this.#now();
    const usable = this.#keys.filter(({ record }) => record.endsAt > now);
    // The first key, if the clock was set back before the start of every key.
    return usable.findLast(({ signsFrom }) => signsFrom <= now) ?? usable[0] ?? null;
  }
}

function cannotSign(): Error {
  return unavailable('Tokens cannot be signed at the moment. Try again shortly.', 1);
}

/** The bytes before the key in the SubjectPublicKeyInfo of Ed25519 (RFC 8410, section 4). */
const SPKI_HEAD = 12;

function createKey(createdAt: number, signsFrom: number): OwnKey {
  // The public key is encoded while the pair is made. Exporting it as a JWK later can block the process forever: Node holds the lock of the
  // pair, and if garbage is collected at this moment, the object that generated the pair waits for the same lock (Node 20.20).
  const { publicKey, privateKey } = generateKeyPairSync('ed25519', {
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  });
  const x = publicKey.subarray(SPKI_HEAD).toString('base64url');
  const kid = thumbprint(x);
  const signsUntil = signsFrom + SIGNS_FOR;
  const key = createPrivateKey({ key: privateKey, type: 'pkcs8', format: 'der' });
  privateKey.fill(0);
  return {
    kid,
    sign: (data) => sign(null, Buffer.from(data), key).toString('base64url'),
    record: { id: kid, publicKey: x, createdAt, endsAt: signsUntil + LONGEST_TOKEN + LEEWAY },
    signsFrom,
    signsUntil,
  };
}

/** Returns the thumbprint of a public key: the SHA-256 of its members in this order, without white space (RFC 7638, RFC 8037). */
function thumbprint(x: string): string {
  return hash('sha256', JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x }), 'base64url');
}
