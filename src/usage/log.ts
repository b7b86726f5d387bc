import { setImmediate as turn } from 'node:timers/promises';
import type { AuthenticatedPrincipal, Principal } from '../credentials/principal.js';
import { StoreUnavailable, Unacknowledged } from '../store/errors.js';
import type { KeyStore, UsageStore } from '../store/store.js';
import { Tallies, type Tally } from './tallies.js';

/** How often what was noted is written, in ms. */
const INTERVAL = 5_000;

/** Keys, once for each minute, remembered between two writes; at so many a write begins early. */
const MAX_PENDING = 10_000;

/** Of them in one bulk write: SQLite holds up all requests for as long as that takes, and MongoDB is given 1.8 s. */
const BATCH = 1_000;

/** Why a key was refused; see `UsageRecord`. */
export type Refused = 'limited' | 'forbidden';

export interface UsageLogOptions {
  /** Takes one bulk write of times of last use, and one of counts. */
  readonly store: { readonly keys: Pick<KeyStore, 'touch'>; readonly usage: Pick<UsageStore, 'add'> };
  /** Ms since the epoch. */
  readonly now: () => number;
  /** Told of each request that the limits refused. Must not wait. Default: nobody. */
  readonly onLimited?: (principal: AuthenticatedPrincipal) => void;
}

/**
 * When keys were last used and what they asked for: gathered in memory, written in bulk every few seconds and at the end,
 * never on a request's path. What a crash loses is some seconds of both.
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

  /** Notes that a key was accepted. @param at ms since the epoch */
  used(keyId: string, at: number): void {
    const tally = this.#pending.of(keyId, at);
    if (tally !== null) tally.lastUsedAt = at;
    this.#writeEarly();
  }

  /**
   * Notes that a caller's request was let through. Not the operator's, here and below: nothing shows it.
   * @param fields guarded ones that it selects, by coordinate; of one operation always the same list
   */
  admitted(principal: Principal, cost: number, fields: readonly string[]): void {
    if (!isCounted(principal)) return;
    const tally = this.#pending.of(principal.keyId, this.#options.now());
    if (tally === null) this.#dropped += 1;
    else tally.admitted(cost, fields);
    this.#writeEarly();
  }

  /** Notes that a key's request was refused. */
  refused(principal: Principal, why: Refused): void {
    if (!isCounted(principal)) return;
    if (why === 'limited') this.#options.onLimited?.(principal);
    const tally = this.#pending.of(principal.keyId, this.#options.now());
    if (tally === null) this.#dropped += 1;
    else tally[why] += 1;
    this.#writeEarly();
  }

  /** What was counted since the start and is not sure to be written: the store was away too long, or did not acknowledge. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Resolves when all that was noted before is written, or could not be. */
  async flush(): Promise<void> {
    // One write at a time: a second one would keep a second batch in memory for as long as the store takes.
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

  /** A store that is away is left to the timer: otherwise each request would ask it once more. */
  #writeEarly(): void {
    if (this.#pending.size >= MAX_PENDING && this.#writing === null && !this.#failing) void this.flush();
  }

  /**
   * The times go first. They may be written twice, so a store that is away is noticed by them, before the counts are
   * sent, which may not.
   */
  async #write(tallies: readonly Tally[]): Promise<void> {
    let left = tallies;
    try {
      await this.#writeTimes(tallies);
      left = tallies.filter(({ counted }) => counted > 0);
      while (left.length > 0) {
        await this.#writeCounts(left.slice(0, BATCH));
        left = left.slice(BATCH);
        // SQLite answers without a turn of the event loop, and requests wait for one.
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

  /** @throws StoreUnavailable where none was written; whatever else happens must not be tried again. */
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
