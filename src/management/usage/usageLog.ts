import { setImmediate as turn } from 'node:timers/promises';
import type { AuthenticatedPrincipal, Principal } from '../../core/auth/principal.js';
import { StoreUnavailable, Unacknowledged } from '../../core/store/storeErrors.js';
import type { KeyStore, UsageStore } from '../../core/store/store.js';
import { Tallies, type Tally } from './tallies.js';

/** The interval between writes, in ms. */
const INTERVAL = 5_000;

/** The number of pairs of key and minute in memory. When it is reached, the next write starts early. */
const MAX_PENDING = 10_000;

/** The number of pairs in one bulk write. SQLite blocks all requests during a write, and MongoDB has 1.8 s for it. */
const BATCH = 1_000;

/** The reason for refusing a key; see `UsageRecord`. */
type Refused = 'limited' | 'forbidden';

export interface UsageLogOptions {
  /** Writes times of last use in bulk, and counts in bulk. */
  readonly store: { readonly keys: Pick<KeyStore, 'touch'>; readonly usage: Pick<UsageStore, 'add'> };
  /** In ms since the epoch. */
  readonly now: () => number;
  /** Called for each request that the limits refused. Must not wait. Default: none. */
  readonly onLimited?: (principal: AuthenticatedPrincipal) => void;
}

/**
 * Records when keys were last used and which fields they used. Collects in memory and writes in bulk every few seconds
 * and at the end, never during a request. A crash loses a few seconds of both.
 */
export class UsageLog {
  readonly #options: UsageLogOptions;
  readonly #timer: NodeJS.Timeout;
  #pending = new Tallies(MAX_PENDING);
  #writing: Promise<void> | null = null;
  #failing = false;
  #dropped = 0;

  constructor(options: UsageLogOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      if (this.#writing === null) void this.flush();
    }, INTERVAL).unref();
  }

  /**
   * Records that a key was accepted.
   *
   * @param at in ms since the epoch
   */
  used(keyId: string, at: number): void {
    const tally = this.#pending.of(keyId, at);
    if (tally !== null) tally.lastUsedAt = at;
    this.#writeEarly();
  }

  /**
   * Records that a request was admitted. Requests of the operator are not recorded, because nothing shows them.
   *
   * @param fields the coordinates of the guarded fields; always the same list for the same operation
   */
  admitted(principal: Principal, cost: number, fields: readonly string[]): void {
    if (!isCounted(principal)) return;
    const tally = this.#pending.of(principal.keyId, this.#options.now());
    if (tally === null) this.#dropped += 1;
    else tally.admitted(cost, fields);
    this.#writeEarly();
  }

  /** Records that a request of a key was refused. */
  refused(principal: Principal, why: Refused): void {
    if (!isCounted(principal)) return;
    if (why === 'limited') this.#options.onLimited?.(principal);
    const tally = this.#pending.of(principal.keyId, this.#options.now());
    if (tally === null) this.#dropped += 1;
    else tally[why] += 1;
    this.#writeEarly();
  }

  /**
   * The counts since the start that may not have been written, because the store was unavailable for too long or did
   * not confirm.
   */
  get dropped(): number {
    return this.#dropped;
  }

  /** Resolves when everything recorded before is written, or could not be. */
  async flush(): Promise<void> {
    // Only one write at a time: a second one would keep another batch in memory for as long as the store takes.
    while (this.#writing !== null) await this.#writing;
    if (this.#pending.size === 0) return;
    const tallies = this.#pending.all();
    this.#pending = new Tallies(MAX_PENDING);
    this.#writing = this.#write(tallies);
    await this.#writing;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  /** If the store is unavailable, the timer tries again. Otherwise every request would. */
  #writeEarly(): void {
    if (this.#pending.size >= MAX_PENDING && this.#writing === null && !this.#failing) void this.flush();
  }

  /**
   * Times are written first, because writing them twice does no harm: if the store is unavailable, this fails before
   * the counts are sent, which must not be written twice.
   */
  async #write(tallies: readonly Tally[]): Promise<void> {
    let left = tallies;
    try {
      await this.#writeTimes(tallies);
      left = tallies.filter(({ counted }) => counted > 0);
      while (left.length > 0) {
        await this.#writeCounts(left.slice(0, BATCH));
        left = left.slice(BATCH);
        // SQLite does not yield to the event loop, and requests wait for a turn.
        if (left.length > 0) await turn();
      }
      this.#failing = false;
    } catch {
      this.#failing = true;
      this.#putBack(left);
    } finally {
      this.#writing = null;
    }
  }

  async #writeTimes(tallies: readonly Tally[]): Promise<void> {
    const uses = new Map<string, number>();
    for (const { keyId, lastUsedAt } of tallies) {
      if (lastUsedAt !== null) uses.set(keyId, Math.max(lastUsedAt, uses.get(keyId) ?? 0));
    }
    if (uses.size > 0) await this.#options.store.keys.touch(uses);
  }

  /** @throws StoreUnavailable if nothing was written. After any other error the write must not be repeated. */
  async #writeCounts(tallies: readonly Tally[]): Promise<void> {
    try {
      await this.#options.store.usage.add(
        tallies.map((tally) => tally.record()),
        this.#options.now(),
      );
    } catch (error) {
      if (error instanceof StoreUnavailable && !(error instanceof Unacknowledged)) throw error;
      this.#drop(tallies);
    }
  }

  #putBack(tallies: readonly Tally[]): void {
    for (const tally of tallies) {
      const pending = this.#pending.of(tally.keyId, tally.start);
      if (pending === null) this.#drop([tally]);
      else pending.add(tally);
    }
  }

  #drop(tallies: readonly Tally[]): void {
    for (const { counted } of tallies) this.#dropped += counted;
  }
}

function isCounted(principal: Principal): principal is AuthenticatedPrincipal {
  return principal.kind !== 'anonymous' && principal.kind !== 'operator';
}
