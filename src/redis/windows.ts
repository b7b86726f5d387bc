import type { Redis, Result } from 'ioredis';
import { categoryLimits, highest, longest, lowest, type Waits } from '../limits/bounds.js';
import type { Admission, Limits, Subject } from '../limits/limits.js';
import { TIER_LIMITS, type TierTable, type WindowLimits } from '../limits/tiers.js';
import { BURST_WINDOW, RATE_WINDOW, type Room, type WindowRoom } from '../limits/window.js';
import { windowScript } from './script.js';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    latchkeyWindow(keys: number, ...keysAndArguments: (string | number)[]): Result<readonly number[], Context>;
  }
}

export interface RedisWindowsOptions {
  readonly redis: Redis;
  /** Default: the published table. */
  readonly tiers?: TierTable;
  /** See {@link windowScript}; with `more` as its last arguments. */
  readonly clock?: { readonly expression: string; readonly more: () => readonly number[] };
}

/** One history in Redis, and the limits that hold for it now. */
interface Asked {
  readonly key: string;
  readonly limits: WindowLimits;
}

/** What the script answers of one history. */
interface Found {
  readonly waits: Waits;
  readonly room: Room;
}

/**
 * Windows that several processes share, in Redis: one round trip an admission, as exact as the windows in memory.
 * It rejects where Redis does not answer: what to do then is for `SharedLimits` to say.
 */
export class RedisWindows implements Pick<Limits, 'admit' | 'peek'> {
  readonly #redis: Redis;
  readonly #tiers: TierTable;
  readonly #more: () => readonly number[];

  constructor({ redis, tiers = TIER_LIMITS, clock }: RedisWindowsOptions) {
    this.#redis = redis;
    this.#tiers = tiers;
    this.#more = clock?.more ?? (() => []);
    redis.defineCommand('latchkeyWindow', { lua: windowScript(clock?.expression) });
  }

  async admit(subject: Subject, cost = 1): Promise<Admission> {
    if (!Number.isSafeInteger(cost) || cost < 1) throw new RangeError(`The cost must be an integer >= 1, not ${cost}`);
    const { category } = subject;
    const limits = this.#tiers[subject.tier];
    const its = itsHistory(subject, this.#tiers);
    const never = cost > highest(limits, its?.limits);
    const own = { key: keyOf(subject.family), limits };
    const { admitted, found } = await this.#ask(never ? 0 : cost, its === null ? [own] : [own, its]);
    const [{ waits, room }, ofCategory] = found;
    const categoryRoom =
      category === undefined || ofCategory === undefined ? undefined : { category, ...ofCategory.room };
    const judged = { limits, room, categoryRoom };
    if (never) return { outcome: 'never', ...judged, ...lowest(limits, category) };
    if (admitted) return { outcome: 'admitted', ...judged };
    return { outcome: 'refused', ...judged, ...longest(limits, waits, category, ofCategory?.waits) };
  }

  async peek(subject: Subject): Promise<Room> {
    const own = { key: keyOf(subject.family), limits: this.#tiers[subject.tier] };
    const { found } = await this.#ask(0, [itsHistory(subject, this.#tiers) ?? own]);
    return found[0].room;
  }

  async #ask(cost: number, asked: readonly Asked[]): Promise<{ admitted: boolean; found: [Found, Found?] }> {
    const [admitted, ...told] = await this.#redis.latchkeyWindow(
      asked.length,
      ...asked.map(({ key }) => key),
      ...[cost, RATE_WINDOW, BURST_WINDOW],
      ...asked.flatMap(({ limits }) => [limits.rate, limits.burst]),
      ...this.#more(),
    );
    const found = asked.map(({ limits }, i) => foundIn(told.slice(i * FIGURES, (i + 1) * FIGURES), limits));
    return { admitted: admitted === 1, found: found as [Found, Found?] };
  }
}

/** The history of the subject's category, where its tier limits that. */
function itsHistory({ family, tier, category }: Subject, tiers: TierTable): Asked | null {
  const limits = categoryLimits(tiers[tier], category);
  return limits === undefined ? null : { key: `${keyOf(family)}/${category}`, limits };
}

/** The braces keep all that belongs to a family on one node of a cluster. */
function keyOf(family: string): string {
  return `latchkey:window:{${family}}`;
}

/** How many figures the script answers for each history. */
const FIGURES = 6;

function foundIn(figures: readonly number[], { rate, burst }: WindowLimits): Found {
  const [rateWait = 0, burstWait = 0, rateUsed = 0, rateReturns = -1, burstUsed = 0, burstReturns = -1] = figures;
  return {
    waits: { rate: rateWait, burst: burstWait },
    room: { rate: windowRoom(rate, rateUsed, rateReturns), burst: windowRoom(burst, burstUsed, burstReturns) },
  };
}

function windowRoom(limit: number, used: number, returns: number): WindowRoom {
  return { limit, remaining: Math.max(0, limit - used), returnsInMs: returns < 0 ? null : returns };
}
