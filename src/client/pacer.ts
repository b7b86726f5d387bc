import Bottleneck from 'bottleneck/light.js';
import { LatchkeyError } from './errors.js';
import { PacedStreams } from './pacedStreams.js';
import type { Operation } from './operation.js';
import { limitsOf, type Policy } from './policy.js';
import { LONGEST_TIMER, onAbort } from './waiting.js';
import { Window } from './requestWindow.js';

/** A request's reservation in the windows of its key. */
interface Turn {
  /**
   * Must be called once.
   *
   * @param answer null if there was no response: the server may have counted the request
   */
  readonly end: (answer: Response | null) => void;
}

/** An open stream. The server counts its events like requests. */
export interface PacedStream {
  /** Counts an event that was received. */
  readonly received: () => void;
  /** Can be called more than once. */
  readonly end: () => void;
}

/** The most requests that may wait in one queue. */
const MAX_WAITING = 10_000;
/** The number of operation kinds whose windows are cached. The next response brings back one that was dropped. */
const MAX_KINDS = 1_000;
/** A tier has two windows, and each of its three categories has two more. */
const MAX_WINDOWS = 16;

/** A waiting request. */
interface Waiter {
  readonly operation: Operation;
  readonly resolve: (turn: Turn) => void;
}

/** A queue of requests that wait for the same windows, first in, first out. */
interface Line {
  readonly waiters: Set<Waiter>;
  /** Releases the requests one at a time. */
  readonly bottleneck: Bottleneck;
  isServed: boolean;
}

/**
 * Delays the requests of one key so that the server rejects none of them. Uses the limits in the last response.
 * The first request of each kind runs alone, because only its response says which windows apply to that kind.
 *
 * Bottleneck releases the requests one at a time, but does not decide when. Its reservoir refills at fixed times, which
 * would let about twice the limit through within one of the server's sliding windows. It also cannot drop an aborted
 * job, so the waiting requests are kept here.
 */
export class Pacer {
  readonly #clock: () => number;
  readonly #windows = new Map<string, Window>();
  /** The names of the windows that apply to each kind; empty if there are no limits. */
  readonly #kinds = new Map<string, readonly string[]>();
  /** The names of the windows that apply to all kinds. */
  #common: readonly string[] = [];
  /** The number of pending requests of each kind. */
  readonly #flying = new Map<string, number>();
  readonly #lines = new Map<string, Line>();
  readonly #streams = new PacedStreams();
  /** Callbacks for the next response, after which there may be room. */
  readonly #waiting = new Set<() => void>();

  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  /**
   * Waits until a request may be sent.
   *
   * @throws {@link LatchkeyError} with the code `TOO_MANY_WAITING`, or the reason of the aborted signal
   */
  async turn(operation: Operation, signal: AbortSignal): Promise<Turn> {
    signal.throwIfAborted();
    const line = this.#lineOf(operation);
    // Bottleneck takes milliseconds per job, so a request that need not wait skips it.
    if (line.waiters.size === 0 && this.#wait(operation) === 0) return this.#take(operation);
    if (line.waiters.size >= MAX_WAITING) {
      const message = `${MAX_WAITING} requests are already waiting for the rate limit. Send fewer at a time, or change to a higher tier.`;
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

  /**
   * Counts the events of a stream, and leaves room for the next one until the stream ends. Otherwise an event that the
   * server counts before the client receives it could cause the refusal of a request.
   *
   * @param request its body
   */
  stream(operation: Operation, request: string): PacedStream {
    const stream = this.#streams.add(operation, request);
    return {
      received: () => {
        if (!this.#streams.isCounted(stream)) return;
        const now = this.#clock();
        for (const window of this.#windowsOf(operation.kind)) window.hold(operation.cost, now);
      },
      end: () => {
        this.#streams.delete(stream);
        this.#wakeAll();
      },
    };
  }

  /** Whether there are no open streams, and no requests that still count. */
  get isIdle(): boolean {
    const now = this.#clock();
    if (this.#flying.size > 0 || this.#waiting.size > 0 || this.#streams.size > 0) return false;
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
      // All waiting requests were aborted.
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

  /** Returns the ms until the next check; 0 if the request may be sent; Infinity: wait for a response. */
  #wait({ kind, cost }: Operation): number {
    const names = this.#kinds.get(kind);
    if (names === undefined && this.#flying.has(kind)) return Infinity;
    if (this.#kinds.size === 0 && this.#flying.size > 0) return Infinity;
    const now = this.#clock();
    const waits = this.#windowsOf(kind).map((window) => window.wait(cost + this.#costOfEvent(window), now));
    return Math.max(0, ...waits);
  }

  /** Returns the cost of the next event that may take room in a window; 0 if no open stream has events there. */
  #costOfEvent(window: Window): number {
    return this.#streams.size === 0 ? 0 : this.#streams.costIn((kind) => this.#windowsOf(kind).includes(window));
  }

  #windowsOf(kind: string): Window[] {
    const names = this.#kinds.get(kind) ?? this.#common;
    return names.map((name) => this.#windows.get(name)).filter((window) => window !== undefined);
  }

  #take({ kind, cost }: Operation): Turn {
    const windows = this.#windowsOf(kind);
    for (const window of windows) window.take(cost);
    this.#flying.set(kind, (this.#flying.get(kind) ?? 0) + 1);
    return {
      end: (answer) => {
        const now = this.#clock();
        // A rejected request does not count. After any other failure, it is unknown whether it did.
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
    // The response to a request that was rejected before it was counted has only the tier's windows.
    if (answer.ok || answer.status === 429) {
      const names = [...policies.keys()];
      // The same is true for a request that was rejected before it was parsed.
      if (answer.ok || names.length >= (this.#kinds.get(kind)?.length ?? 0)) this.#setKind(kind, names);
      for (const window of names.map((name) => this.#windows.get(name))) {
        if (answer.ok && window !== undefined && !taken.includes(window)) window.hold(cost, now);
      }
    } else if (this.#kinds.size === 0 && policies.size > 0) {
      // A failed request counts once in the tier's windows, which its response names.
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

  /**
   * Returns the queue of a kind. Each category has its own, so that its requests do not block requests of other categories.
   */
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

  /** Resolves after `ms`, or earlier after a response or an abort. */
  #change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = ms === Infinity ? undefined : setTimeout(done, Math.min(ms, LONGEST_TIMER));
      this.#waiting.add(done);
    });
  }

  #wakeAll(): void {
    for (const done of [...this.#waiting]) done();
  }
}
