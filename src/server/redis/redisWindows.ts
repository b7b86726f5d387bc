import type { Redis, Result } from 'ioredis';
import {
  categoryLimits,
  checkAmounts,
  countedIn,
  exceeded,
  limitsOf,
  longest,
  type Counted,
  type Waits,
} from '../../core/limits/bounds.js';
import type { Category } from '../../core/limits/category.js';
import type { Admission, Bound, CostTaken, Subject, Unit } from '../../core/limits/limits.js';
import { roomsOf, UNLIMITED } from '../../core/limits/rooms.js';
import { TIER_LIMITS, type TierLimits, type TierTable } from '../../core/limits/tiers.js';
import type { Room, WindowRoom } from '../../core/limits/window.js';
import { EPOCH } from './beat.js';
import type { Answer, Question } from './question.js';
import { FAILED, FIGURES, GIVE_BACK, REWRITE, windowScript } from './windowScript.js';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    latchkeyWindows(...given: (string | number)[]): Result<Answer, Context>;
    latchkeyGiveBack(key: string, epoch: string, ...more: (string | number)[]): Result<number, Context>;
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

/** The windows of an admission or of a peek, and what it takes from each. */
export interface Prepared {
  readonly limits: TierLimits;
  readonly counted: readonly Counted[];
  /** The window that it can never fit into, so that it takes nothing; null if there is none. */
  readonly never: Bound | null;
}

/** A history in Redis. */
interface History {
  readonly name: string;
  readonly category?: Category | undefined;
  readonly unit?: Unit | undefined;
}

/** For calls without an epoch, at any time of Redis' clock. */
const ANY: Question = { epoch: '', earliest: 0, latest: Number.MAX_SAFE_INTEGER, tag: 0 };

/**
 * Windows that several processes share, in Redis: one round trip for each batch of admissions, as exact as the windows in
 * memory. Rejects if Redis does not respond. `RedisSession` decides whether a reply may be used.
 */
export class RedisWindows {
  readonly #redis: Redis;
  readonly #tiers: TierTable;
  readonly #more: () => readonly number[];

  constructor({ redis, tiers = TIER_LIMITS, clock }: RedisWindowsOptions) {
    this.#redis = redis;
    this.#tiers = tiers;
    this.#more = clock?.more ?? (() => []);
    // The first argument is the number of keys.
    redis.defineCommand('latchkeyWindows', { lua: windowScript(clock?.expression) });
    redis.defineCommand('latchkeyGiveBack', { numberOfKeys: 2, lua: GIVE_BACK });
    redis.defineCommand('latchkeyRewrite', { numberOfKeys: 2, lua: REWRITE });
  }

  /**
   * Prepares an admission.
   *
   * @throws RangeError if an amount is invalid
   */
  prepare(subject: Subject, requests = 1, cost = 0): Prepared {
    checkAmounts(requests, cost);
    const limits = limitsOf(subject, this.#tiers);
    const counted = countedIn(subject, limits, requests, cost);
    return { limits, counted, never: exceeded(counted) };
  }

  /** Prepares a peek. */
  preparePeek(subject: Subject, unit: Unit = 'requests'): Prepared {
    const limits = limitsOf(subject, this.#tiers);
    const { family: name, category } = subject;
    const ofCategory = categoryLimits(limits, category);
    const own: Counted = { name, limits, amount: 0 };
    const counted: Counted =
      unit === 'cost'
        ? { ...own, of: 'cost', limits: limits.cost ?? UNLIMITED }
        : ofCategory === undefined
          ? own
          : { ...own, category, limits: ofCategory };
    return { limits, counted: [counted], never: null };
  }

  /** Sends a batch in one call. */
  send(batch: readonly Prepared[], question: Question = ANY): Promise<Answer> {
    const { epoch, earliest, latest, tag } = question;
    const keys: string[] = [];
    const more: (string | number)[] = [epoch, earliest, latest, tag];
    for (const { counted, never } of batch) {
      let plan = '';
      for (const { name, category, of, limits, amount } of counted) {
        keys.push(keyOf(epoch, { name, category, unit: of === 'cost' ? 'cost' : undefined }));
        plan += `${never === null ? amount : 0} ${limits.rate} ${limits.burst} `;
      }
      more.push(plan);
    }
    return this.#redis.latchkeyWindows(keys.length + 1, ...keys, EPOCH, ...more, ...this.#more());
  }

  /** Reads the reply to {@link send}: where the part of each begins. */
  read(batch: readonly Prepared[], answer: Answer): readonly Reply[] {
    let at = FIRST;
    return batch.map((prepared) => {
      const reply = new Reply(prepared, answer, at);
      at += 1 + FIGURES * prepared.counted.length;
      return reply;
    });
  }

  async admit(subject: Subject, requests?: number, cost?: number): Promise<Admission> {
    const prepared = this.prepare(subject, requests, cost);
    return new Reply(prepared, await this.send([prepared]), FIRST).admission(ANY.tag);
  }

  async peek(subject: Subject, unit?: Unit): Promise<Room> {
    const prepared = this.preparePeek(subject, unit);
    return new Reply(prepared, await this.send([prepared]), FIRST).room(0);
  }

  /** Gives back cost units. */
  async giveBack(epoch: string, { name, at, cost: taken }: CostTaken, cost: number): Promise<void> {
    const key = keyOf(epoch, { name, unit: 'cost' });
    await this.#redis.latchkeyGiveBack(key, EPOCH, epoch, at, Math.min(taken, cost));
  }

  /** Removes everything that a batch took. */
  async takeBack(batch: readonly Prepared[], { epoch, tag }: Question): Promise<void> {
    const histories = new Set(
      batch.flatMap(({ counted }) =>
        counted.map(({ name, category, of }) =>
          keyOf(epoch, { name, category, unit: of === 'cost' ? 'cost' : undefined }),
        ),
      ),
    );
    for (const key of histories) await this.#redis.latchkeyRewrite(key, EPOCH, epoch, tag, batch.length);
  }

  /** Adds units to a history: pairs of a time and a number. */
  async add(history: History, epoch: string, units: readonly number[]): Promise<void> {
    await this.#redis.latchkeyRewrite(keyOf(epoch, history), EPOCH, epoch, 0, 0, ...units);
  }
}

/** The reply to one admission or peek of a batch. */
export class Reply {
  readonly #prepared: Prepared;
  readonly #answer: readonly (number | string)[];
  readonly #at: number;

  constructor(prepared: Prepared, answer: Answer, at: number) {
    this.#prepared = prepared;
    this.#answer = answer;
    this.#at = at;
  }

  /** The error of Redis; null if there is none. */
  get error(): string | null {
    return this.#answer[this.#at] === FAILED ? String(this.#answer[this.#at + 1]) : null;
  }

  /** @param tag identifies the units that were taken */
  admission(tag: number): Admission {
    const { limits, counted, never } = this.#prepared;
    const judged = { limits, ...roomsOf(counted, (i) => this.room(i)) };
    if (never !== null) return { outcome: 'never', ...judged, ...never };
    // If it takes nothing from its windows, because they don't count its cost units, nothing refuses it.
    if (this.#answer[this.#at] !== 1 && counted.some(({ amount }) => amount > 0)) {
      return {
        outcome: 'refused',
        ...judged,
        ...longest(
          counted,
          counted.map((_, i) => this.#waits(i)),
        ),
      };
    }
    const cost = counted.at(-1);
    if (cost?.of !== 'cost' || cost.amount === 0) return { outcome: 'admitted', ...judged };
    return { outcome: 'admitted', ...judged, costTaken: { name: cost.name, at: tag, cost: cost.amount } };
  }

  /** Returns the room in a pair of windows. */
  room(index: number): Room {
    const { rate, burst } = this.#prepared.counted[index]?.limits ?? UNLIMITED;
    return {
      rate: windowRoom(rate, this.#figure(index, 2), this.#figure(index, 3)),
      burst: windowRoom(burst, this.#figure(index, 4), this.#figure(index, 5)),
    };
  }

  #waits(index: number): Waits {
    return { rate: this.#figure(index, 0), burst: this.#figure(index, 1) };
  }

  #figure(index: number, of: number): number {
    return Number(this.#answer[this.#at + 1 + FIGURES * index + of]);
  }
}

/**
 * Returns the key of a history. A new epoch has new keys, because data of an earlier one may be incomplete. The braces
 * are a hash tag: a Redis cluster stores all keys of a family on one node.
 */
function keyOf(epoch: string, { name, category, unit }: History): string {
  const own = `latchkey:window:${epoch === '' ? '' : `${epoch}:`}{${name}}`;
  if (unit === 'cost') return `${own}/cost`;
  return category === undefined ? own : `${own}/${category}`;
}

/** Index of the first value, after the status and the time. */
const FIRST = 2;

function windowRoom(limit: number, used: number, returns: number): WindowRoom {
  return { limit, remaining: Math.max(0, limit - used), returnsInMs: returns < 0 ? null : returns };
}
