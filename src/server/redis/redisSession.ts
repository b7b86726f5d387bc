import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { Redis } from 'ioredis';
import { deadline } from '../../core/util/deadline.js';
import { RATE_WINDOW } from '../../core/limits/window.js';
import { unavailable } from '../../core/errors/refusal.js';
import { beat, defineBeat, leave, type Beat } from './beat.js';
import { RedisClock } from './clock.js';
import { OTHER_EPOCH, OUT_OF_BOUNDS, REDIS_TIME, type Answer, type Question } from './question.js';
import { within } from './within.js';

/** Timeout for a reply, in ms. Redis takes nothing for a call that it runs later. */
export const PATIENCE = 1_000;
/** Time between two heartbeats, in ms: while requests are admitted, and while they are not. */
const BEAT_EVERY = 400;
const PROBE_EVERY = 100;
/** How long a process may admit requests after its last heartbeat, in ms. */
const LEASE = 5_000;
/** How long units that a process admitted can affect a window after its last heartbeat, in ms. */
const COUNTS = RATE_WINDOW + LEASE + BEAT_EVERY;
/**
 * How long a new epoch waits for processes that no other process knows yet, in ms: longer than an idle process takes to
 * notice the epoch.
 */
const GATHER = 800;
/** How long a start waits for the epoch to open, in ms. */
const START_TIME = 1_500;
/** How long Redis must accept every write before it is considered writable again, in ms. */
const WRITES_AGAIN_AFTER = 10_000;
/** Maximum number of calls with unknown outcome. Beyond that, units taken stay taken until they expire. */
const MAX_UNSURE = 10_000;

/**
 * Why requests are refused: Redis does not respond, refuses to write (with its error code), or limits are being
 * restored.
 */
export type Trouble = 'silent' | 'restoring' | `refuses ${string}`;

export interface SessionOptions {
  readonly redis: Redis;
  /** This process' monotonic clock, in ms. */
  readonly clock?: (() => number) | undefined;
  /**
   * Lua expression for Redis' clock in ms.
   *
   * @default its wall clock
   */
  readonly time?: string | undefined;
  /** Called when the trouble changes; null if there is none. */
  readonly onTrouble?: ((trouble: Trouble | null) => void) | undefined;
  /** Called after each call with the time that Redis took, in ms, and whether it responded. */
  readonly onRoundTrip?: ((ms: number, ok: boolean) => void) | undefined;
}

/**
 * Writes the state of this process into the windows of a new epoch. `time` converts a time of the own clock to Redis'
 * clock.
 */
type Restore = (epoch: string, time: (own: number) => number) => Promise<void>;

interface Unsure {
  readonly question: Question;
  readonly giveBack: (question: Question) => Promise<unknown>;
}

/** The cause of a refusal: a reply that must not be used. */
class Unusable extends Error {}

/**
 * Connects one process to the limits that several processes share in Redis.
 *
 * Without Redis no process admits anything, because it can't know what the other processes admit. Everything in Redis
 * belongs to an epoch, so that stale data is never used. An epoch ends when Redis may have lost data (another server, a
 * restart, an empty database) or when its clock was set. Then a new epoch starts, and every process writes the units that it admitted
 * within the last minute into the new epoch. The epoch opens once all processes have done so. It waits for missing
 * processes until the units that they admitted have expired.
 */
export class RedisSession {
  readonly id = randomUUID();
  /** Lua expression for Redis' clock, for use in scripts. */
  readonly time: string;
  readonly #redis: Redis;
  readonly #clock: () => number;
  readonly #onTrouble: NonNullable<SessionOptions['onTrouble']>;
  readonly #onRoundTrip: NonNullable<SessionOptions['onRoundTrip']>;
  readonly #restorers: Restore[] = [];
  readonly #unsure = new Map<number, Unsure>();
  #settling = false;
  #epoch = '';
  /** Has this process written its state into the epoch's windows? */
  #restored = false;
  #bounds = new RedisClock();
  /** An epoch that this process found to be unreliable. */
  #ended = '';
  #open = false;
  /** On the own clock: the last heartbeat, the last reply, the last refusal to write. */
  #beatAt = -Infinity;
  #heardAt = -Infinity;
  #refusedAt = -Infinity;
  /** The other processes, each with the time at which its units have expired. */
  #others = new Map<string, number>();
  #trouble: Trouble | null = 'silent';
  /** The chance that two processes use the same tag is about 1 in 2^50. */
  #tag = Math.floor(Math.random() * 2 ** 52);
  #beating: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;
  readonly #onClose = (): void => this.#shut('silent');
  readonly #onReady = (): void => this.#beatNow();

  constructor({ redis, clock = () => performance.now(), time = REDIS_TIME, onTrouble, onRoundTrip }: SessionOptions) {
    this.time = time;
    defineBeat(redis, time);
    this.#redis = redis;
    this.#clock = clock;
    this.#onTrouble = onTrouble ?? (() => undefined);
    this.#onRoundTrip = onRoundTrip ?? (() => undefined);
  }

  /** The problem; null if there is none. */
  get trouble(): Trouble | null {
    return this.#trouble;
  }

  /** The number of other processes that this one knows. */
  get knows(): number {
    return this.#others.size;
  }

  /** Does this process send commands to Redis? Otherwise it refuses requests immediately. */
  get isOpen(): boolean {
    return this.#open && this.#clock() - this.#beatAt < LEASE;
  }

  /** The epoch that this process belongs to. */
  get epoch(): string {
    return this.#epoch;
  }

  /** Adds a function that writes state of this process into a new epoch. Call before `join`. */
  onRestore(restore: Restore): void {
    this.#restorers.push(restore);
  }

  /** Joins the epoch. Call once. Rejects if Redis does not respond or cannot write. */
  async join(): Promise<void> {
    await this.#beat();
    this.#redis.on('close', this.#onClose);
    this.#redis.on('ready', this.#onReady);
    const until = this.#clock() + START_TIME;
    while (!this.#open && !this.#closed && this.#clock() < until) {
      await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY));
      await this.#beat();
    }
    if (!this.#open) this.#tell('restoring');
    this.#plan();
  }

  /**
   * Runs a script in Redis.
   *
   * @param send runs the script
   * @param take reads the reply, and records what was taken
   * @param giveBack gives back what `send` may have taken, if its reply is lost
   * @param tags the number of tags, from that of the question on. Default: 1
   * @throws Refusal UNAVAILABLE if the outcome is unknown; RangeError if `take` throws it
   */
  ask<T>(
    send: (question: Question) => Promise<Answer>,
    take: (answer: Answer, question: Question) => T,
    { giveBack, tags = 1 }: { giveBack?: (question: Question) => Promise<unknown>; tags?: number } = {},
  ): Promise<T> {
    const sent = this.#clock();
    if (!this.isOpen) return Promise.reject(notCounted());
    const question = {
      epoch: this.#epoch,
      earliest: this.#bounds.earliest(sent),
      latest: this.#bounds.latest(sent + PATIENCE),
      tag: this.#nextTag(tags),
    };
    return new Promise<T>((resolve, reject) => {
      let waiting = true;
      const settle = (ok: boolean): void => {
        waiting = false;
        clearTimeout(timer);
        this.#onRoundTrip(this.#clock() - sent, ok);
      };
      const timer = deadline(PATIENCE, () => {
        if (!waiting) return;
        settle(false);
        this.#doubt(question, giveBack);
        this.#missed();
        reject(notCounted(new Error(`Redis did not answer within ${PATIENCE} ms.`)));
      });
      send(question).then(
        (answer) => {
          const usable = this.#judge(answer, question.epoch, sent);
          if (!waiting) {
            if (answer[0] < 1) this.#unsure.delete(question.tag);
            return;
          }
          settle(usable);
          if (!usable) reject(notCounted(new Unusable(`Redis answered ${answer[0]} at ${answer[1]}.`)));
          else resolve(attempt(() => take(answer, question)));
        },
        (error: unknown) => {
          if (!waiting) return;
          settle(false);
          const code = codeOf(error);
          // A script that fails has not written anything.
          if (code !== null) this.#refuses(code);
          else this.#doubt(question, giveBack);
          reject(notCounted(error));
        },
      );
    });
  }

  /** Returns the refusal for a part of a call that Redis refused, and reports it. @param error of Redis */
  refusedBy(error: string): Error {
    this.#refuses(/\b[A-Z]{2,}\b/.exec(error)?.[0] ?? 'ERR');
    return notCounted(new Error(error));
  }

  /** Gives back what was taken, immediately or as soon as Redis responds. */
  giveBack(remove: () => Promise<unknown>): void {
    const question = { epoch: this.#epoch, earliest: 0, latest: 0, tag: this.#nextTag() };
    remove().catch(() => this.#doubt(question, remove));
  }

  /**
   * Stops.
   *
   * @param holds whether this process has state that another epoch may need
   */
  async close(holds: boolean): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#open = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#redis.off('close', this.#onClose);
    this.#redis.off('ready', this.#onReady);
    if (!holds) await within(PATIENCE, leave(this.#redis, this.id)).catch(() => undefined);
  }

  /**
   * Returns whether a reply may be used. A reply that shows another epoch, or that the clock was set, closes this
   * process until it has joined again.
   */
  #judge([status, time]: Answer, epoch: string, sent: number): boolean {
    const received = this.#clock();
    this.#heardAt = received;
    if (epoch !== this.#epoch) return false;
    if (status === OTHER_EPOCH) {
      this.#shut('restoring');
      return false;
    }
    if (!this.#bounds.allows(time, sent, received)) {
      this.#end();
      return false;
    }
    this.#bounds.learn(time, sent, received);
    return status !== OUT_OF_BOUNDS;
  }

  /** Ends the epoch, because it can't be trusted any more. */
  #end(): void {
    this.#ended = this.#epoch;
    this.#shut('restoring');
  }

  #nextTag(count = 1): number {
    const tag = this.#tag;
    this.#tag = (tag + count) % 2 ** 52;
    return tag;
  }

  #doubt(question: Question, giveBack: ((question: Question) => Promise<unknown>) | undefined): void {
    if (giveBack !== undefined && this.#unsure.size < MAX_UNSURE)
      this.#unsure.set(question.tag, { question, giveBack });
  }

  /** Handles a missing reply. Redis may only be slow; if nothing else arrived since, it is unavailable. */
  #missed(): void {
    if (this.#clock() - this.#heardAt >= PATIENCE) this.#shut('silent');
  }

  /** Handles a refusal to write. It also shows that Redis is available. */
  #refuses(code: string): void {
    this.#heardAt = this.#refusedAt = this.#clock();
    // A replica: it may contain the data of another server by now.
    if (code === 'READONLY') this.#end();
    this.#tell(`refuses ${code}`);
  }

  #shut(trouble: Trouble): void {
    this.#open = false;
    this.#tell(trouble);
    this.#beatNow();
  }

  #tell(trouble: Trouble | null): void {
    if (this.#closed || trouble === this.#trouble) return;
    this.#trouble = trouble;
    this.#onTrouble(trouble);
  }

  #plan(): void {
    if (this.#closed) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#beatNow(), this.#open ? BEAT_EVERY : PROBE_EVERY).unref();
  }

  #beatNow(): void {
    if (this.#closed || this.#beating !== null || this.#timer === null) return;
    this.#beating = this.#beat()
      .catch((error: unknown) => {
        const code = codeOf(error);
        if (code !== null) {
          this.#refuses(code);
          return;
        }
        if (this.#clock() - this.#heardAt < PATIENCE) return;
        this.#shut('silent');
        // A proxy may keep swallowing commands on this connection; a new connection may reach a server.
        if (this.#redis.status === 'ready') this.#redis.stream.destroy();
      })
      .finally(() => {
        this.#beating = null;
        this.#plan();
      });
  }

  async #beat(): Promise<void> {
    const sent = this.#clock();
    const found = await within(
      PATIENCE,
      beat(this.#redis, {
        id: this.id,
        epoch: this.#restored ? this.#epoch : '',
        fresh: randomUUID().slice(0, 8),
        ended: this.#ended,
        earliest: this.#bounds.earliest(sent),
        latest: this.#bounds.latest(sent + PATIENCE),
        gather: GATHER,
        counts: COUNTS,
        others: [...this.#others].map(([id, until]) => [id, Math.ceil(until - sent)] as const),
      }),
    );
    const received = this.#clock();
    this.#heardAt = received;
    if (found.epoch !== this.#epoch) {
      this.#begin(found.epoch);
    } else if (!this.#bounds.allows(found.time, sent, received)) {
      this.#end();
      return this.#beat();
    }
    this.#bounds.learn(found.time, sent, received);
    if (found.outcome === 'new') {
      await this.#restore(found.epoch);
      return this.#beat();
    }
    if (found.outcome === 'joined') this.#joined(found, sent, received);
  }

  #begin(epoch: string): void {
    if (this.#epoch !== '') this.#shut('restoring');
    this.#epoch = epoch;
    this.#restored = false;
    this.#bounds = new RedisClock();
    // These units are in windows of an epoch that is not read any more.
    this.#unsure.clear();
  }

  async #restore(epoch: string): Promise<void> {
    const bounds = this.#bounds;
    for (const restore of this.#restorers) await restore(epoch, (own) => bounds.latest(own));
    if (epoch === this.#epoch) this.#restored = true;
  }

  #joined({ members, opensIn, time }: Beat, sent: number, received: number): void {
    this.#beatAt = sent;
    this.#others = new Map([...this.#others].filter(([, until]) => until > received));
    for (const [id, last] of members) if (id !== this.id) this.#others.set(id, received + COUNTS - (time - last));
    if (this.#closed) return;
    this.#open = opensIn === 0;
    // Not reported during a start: `join` waits for it.
    if (!this.#open) {
      if (this.#timer !== null) this.#tell('restoring');
      return;
    }
    void this.#settleUnsure(received);
    const refuses = this.#trouble?.startsWith('refuses') === true;
    if (!refuses || received - this.#refusedAt >= WRITES_AGAIN_AFTER) this.#tell(null);
  }

  /**
   * Gives back what calls with a lost reply took, once their deadline has passed. Tries again at the next heartbeat if
   * Redis does not respond.
   */
  async #settleUnsure(now: number): Promise<void> {
    // Thousands of them can take longer than the time between two heartbeats.
    if (this.#settling) return;
    this.#settling = true;
    const earliest = this.#bounds.earliest(now);
    for (const [tag, { question, giveBack }] of this.#unsure) {
      if (question.latest >= earliest) continue;
      try {
        await within(PATIENCE, giveBack(question));
      } catch {
        break;
      }
      this.#unsure.delete(tag);
    }
    this.#settling = false;
  }
}

/** Turns an exception into a rejection that its caller receives. */
async function attempt<T>(read: () => T): Promise<T> {
  return read();
}

/** Returns the first word of an error reply of Redis: OOM, READONLY, WRONGTYPE. null if it did not respond. */
function codeOf(error: unknown): string | null {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return null;
  return /^[A-Z]+/.exec(error.message)?.[0] ?? 'ERR';
}

function notCounted(cause?: unknown): Error {
  return unavailable('The rate limits cannot be checked at the moment. Try again in 1 s.', 1, cause);
}
