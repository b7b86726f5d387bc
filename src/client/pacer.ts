import Bottleneck from 'bottleneck/light.js';
import { LatchkeyError } from './errors.js';
import type { Operation } from './operation.js';
import { limitsOf, type Policy } from './policy.js';
import { onAbort } from './waiting.js';
import { Window } from './window.js';

/** A place that a request holds in the windows of its key. */
export interface Turn {
  /** To be called once. @param answer null: there was none, and the request may have been counted */
  readonly end: (answer: Response | null) => void;
}

/** Requests that may wait in a line. */
const MAX_WAITING = 10_000;
/** Kinds of operations whose windows are remembered; one that was forgotten is learned anew. */
const MAX_KINDS = 1_000;
/** The tier's two and those of its categories are eight. */
const MAX_WINDOWS = 16;

/** A request that waits. */
interface Waiter {
  readonly operation: Operation;
  readonly resolve: (turn: Turn) => void;
}

/** Requests that wait for the same windows, first come first served. */
interface Line {
  readonly waiters: Set<Waiter>;
  /** Lets them go, one at a time. */
  readonly bottleneck: Bottleneck;
  isServed: boolean;
}

/**
 * Gives the requests of one key their turns, so that its limits refuse none. The limits are those of the last answer. Of a
 * kind of operation that was never answered one goes alone: its answer tells which windows it is counted in.
 *
 * Bottleneck lets them go, one at a time. When the first may go is told by windows like the server's: a reservoir of
 * Bottleneck's is refilled at fixed times, about which twice its size would pass within one of the server's windows. And
 * what it holds it does not let go of before its turn: those who wait are kept here, where an abort takes them out.
 */
export class Pacer {
  readonly #clock: () => number;
  readonly #windows = new Map<string, Window>();
  /** The names of the windows that operations of a kind are counted in; none: no limit was told. */
  readonly #kinds = new Map<string, readonly string[]>();
  /** Names that all kinds have in common. */
  #common: readonly string[] = [];
  /** Requests on their way, by kind. */
  readonly #flying = new Map<string, number>();
  readonly #lines = new Map<string, Line>();
  /** Called when an answer came, which may have made room. */
  readonly #waiting = new Set<() => void>();

  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  /** Rejects with the signal's reason, or with LatchkeyError where too many wait. */
  async turn(operation: Operation, signal: AbortSignal): Promise<Turn> {
    signal.throwIfAborted();
    const line = this.#lineOf(operation);
    // Bottleneck takes milliseconds for each: what need not wait goes past it.
    if (line.waiters.size === 0 && this.#wait(operation) === 0) return this.#take(operation);
    if (line.waiters.size >= MAX_WAITING) {
      const message = `${MAX_WAITING} requests wait for their turn. Send fewer at once, or ask for a higher tier.`;
      throw new LatchkeyError(message, { code: 'TOO_MANY_WAITING' });
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        operation,
        resolve: (turn) => {
          forget();
          resolve(turn);
        },
      };
      line.waiters.add(waiter);
      const forget = onAbort(signal, () => {
        line.waiters.delete(waiter);
        reject(signal.reason as Error);
        this.#wakeAll();
      });
      this.#serve(line);
    });
  }

  /** Whether it knows of nothing that counts. */
  get isIdle(): boolean {
    const now = this.#clock();
    if (this.#flying.size > 0 || this.#waiting.size > 0) return false;
    return [...this.#windows.values()].every((window) => window.isIdle(now));
  }

  #serve(line: Line): void {
    if (line.isServed || line.waiters.size === 0) return;
    line.isServed = true;
    void line.bottleneck
      .schedule(() => this.#letFirstGo(line))
      .finally(() => {
        line.isServed = false;
        this.#serve(line);
      });
  }

  async #letFirstGo({ waiters }: Line): Promise<void> {
    for (;;) {
      const [first] = waiters;
      // All that waited were aborted.
      if (first === undefined) return;
      const wait = this.#wait(first.operation);
      if (wait === 0) {
        waiters.delete(first);
        first.resolve(this.#take(first.operation));
        return;
      }
      await this.#change(wait);
    }
  }

  /** Ms until it is worth looking again; 0: it may go; Infinity: not before an answer comes. */
  #wait({ kind, cost }: Operation): number {
    const names = this.#kinds.get(kind);
    if (names === undefined && this.#flying.has(kind)) return Infinity;
    if (this.#kinds.size === 0 && this.#flying.size > 0) return Infinity;
    const now = this.#clock();
    return Math.max(0, ...(names ?? this.#common).map((name) => this.#windows.get(name)?.wait(cost, now) ?? 0));
  }

  #take({ kind, cost }: Operation): Turn {
    const names = this.#kinds.get(kind) ?? this.#common;
    const windows = names.map((name) => this.#windows.get(name)).filter((window) => window !== undefined);
    for (const window of windows) window.take(cost);
    this.#flying.set(kind, (this.#flying.get(kind) ?? 0) + 1);
    return {
      end: (answer) => {
        const now = this.#clock();
        // A refused request takes nothing. Of other statuses that is not known.
        for (const window of windows) window.end(cost, now, answer?.status !== 429);
        const left = (this.#flying.get(kind) ?? 1) - 1;
        if (left > 0) this.#flying.set(kind, left);
        else this.#flying.delete(kind);
        if (answer !== null) this.#learn({ kind, cost }, answer, windows);
        this.#wakeAll();
      },
    };
  }

  #learn({ kind, cost }: Pick<Operation, 'kind' | 'cost'>, answer: Response, taken: readonly Window[]): void {
    const now = this.#clock();
    const { policies, left } = limitsOf(answer.headers);
    for (const [name, policy] of policies) this.#setPolicy(name, policy);
    // What was refused before it was counted tells of the tier's windows alone.
    if (answer.ok || answer.status === 429) {
      const names = [...policies.keys()];
      // What was refused before it was parsed tells of the tier's windows alone as well.
      if (answer.ok || names.length >= (this.#kinds.get(kind)?.length ?? 0)) this.#setKind(kind, names);
      for (const window of names.map((name) => this.#windows.get(name))) {
        if (answer.ok && window !== undefined && !taken.includes(window)) window.hold(cost, now);
      }
    } else if (this.#kinds.size === 0 && policies.size > 0) {
      // A request that fails counts as one in the tier's windows, which its answer names.
      this.#common = [...policies.keys()];
      for (const window of this.#common.map((name) => this.#windows.get(name))) {
        if (window !== undefined && !taken.includes(window)) window.hold(1, now);
      }
    }
    if (left !== null) this.#windows.get(left.name)?.told(left.remaining, left.backIn, now);
  }

  #setPolicy(name: string, policy: Policy): void {
    const window = this.#windows.get(name);
    if (window !== undefined) window.policy = policy;
    else if (this.#windows.size < MAX_WINDOWS) this.#windows.set(name, new Window(policy));
  }

  #setKind(kind: string, names: readonly string[]): void {
    this.#common = this.#kinds.size === 0 ? names : this.#common.filter((name) => names.includes(name));
    for (const oldest of this.#kinds.keys()) {
      if (this.#kinds.size < MAX_KINDS || this.#kinds.has(kind)) break;
      this.#kinds.delete(oldest);
    }
    this.#kinds.set(kind, names);
  }

  /** What waits for a category's windows has a line of its own, so that others go past it. */
  #lineOf({ kind }: Operation): Line {
    const names = this.#kinds.get(kind) ?? [];
    const id = names.filter((name) => !this.#common.includes(name) && this.#windows.has(name)).join();
    let line = this.#lines.get(id);
    if (line === undefined) {
      line = { waiters: new Set(), bottleneck: new Bottleneck({ maxConcurrent: 1 }), isServed: false };
      this.#lines.set(id, line);
    }
    return line;
  }

  /** Resolves after `ms`, and when an answer came or a waiter has gone. */
  #change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = ms === Infinity ? undefined : setTimeout(done, ms);
      this.#waiting.add(done);
    });
  }

  #wakeAll(): void {
    for (const done of [...this.#waiting]) done();
  }
}
