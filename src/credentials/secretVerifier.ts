import { LRUCache } from 'lru-cache';
import type { BcryptGate } from '../keys/bcryptGate.js';
import { Peppers } from '../keys/pepper.js';
import { unavailable } from '../refusals/refusal.js';
import type { KeyRecord } from '../store/records.js';

/** Wrong secrets that bcrypt may judge for one key in a minute, where no digest can. */
const WRONG_PER_MINUTE = 5;

const MINUTE = 60_000;

/** Keys whose verdicts and failures are remembered. At about 200 bytes each this is bounded at some 2 MB. */
const MAX_REMEMBERED = 10_000;

export interface SecretVerifierOptions {
  readonly gate: BcryptGate;
  /** null: verdicts are remembered in memory alone. */
  readonly peppers: Peppers | null;
  readonly saveDigest: (keyId: string, digest: string) => Promise<void>;
  readonly now: () => number;
}

/**
 * Does a secret belong to a key? Where a digest is stored under a known pepper it decides and bcrypt does not run;
 * otherwise bcrypt decides once and the digest is written anew.
 *
 * Wrong keys must not buy bcrypt runs (B43): of one key at most {@link WRONG_PER_MINUTE} wrong secrets a minute reach
 * bcrypt, the same attempt made twice at once is judged once, and a wrong one seen before is wrong without a run.
 */
export class SecretVerifier {
  readonly #options: SecretVerifierOptions;
  /** Digests under a pepper of this process: verdicts of bcrypt, the last right secret by key. */
  readonly #memory = Peppers.ephemeral();
  readonly #right = new LRUCache<string, string>({ max: MAX_REMEMBERED });
  readonly #wrong = new LRUCache<string, true>({ max: MAX_REMEMBERED, ttl: MINUTE });
  readonly #wrongTimes = new LRUCache<string, number[]>({ max: MAX_REMEMBERED });
  readonly #running = new Map<string, Promise<boolean>>();

  constructor(options: SecretVerifierOptions) {
    this.#options = options;
  }

  /** @throws Refusal UNAVAILABLE when bcrypt is asked for too much */
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
    // A key has one secret for life, so once it is known every other is wrong.
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

  /** Counted before bcrypt runs, for a thousand attempts at once must not all find the count at zero. */
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
    // The verdict stands whether or not it can be written down; the next one is written instead.
    await saveDigest(keyId, peppers.digest(secret)).catch(() => undefined);
  }
}
