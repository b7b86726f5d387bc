import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { KeyStore } from '../store/keyStore.js';

/** The time between two passes, in ms. */
const INTERVAL = 60 * 60_000;

/** The longest wait before the first pass, in ms. It is random, so that processes that start together don't do the same work. */
const FIRST = 10_000;

/** The number of keys that the store removes in one step, small enough for requests that wait behind it. */
const BATCH = 100;

/** The pause between two batches, in ms. Other writes run in between. */
const REST = 100;

/** What a pass did. */
export interface RemovalPass {
  /** The number of keys that were removed. */
  readonly removed: number;
  /** The error that stopped the pass; null if it completed. The next pass continues. */
  readonly error: unknown;
}

interface EndedKeysOptions {
  readonly keys: Pick<KeyStore, 'removeEnded'>;
  /** How long a key is kept after it was revoked or expired, in ms. */
  readonly keep: number;
  /** In ms since the epoch. */
  readonly now: () => number;
  /** Called after each pass that removed keys or failed. Must not throw. */
  readonly onPass?: (pass: RemovalPass) => void;
}

/**
 * Removes keys from the store some time after they ended: shortly after the start and once an hour, in small batches, never
 * during a request. Several processes on one store may do this at the same time.
 */
export class EndedKeys {
  readonly #options: EndedKeysOptions;
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout;
  #running: Promise<RemovalPass> | null = null;
  #removed = 0;

  constructor(options: EndedKeysOptions) {
    this.#options = options;
    this.#timer = setTimeout(() => {
      void this.run();
      this.#timer = setInterval(() => void this.run(), INTERVAL).unref();
    }, randomInt(FIRST)).unref();
  }

  /** The number of keys that this process removed. */
  get removed(): number {
    return this.#removed;
  }

  /** Removes all keys that are due. If a pass is running, returns that pass. Never rejects. */
  run(): Promise<RemovalPass> {
    this.#running ??= this.#pass().finally(() => (this.#running = null));
    return this.#running;
  }

  /** Ends a running pass after its batch. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#stop.abort();
    await this.#running;
  }

  async #pass(): Promise<RemovalPass> {
    const { keys, keep, now, onPass } = this.#options;
    let removed = 0;
    let error: unknown = null;
    try {
      while (!this.#stop.signal.aborted) {
        const batch = await keys.removeEnded(now() - keep, BATCH);
        removed += batch.removed;
        this.#removed += batch.removed;
        // Without progress, other processes are removing the same keys.
        if (batch.isDone || batch.removed === 0) break;
        await pause(REST, undefined, { ref: false, signal: this.#stop.signal }).catch(() => undefined);
      }
    } catch (cause) {
      error = cause;
    }
    if (removed > 0 || error !== null) onPass?.({ removed, error });
    return { removed, error };
  }
}
