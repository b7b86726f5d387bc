import { performance } from 'node:perf_hooks';
import type { Redis } from 'ioredis';
import { categoryLimits, highest, lowest } from '../limits/bounds.js';
import { Limiter } from '../limits/limiter.js';
import type { Admission, Limits, Subject } from '../limits/limits.js';
import { scaled, TIER_LIMITS, type TierLimits, type TierTable } from '../limits/tiers.js';
import { RATE_WINDOW, type Room } from '../limits/window.js';
import { Members } from './members.js';
import { RedisWindows } from './windows.js';
import { within } from './within.js';

/** How long an answer is waited for, in ms. */
const PATIENCE = 250;

/** Between two beats, in ms: how soon a loss is noticed that no request meets, and a return. */
const BEAT_EVERY = 1_000;

/** Above whatever is noted. */
const UNLIMITED = 1e9;

export interface SharedLimitsOptions {
  /** A connection on which nothing waits: see `connectionTo`. Who opened it closes it. */
  readonly redis: Redis;
  /** Default: the published table. */
  readonly tiers?: TierTable;
  /** Of this process' own windows: integer ms that never run back. Default: whole ms since the process began. */
  readonly clock?: () => number;
  /** Told of each question about a window: how long Redis took, in ms, and whether it answered. */
  readonly onRoundTrip?: (ms: number, ok: boolean) => void;
  /** Told when this process begins to count alone (true), and when it counts with the others again (false). */
  readonly onAlone?: (alone: boolean) => void;
}

/**
 * Limits that all processes on one Redis hold together, exactly: one round trip an admission. Where Redis fails or does
 * not answer in time, this process goes on alone at once, with its share of each limit: shares add up to the limit.
 *
 * What Redis let through here is noted in this process' own windows as well (a microsecond or two, where Redis takes hundreds),
 * so that it counts against the share from the first request alone. Back with Redis, both judge for a minute: Redis may
 * have lost its windows, and it does not know what was let through without it. An admission is taken from the share
 * first, and stays taken where Redis refuses or its answer is lost.
 *
 * How far this holds: with all processes alone, no window of 60 seconds holds more than the tier allows, save those that
 * reach back to before the loss, where a process may already have let through more than its share, up to the whole limit
 * if the key's requests all came to it; the others still have theirs. Where some alone lost Redis, their shares come on
 * top of what the others let through with it. To forbid both, a process that loses Redis would have to refuse everything
 * for a minute.
 */
export class SharedLimits implements Limits {
  readonly tiers: TierTable;
  readonly #windows: RedisWindows;
  readonly #members: Members;
  readonly #own: Limiter;
  readonly #clock: () => number;
  readonly #onRoundTrip: NonNullable<SharedLimitsOptions['onRoundTrip']>;
  readonly #onAlone: NonNullable<SharedLimitsOptions['onAlone']>;
  #alone = true;
  #noting = false;
  /** By what they are in place of while something is noted. */
  readonly #unlimited = new WeakMap<TierLimits, TierLimits>();
  /** Until when both judge, on the own clock. */
  #doubtUntil = -Infinity;
  #timer: NodeJS.Timeout | null = null;
  readonly #redis: Redis;
  readonly #onClose = (): void => this.#lost();
  readonly #onReady = (): void => void this.#beat();

  constructor({ redis, tiers = TIER_LIMITS, clock = monotonic, ...told }: SharedLimitsOptions) {
    this.#redis = redis;
    this.#windows = new RedisWindows({ redis, tiers });
    this.#members = new Members(redis);
    this.tiers = tiers;
    this.#clock = clock;
    this.#own = new Limiter({
      clock,
      tiers,
      share: (limits) => (this.#noting ? this.#unlimitedOf(limits) : this.#members.share(limits)),
    });
    this.#onRoundTrip = told.onRoundTrip ?? (() => undefined);
    this.#onAlone = told.onAlone ?? (() => undefined);
  }

  /** Does this process count alone? So it does until it has joined. */
  get alone(): boolean {
    return this.#alone;
  }

  /** Joins the others. To be called once. Rejects where Redis does not answer, or lets nothing be written. */
  async join(): Promise<void> {
    const doubt = await within(PATIENCE, this.#members.beat(false));
    this.#found(doubt);
    this.#redis.on('close', this.#onClose);
    this.#redis.on('ready', this.#onReady);
    this.#timer = setInterval(this.#onReady, BEAT_EVERY).unref();
  }

  admit(subject: Subject, cost = 1): Admission | Promise<Admission> {
    if (this.#alone) return this.#judge(subject, cost);
    return this.#inDoubt ? this.#askBoth(subject, cost) : this.#ask(subject, cost);
  }

  peek(subject: Subject): Room | Promise<Room> {
    if (this.#alone || this.#inDoubt) return this.#own.peek(subject);
    return this.#answer(this.#windows.peek(subject)).then((room) => room ?? this.#own.peek(subject));
  }

  async close(): Promise<void> {
    if (this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
    this.#redis.off('close', this.#onClose);
    this.#redis.off('ready', this.#onReady);
    this.#own.close();
    // Who cannot say goodbye is forgotten by itself.
    await within(PATIENCE, this.#members.leave()).catch(() => undefined);
  }

  get #inDoubt(): boolean {
    return this.#clock() < this.#doubtUntil;
  }

  async #ask(subject: Subject, cost: number): Promise<Admission> {
    const theirs = await this.#answer(this.#windows.admit(subject, cost));
    if (theirs === null) return this.#judge(subject, cost);
    if (theirs.outcome === 'admitted') this.#note(subject, cost);
    return theirs;
  }

  async #askBoth(subject: Subject, cost: number): Promise<Admission> {
    const own = this.#judge(subject, cost);
    if (own.outcome !== 'admitted') return own;
    const theirs = await this.#answer(this.#windows.admit(subject, cost));
    return theirs === null || theirs.outcome === 'admitted' ? own : theirs;
  }

  /** null: Redis did not answer, or not what it was asked. */
  async #answer<T>(answer: Promise<T>): Promise<T | null> {
    const began = performance.now();
    try {
      const given = await within(PATIENCE, answer);
      this.#onRoundTrip(performance.now() - began, true);
      return given;
    } catch (error) {
      // The caller's mistake is not Redis's.
      if (error instanceof RangeError) throw error;
      this.#onRoundTrip(performance.now() - began, false);
      this.#lost();
      return null;
    }
  }

  /** By the share alone. What it cannot hold and the tier can may pass when Redis is back, so that a wait helps. */
  #judge(subject: Subject, cost: number): Admission {
    const { family, tier, category } = subject;
    const limits = this.tiers[tier];
    const share = this.#members.share(limits);
    const never = cost > highest(limits, categoryLimits(limits, category));
    if (!never && cost <= highest(share, categoryLimits(share, category))) return this.#own.admit(subject, cost);
    const room = this.#own.peek({ family, tier });
    const ofCategory = category !== undefined && categoryLimits(limits, category) !== undefined;
    const categoryRoom = ofCategory ? { category, ...this.#own.peek(subject) } : undefined;
    if (never) return { outcome: 'never', limits, room, categoryRoom, ...lowest(limits, category) };
    const bound = lowest(share, category);
    return { outcome: 'refused', limits: share, room, categoryRoom, ...bound, retryAfterMs: BEAT_EVERY };
  }

  #note(subject: Subject, cost: number): void {
    this.#noting = true;
    this.#own.admit(subject, cost);
    this.#noting = false;
  }

  #unlimitedOf(limits: TierLimits): TierLimits {
    const known = this.#unlimited.get(limits) ?? scaled(limits, () => UNLIMITED);
    this.#unlimited.set(limits, known);
    return known;
  }

  async #beat(): Promise<void> {
    try {
      const doubt = await within(PATIENCE, this.#members.beat(this.#alone));
      this.#found(this.#alone ? RATE_WINDOW : doubt);
    } catch {
      this.#lost();
    }
  }

  #found(doubt: number): void {
    // A process that was stopped for long is new to the others without having noticed a loss.
    if (doubt > 0) this.#doubtUntil = Math.max(this.#doubtUntil, this.#clock() + doubt);
    if (!this.#alone) return;
    this.#alone = false;
    this.#onAlone(false);
  }

  #lost(): void {
    if (this.#alone) return;
    this.#alone = true;
    this.#onAlone(true);
  }
}

function monotonic(): number {
  return Math.floor(performance.now());
}
