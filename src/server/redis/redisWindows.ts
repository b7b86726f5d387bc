import type { Redis, Result } from 'ioredis';
import { categoryLimits, highest, longest, lowest, type Waits } from '../../core/limits/bounds.js';
import type { Category } from '../../core/limits/category.js';
import type { Admission, Subject } from '../../core/limits/limits.js';
import { TIER_LIMITS, type TierTable, type WindowLimits } from '../../core/limits/tiers.js';
import { BURST_WINDOW, RATE_WINDOW, type Room, type WindowRoom } from '../../core/limits/window.js';
import { EPOCH } from './beat.js';
import type { Answer, Question } from './question.js';
import { REWRITE, windowScript } from './windowScript.js';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    latchkeyWindow(key: string, epoch: string, ...more: (string | number)[]): Result<Answer, Context>;
    latchkeyBothWindows(
      key: string,
      ofCategory: string,
      epoch: string,
      ...more: (string | number)[]
    ): Result<Answer, Context>;
    latchkeyRewrite(key: string, epoch: string, ...more: (string | number)[]): Result<0 | 1, Context>;
  }
}

interface RedisWindowsOptions {
  readonly redis: Redis;
  /** @default the published table */
  readonly tiers?: TierTable;
  /** See {@link windowScript}. `more` are additional arguments at the end. */
  readonly clock?: { readonly expression: string; readonly more: () => readonly number[] };
}

/** One history in Redis, and its current limits. */
interface Asked {
  readonly family: string;
  readonly category?: Category;
  readonly limits: WindowLimits;
}

/** The reply of the script for one history. */
interface Found {
  readonly waits: Waits;
  readonly room: Room;
}

/** For calls without an epoch, at any time of Redis' clock. */
const ANY: Question = { epoch: '', earliest: 0, latest: Number.MAX_SAFE_INTEGER, tag: 0 };

/**
 * Windows that several processes share, in Redis: one round trip for each admission, as exact as the windows in memory.
 * Rejects if Redis does not respond. `RedisSession` decides whether a reply may be used.
 */
export class RedisWindows {
  readonly #redis: Redis;
  readonly #tiers: TierTable;
  readonly #more: () => readonly number[];

  constructor({ redis, tiers = TIER_LIMITS, clock }: RedisWindowsOptions) {
    this.#redis = redis;
    this.#tiers = tiers;
    this.#more = clock?.more ?? (() => []);
    redis.defineCommand('latchkeyWindow', { numberOfKeys: 2, lua: windowScript(1, clock?.expression) });
    redis.defineCommand('latchkeyBothWindows', { numberOfKeys: 3, lua: windowScript(2, clock?.expression) });
    redis.defineCommand('latchkeyRewrite', { numberOfKeys: 2, lua: REWRITE });
  }

  /**
   * Requests `cost` units.
   *
   * @throws RangeError unless cost is an integer >= 1
   */
  send(subject: Subject, cost: number, question: Question = ANY): Promise<Answer> {
    const its = itsHistory(subject, this.#tiers);
    const limits = this.#tiers[subject.tier];
    const never = cost > highest(limits, its?.limits);
    return this.#ask(never ? 0 : cost, { family: subject.family, limits }, its, question);
  }

  /** Reads the reply to {@link send}. */
  read(subject: Subject, cost: number, answer: Answer): Admission {
    const { category } = subject;
    const limits = this.#tiers[subject.tier];
    const its = itsHistory(subject, this.#tiers);
    const { waits, room } = foundIn(answer, FIRST, limits);
    const ofCategory = its === null ? null : foundIn(answer, FIRST + FIGURES, its.limits);
    const categoryRoom = category === undefined || ofCategory === null ? undefined : { category, ...ofCategory.room };
    const judged = { limits, room, categoryRoom };
    if (cost > highest(limits, its?.limits)) return { outcome: 'never', ...judged, ...lowest(limits, category) };
    if (answer[0] === 1) return { outcome: 'admitted', ...judged };
    return { outcome: 'refused', ...judged, ...longest(limits, waits, category, ofCategory?.waits) };
  }

  async admit(subject: Subject, cost = 1): Promise<Admission> {
    checkCost(cost);
    return this.read(subject, cost, await this.send(subject, cost));
  }

  /** Requests the remaining units. */
  sendPeek(subject: Subject, question: Question = ANY): Promise<Answer> {
    return this.#ask(0, this.#peeked(subject), null, question);
  }

  /** Reads the reply to {@link sendPeek}. */
  readPeek(subject: Subject, answer: Answer): Room {
    return foundIn(answer, FIRST, this.#peeked(subject).limits).room;
  }

  async peek(subject: Subject): Promise<Room> {
    return this.readPeek(subject, await this.sendPeek(subject));
  }

  /** Gives back what a call took from the subject's windows. */
  async giveBack(subject: Subject, { epoch, tag }: Question): Promise<void> {
    const its = itsHistory(subject, this.#tiers);
    for (const asked of [{ family: subject.family }, ...(its === null ? [] : [its])]) {
      await this.#redis.latchkeyRewrite(keyOf(epoch, asked), EPOCH, epoch, RATE_WINDOW, BURST_WINDOW, tag);
    }
  }

  /** Adds units to a history: pairs of a time and a number. */
  async add(history: Pick<Asked, 'family' | 'category'>, epoch: string, units: readonly number[]): Promise<void> {
    await this.#redis.latchkeyRewrite(keyOf(epoch, history), EPOCH, epoch, RATE_WINDOW, BURST_WINDOW, '', ...units);
  }

  #peeked(subject: Subject): Asked {
    return itsHistory(subject, this.#tiers) ?? { family: subject.family, limits: this.#tiers[subject.tier] };
  }

  #ask(cost: number, own: Asked, its: Asked | null, question: Question): Promise<Answer> {
    const { epoch, earliest, latest, tag } = question;
    const more = [cost, RATE_WINDOW, BURST_WINDOW, epoch, earliest, latest, tag, own.limits.rate, own.limits.burst];
    if (its === null) return this.#redis.latchkeyWindow(keyOf(epoch, own), EPOCH, ...more, ...this.#more());
    const both = [...more, its.limits.rate, its.limits.burst, ...this.#more()];
    return this.#redis.latchkeyBothWindows(keyOf(epoch, own), keyOf(epoch, its), EPOCH, ...both);
  }
}

/** @throws RangeError unless the cost is an integer >= 1 */
export function checkCost(cost: number): void {
  if (!Number.isSafeInteger(cost) || cost < 1) throw new RangeError(`The cost must be an integer >= 1, not ${cost}`);
}

/** Returns the history of the subject's category if its tier limits that category. */
function itsHistory({ family, tier, category }: Subject, tiers: TierTable): Asked | null {
  const limits = categoryLimits(tiers[tier], category);
  return limits === undefined || category === undefined ? null : { family, category, limits };
}

/**
 * Returns the key of a history. A new epoch has new keys, because data of an earlier one may be incomplete. The braces
 * are a hash tag: a Redis cluster stores all keys of a family on one node.
 */
function keyOf(epoch: string, { family, category }: Pick<Asked, 'family' | 'category'>): string {
  const own = `latchkey:window:${epoch === '' ? '' : `${epoch}:`}{${family}}`;
  return category === undefined ? own : `${own}/${category}`;
}

/** Index of the first value, after the status and the time. */
const FIRST = 2;

/** The number of values that the script returns for each history. */
const FIGURES = 6;

/** @param at index of the history's first value */
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
