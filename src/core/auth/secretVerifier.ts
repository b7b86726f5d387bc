import { LRUCache } from 'lru-cache';
import { growing } from '../util/growing.js';
import type { BcryptGate } from '../keys/bcryptGate.js';
import { Peppers } from '../keys/pepper.js';
import { unavailable } from '../errors/refusal.js';
import type { KeyRecord } from '../store/records.js';

/** The maximum number of wrong secrets per key and minute that are compared by bcrypt. */
const WRONG_PER_MINUTE = 5;

const MINUTE = 60_000;

/** The maximum number of keys whose results are cached. At about 200 bytes each, they take at most about 2 MB. */
const MAX_REMEMBERED = 10_000;

interface SecretVerifierOptions {
  readonly gate: BcryptGate;
  /** null to keep digests only in memory. */
  readonly peppers: Peppers | null;
  readonly saveDigest: (keyId: string, digest: string) => Promise<void>;
  readonly now: () => number;
}

/**
 * Verifies the secrets of keys. If a digest under a known pepper is stored, it decides without bcrypt. Otherwise bcrypt
 * decides once, and the new digest is stored.
 *
 * Wrong secrets must not cause many bcrypt runs (B43). At most {@link WRONG_PER_MINUTE} wrong secrets per key and minute reach bcrypt,
 * equal concurrent attempts share one run, and a known wrong secret causes no run.
 */
export class SecretVerifier {
  readonly #options: SecretVerifierOptions;
  /** Creates the digests in the following caches, under a random pepper of this process. */
  readonly #memory = Peppers.ephemeral();
  readonly #right = new LRUCache<string, string>(growing(MAX_REMEMBERED));
  readonly #wrong = new LRUCache<string, true>({ ...growing(MAX_REMEMBERED), ttl: MINUTE });
  readonly #wrongTimes = new LRUCache<string, number[]>(growing(MAX_REMEMBERED));
  readonly #running = new Map<string, Promise<boolean>>();

  constructor(options: SecretVerifierOptions) {
    this.#options = options;
  }

  /** Returns whether a secret belongs to a key. @throws Refusal UNAVAILABLE if there are too many attempts or bcrypt runs */
  async verify(key: KeyRecord, secret: string): Promise<boolean> {
    const { peppers } = this.#options;
    if (key.digest !== null && peppers !== null) {
      switch (peppers.judge(secret, key.digest)) {
        case 'match':
          return true;
        case 'mismatch':
          return false;
        case 'match-old-pepper':
          await this.#remember(key.id, secret);
          return true;
        case 'undecided':
      }
    }
    const remembered = this.#right.get(key.id);
    // The secret of a key never changes, so any secret other than the known one is wrong.
    if (remembered !== undefined) return this.#memory.judge(secret, remembered) === 'match';

    const attempt = `${key.id} ${this.#memory.digest(secret)}`;
    if (this.#wrong.has(attempt)) return false;
    const running = this.#running.get(attempt) ?? this.#judgeByBcrypt(key, secret, attempt);
    this.#running.set(attempt, running);
    try {
      return await running;
    } finally {
      this.#running.delete(attempt);
    }
  }

  async #judgeByBcrypt(key: KeyRecord, secret: string, attempt: string): Promise<boolean> {
    this.#takeWrongAttempt(key.id);
    const right = await this.#options.gate.compare(secret, key.secretHash, key.workspaceId).catch((error: unknown) => {
      this.#giveBackAttempt(key.id);
      throw error;
    });
    if (!right) {
      this.#wrong.set(attempt, true);
      return false;
    }
    this.#giveBackAttempt(key.id);
    await this.#remember(key.id, secret);
    return true;
  }

  /** Counts an attempt before bcrypt runs, because a thousand concurrent attempts must not all find the count at zero. */
  #takeWrongAttempt(keyId: string): void {
    const now = this.#options.now();
    const times = (this.#wrongTimes.get(keyId) ?? []).filter((time) => time > now - MINUTE);
    const [oldest] = times;
    if (oldest !== undefined && times.length >= WRONG_PER_MINUTE) {
      const retryAfter = Math.max(1, Math.ceil((oldest + MINUTE - now) / 1000));
      throw unavailable('Too many wrong secrets were tried for this key. Try again later.', retryAfter);
    }
    this.#wrongTimes.set(keyId, [...times, now]);
  }

  #giveBackAttempt(keyId: string): void {
    this.#wrongTimes.get(keyId)?.pop();
  }

  async #remember(keyId: string, secret: string): Promise<void> {
    const { peppers, saveDigest } = this.#options;
    this.#right.set(keyId, this.#memory.digest(secret));
    if (peppers === null) return;
    // The result is valid even if the digest can't be stored. A later verification stores it.
    await saveDigest(keyId, peppers.digest(secret)).catch(() => undefined);
  }
}
