import type { Redis, Result } from 'ioredis';
import { categoryLimits, highest, longest, lowest, type Waits } from '../limits/bounds.js';
import type { Admission, Limits, Subject } from '../limits/limits.js';
import { TIER_LIMITS, type TierTable, type WindowLimits } from '../limits/tiers.js';
import { BURST_WINDOW, RATE_WINDOW, type Room, type WindowRoom } from '../limits/window.js';
import { windowScript } from './script.js';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    latchkeyWindow(key: string, ...more: number[]): Result<readonly number[], Context>;
    latchkeyBothWindows(key: string, ofCategory: string, ...more: number[]): Result<readonly number[], Context>;
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
    redis.defineCommand('latchkeyWindow', { numberOfKeys: 1, lua: windowScript(1, clock?.expression) });
    redis.defineCommand('latchkeyBothWindows', { numberOfKeys: 2, lua: windowScript(2, clock?.expression) });
  }

  async admit(subject: Subject, cost = 1): Promise<Admission> {
    if (!Number.isSafeInteger(cost) || cost < 1) throw new RangeError(`The cost must be an integer >= 1, not ${cost}`);
    const { category } = subject;
    const limits = this.#tiers[subject.tier];
    const its = itsHistory(subject, this.#tiers);
    const never = cost > highest(limits, its?.limits);
    const own = { key: keyOf(subject.family), limits };
    const answer = await this.#ask(never ? 0 : cost, own, its);
    const { waits, room } = foundIn(answer, 1, limits);
    const ofCategory = its === null ? null : foundIn(answer, 1 + FIGURES, its.limits);
    const categoryRoom = category === undefined || ofCategory === null ? undefined : { category, ...ofCategory.room };
    const judged = { limits, room, categoryRoom };
    if (never) return { outcome: 'never', ...judged, ...lowest(limits, category) };
    if (answer[0] === 1) return { outcome: 'admitted', ...judged };
    return { outcome: 'refused', ...judged, ...longest(limits, waits, category, ofCategory?.waits) };
  }

  async peek(subject: Subject): Promise<Room> {
    const own = { key: keyOf(subject.family), limits: this.#tiers[subject.tier] };
    const asked = itsHistory(subject, this.#tiers) ?? own;
    return foundIn(await this.#ask(0, asked, null), 1, asked.limits).room;
  }

  #ask(cost: number, { key, limits: { rate, burst } }: Asked, its: Asked | null): Promise<readonly number[]> {
    const more = this.#more();
    if (its === null) return this.#redis.latchkeyWindow(key, cost, RATE_WINDOW, BURST_WINDOW, rate, burst, ...more);
    const both = [rate, burst, its.limits.rate, its.limits.burst];
    return this.#redis.latchkeyBothWindows(key, its.key, cost, RATE_WINDOW, BURST_WINDOW, ...both, ...more);
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

/** @param at where the history's figures begin */
function foundIn(answer: readonly number[], at: number, { rate, burst }: WindowLimits): Found {
  const [rateWait = 0, burstWait = 0, rateUsed = 0, rateReturns = -1, burstUsed = 0, burstReturns = -1] =
    answer.slice(at);
  return {
    waits: { rate: rateWait, burst: burstWait },
    room: { rate: windowRoom(rate, rateUsed, rateReturns), burst: windowRoom(burst, burstUsed, burstReturns) },
  };
}

function windowRoom(limit: number, used: number, returns: number): WindowRoom {
  return { limit, remaining: Math.max(0, limit - used), returnsInMs: returns < 0 ? null : returns };
}
