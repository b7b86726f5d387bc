import { performance } from 'node:perf_hooks';
import type { Redis } from 'ioredis';
import { Limiter, type Held } from '../../core/limits/limiter.js';
import type { Admission, Limits, Subject } from '../../core/limits/limits.js';
import { TIER_LIMITS, type TierTable } from '../../core/limits/tiers.js';
import type { Room } from '../../core/limits/window.js';
import { RedisSession, type SessionOptions } from './redisSession.js';
import { checkCost, RedisWindows } from './redisWindows.js';

/** The number of histories restored at the same time. */
const AT_ONCE = 200;

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
 * Limits that all processes on one Redis count together, exactly, with one round trip for each admission. Without Redis
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

  async admit(subject: Subject, cost = 1): Promise<Admission> {
    checkCost(cost);
    return this.session.ask(
      (question) => this.#windows.send(subject, cost, question),
      (answer) => {
        const admission = this.#windows.read(subject, cost, answer);
        if (admission.outcome === 'admitted') this.#own.note(subject, cost);
        return admission;
      },
      (question) => this.#windows.giveBack(subject, question),
    );
  }

  peek(subject: Subject): Promise<Room> {
    return this.session.ask(
      (question) => this.#windows.sendPeek(subject, question),
      (answer) => this.#windows.readPeek(subject, answer),
    );
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

  #restorePart({ category, families }: Held, from: number, epoch: string, now: number): Promise<void>[] {
    return families.slice(from, from + AT_ONCE).map(([family, ages]) => {
      const units = ages.flatMap((age) => [now - age, 1]);
      return this.#windows.add({ family, ...(category !== undefined && { category }) }, epoch, units);
    });
  }
}
