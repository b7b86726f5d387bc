import type { Lease, Leased, QuotaStore, Unused } from '../store/quotaStore.js';

/** The maximum number of blocks that are leased or returned with one call of the store. */
const BATCH = 200;

interface Waiting {
  readonly lease: () => Lease;
  readonly leased: (leased: Leased) => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Sends leases and returned units to the store, one call at a time: while one is running, the next one collects. So the number of
 * calls doesn't grow with the number of counters that need a block.
 */
export class Leaser {
  readonly #store: Pick<QuotaStore, 'lease' | 'giveBack'>;
  readonly #now: () => number;
  #waiting: Waiting[] = [];
  #unused: Unused[] = [];
  #work: Promise<void> | null = null;

  constructor(store: Pick<QuotaStore, 'lease' | 'giveBack'>, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /**
   * @param lease returns the lease when it is sent, so that it covers the requests that came in the meantime
   * @throws StoreUnavailable
   */
  lease(lease: () => Lease): Promise<Leased> {
    return new Promise((leased, failed) => {
      this.#waiting.push({ lease, leased, failed });
      this.#begin();
    });
  }

  /** Returns units. If that fails, they are lost: repeating it could return them twice. */
  giveBack(unused: Unused): void {
    this.#unused.push(unused);
    this.#begin();
  }

  /** Resolves when everything was sent. Never rejects. */
  async settled(): Promise<void> {
    while (this.#work !== null) await this.#work;
  }

  #begin(): void {
    this.#work ??= this.#run();
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    // Lets the other requests of this turn of the event loop join.
    await Promise.resolve();
    while (this.#waiting.length > 0 || this.#unused.length > 0) {
      const unused = this.#unused.splice(0, BATCH);
      if (unused.length > 0) await this.#return(unused);
      const batch = this.#waiting.splice(0, BATCH);
      if (batch.length > 0) await this.#send(batch);
    }
    // Valid together with the last check. A lease that is requested in a microtask between the two would never be sent.
    this.#work = null;
  }

  async #return(unused: readonly Unused[]): Promise<void> {
    try {
      await this.#store.giveBack(unused);
    } catch {
      // They are lost.
    }
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    try {
      const results = await this.#store.lease(
        batch.map(({ lease }) => lease()),
        this.#now(),
      );
      batch.forEach(({ leased, failed }, index) => {
        const result = results[index];
        if (result === undefined) failed(new Error('The store returned too few leases.'));
        else leased(result);
      });
    } catch (error) {
      for (const { failed } of batch) failed(error);
    }
  }
}
