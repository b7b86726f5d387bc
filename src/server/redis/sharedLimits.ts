import { performance } from 'node:perf_hooks';
import type { Redis } from 'ioredis';
import { Limiter, type Held } from '../../core/limits/limiter.js';
import { checkAmounts } from '../../core/limits/bounds.js';
import type { Admission, CostTaken, Limits, Subject, Unit } from '../../core/limits/limits.js';
import { TIER_LIMITS, type TierTable } from '../../core/limits/tiers.js';
import type { Room } from '../../core/limits/window.js';
import { RedisSession, type SessionOptions } from './redisSession.js';
import { RedisWindows, type Prepared, type Reply } from './redisWindows.js';

/** The number of histories restored at the same time. */
const AT_ONCE = 200;

/**
 * The number of admissions in one call. Redis runs nothing else in the meantime, for about 100 µs. With more admissions, this process would
 * build
 * calls while Redis waits, and then wait while Redis works.
 */
const MAX_BATCH = 20;

export interface SharedLimitsOptions {
  /** A connection that does not queue commands, see `connectionTo`. The code that opened it closes it. */
  readonly redis: Redis;
  /**
   * A session to share. The code that created it joins it.
   *
   * @default a session for these limits only
   */
  readonly session?: RedisSession;
  /** @default the published table */
  readonly tiers?: TierTable;
  /**
   * This process' monotonic clock, in ms.
   *
   * @default ms since the process started
   */
  readonly clock?: () => number;
  /** See {@link SessionOptions}. */
  readonly time?: string;
  readonly onRoundTrip?: SessionOptions['onRoundTrip'];
  readonly onTrouble?: SessionOptions['onTrouble'];
}

/**
 * Limits that all processes on one Redis count together, exactly, with one round trip for each admission. Admissions in one turn of the
 * event loop share it. Without Redis
 * nothing is admitted: admit and peek reject with UNAVAILABLE, immediately if Redis is known to be unavailable.
 *
 * Each process records in its own memory what Redis admitted for it (1 to 2 µs, where Redis takes hundreds), so that
 * windows lost by Redis can be restored. See `RedisSession`.
 */
export class SharedLimits implements Limits {
  readonly tiers: TierTable;
  readonly session: RedisSession;
  readonly #windows: RedisWindows;
  readonly #own: Limiter;
  /** Maps cost units taken in Redis to the same units in `#own`. */
  readonly #ownCosts = new WeakMap<CostTaken, CostTaken>();
  #gathered: Waiting[] = [];
  /** The number of calls whose replies are missing. */
  #calls = 0;

  constructor({ redis, session, tiers = TIER_LIMITS, clock = () => performance.now(), ...told }: SharedLimitsOptions) {
    this.tiers = tiers;
    this.session = session ?? new RedisSession({ redis, clock, ...told });
    this.#windows = new RedisWindows({ redis, tiers, clock: { expression: this.session.time, more: () => [] } });
    this.#own = new Limiter({ clock, tiers });
    this.session.onRestore((epoch, time) => this.#restore(epoch, time));
  }

  /** Joins the other processes. Call once. Rejects if Redis does not respond or cannot write. */
  join(): Promise<void> {
    return this.session.join();
  }

  async admit(subject: Subject, requests = 1, cost = 0): Promise<Admission> {
    return this.#gather(this.#windows.prepare(subject, requests, cost), (reply, tag) => {
      const admission = reply.admission(tag);
      if (admission.outcome !== 'admitted') return admission;
      // Done immediately and not after a promise, because the next reply may begin another epoch, which must contain these units.
      const own = this.#own.note(subject, requests, cost);
      if (admission.costTaken !== undefined && own !== null) this.#ownCosts.set(admission.costTaken, own);
      return admission;
    });
  }

  peek(subject: Subject, unit?: Unit): Promise<Room> {
    return this.#gather(this.#windows.preparePeek(subject, unit), (reply) => reply.room(0));
  }

  giveBack(admission: Admission, cost: number): void {
    checkAmounts(0, cost);
    if (admission.outcome !== 'admitted' || admission.costTaken === undefined) return;
    const { costTaken } = admission;
    const own = this.#ownCosts.get(costTaken);
    if (own === undefined) return;
    this.#own.giveCostBack(own, cost);
    if (!this.session.isOpen) return;
    // If Redis doesn't respond, the units stay taken until they expire.
    this.#windows.giveBack(this.session.epoch, costTaken, cost).catch(() => undefined);
  }

  /**
   * Sends at once if nothing is waiting for Redis. Otherwise adds to the next batch, which is sent in one call at the end of
   * this turn of the event loop: for Redis and for this process, a call takes several times as long as one more admission in it.
   */
  #gather<T>(prepared: Prepared, take: (reply: Reply, tag: number) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { prepared, taken: (reply, tag) => resolve(take(reply, tag)), reject };
      if (this.#calls === 0 && this.#gathered.length === 0) {
        this.#send([waiting]);
        return;
      }
      if (this.#gathered.length === 0) setImmediate(() => this.#flush());
      this.#gathered.push(waiting);
    });
  }

  #flush(): void {
    const gathered = this.#gathered;
    this.#gathered = [];
    for (let from = 0; from < gathered.length; from += MAX_BATCH) this.#send(gathered.slice(from, from + MAX_BATCH));
  }

  #send(waiting: readonly Waiting[]): void {
    const batch = waiting.map(({ prepared }) => prepared);
    this.#calls += 1;
    let isWaiting = true;
    // Done before callers that wait for the reply continue, so that the next call is sent immediately.
    const settle = (): void => {
      if (isWaiting) this.#calls -= 1;
      isWaiting = false;
    };
    this.session
      .ask(
        (question) => this.#windows.send(batch, question),
        (answer, { tag }) => {
          settle();
          this.#windows.read(batch, answer).forEach((reply, i) => {
            const { error } = reply;
            if (error === null) waiting[i]?.taken(reply, tag + i);
            else waiting[i]?.reject(this.session.refusedBy(error));
          });
        },
        { giveBack: (question) => this.#windows.takeBack(batch, question), tags: batch.length },
      )
      .catch((error: unknown) => {
        settle();
        for (const { reject } of waiting) reject(error);
      });
  }

  async close(): Promise<void> {
    await this.session.close(this.#own.size > 0);
    this.#own.close();
  }

  async #restore(epoch: string, time: (own: number) => number): Promise<void> {
    for (const portion of this.#own.held()) {
      for (let from = 0; from < portion.families.length; from += AT_ONCE) {
        await Promise.all(this.#restorePart(portion, from, epoch, time(portion.now)));
      }
    }
  }

  #restorePart({ category, unit, families }: Held, from: number, epoch: string, now: number): Promise<void>[] {
    return families.slice(from, from + AT_ONCE).map(([name, units]) => {
      const taken = units.map((each, i) => (i % 2 === 0 ? now - each : each));
      return this.#windows.add({ name, category, unit }, epoch, taken);
    });
  }
}

interface Waiting {
  readonly prepared: Prepared;
  /** Reads the reply. @param tag identifies the units that were taken */
  readonly taken: (reply: Reply, tag: number) => void;
  readonly reject: (error: unknown) => void;
}
