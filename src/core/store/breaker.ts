import { performance } from 'node:perf_hooks';
import { deadline } from '../util/deadline.js';
import { Duplicate, NotWritten, StoreUnavailable, Unacknowledged } from './storeErrors.js';

/** The state of a store. `read-only`: it responds, but rejects changes. */
export type StoreState = 'available' | 'read-only' | 'away';

export interface BreakerOptions {
  /** Checks whether the store responds. */
  readonly ping: () => Promise<void>;
  /**
   * Called when the state changes.
   *
   * @param error the failure; null if the store is available again
   */
  readonly onState?: ((state: StoreState, error: StoreUnavailable | null) => void) | undefined;
  /** Called when an operation failed but the store responded to a ping right after it. At most once in ten seconds. */
  readonly onFailure?: ((error: StoreUnavailable) => void) | undefined;
  /** This process' monotonic clock, in ms. */
  readonly clock?: (() => number) | undefined;
}

/** An operation that takes longer than this triggers a ping, in ms. */
const SUSPICIOUS = 300;
/** Timeout for a ping, in ms. A store promises to end it within two seconds. */
const PING_TIME = 3_000;
/** Timeout for a ping while the store is unavailable, in ms: a ping sent before the store recovered may never get a response. */
const PROBE_TIME = 1_000;
/**
 * Pauses between two pings while the store is unavailable, in ms: the first one, doubled each time up to the longest.
 */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 400;
/** If the store fails again within this time, pings continue with the previous pause. In ms. */
const STEADY = 10_000;
/** At most one failure is reported in this time, in ms. */
const FAILURES_EVERY = 10_000;

/**
 * A circuit breaker. While the store is unavailable, operations are refused immediately and only pings reach it: one at
 * a time, with growing pauses. The first successful ping closes the breaker, so that the store is not flooded with
 * requests that test it.
 *
 * Only a failed ping opens the breaker. An operation may fail because of its caller, such as a query that is too large
 * to finish in time, so a failed operation only triggers a ping.
 */
export class Breaker {
  readonly #options: BreakerOptions;
  readonly #clock: () => number;
  #state: StoreState = 'available';
  #error: StoreUnavailable | null = null;
  /** The failed operation that triggered the current ping. */
  #doubt: StoreUnavailable | null = null;
  #heardAt = -Infinity;
  #availableSince = -Infinity;
  #reportedAt = -Infinity;
  #pause = FIRST_PAUSE;
  #pinging: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;
  /** Functions that reject the running operations when the store becomes unavailable. */
  readonly #underWay = new Set<(error: StoreUnavailable) => void>();

  constructor(options: BreakerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
  }

  get state(): StoreState {
    return this.#state;
  }

  /**
   * Runs an operation.
   *
   * @throws StoreUnavailable immediately while the store is unavailable
   */
  run<T>(operation: () => Promise<T>): Promise<T> {
    if (this.#isClosed) return operation();
    if (this.#state === 'away') return Promise.reject(this.#refusal());
    return new Promise<T>((resolve, reject) => {
      const began = this.#clock();
      const timer = deadline(SUSPICIOUS, () => {
        if (this.#underWay.has(reject) && this.#heardAt <= began) void this.#ping();
      }).unref();
      const settle = (): void => {
        clearTimeout(timer);
        this.#underWay.delete(reject);
      };
      this.#underWay.add(reject);
      operation().then(
        (result) => {
          settle();
          this.#heardAt = this.#clock();
          resolve(result);
        },
        (error: unknown) => {
          settle();
          this.#failed(error);
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- Passed on as it came.
          reject(error);
        },
      );
    });
  }

  /**
   * Pings the store, unless it is known to have a problem.
   *
   * @throws StoreUnavailable if it has a problem
   */
  async check(): Promise<void> {
    if (this.#isClosed) return this.#options.ping();
    if (this.#state === 'available') await this.#ping();
    if (this.#error !== null) throw this.#refusal();
  }

  /** Stops pinging. Operations then go to the store, which is being closed as well. */
  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #failed(error: unknown): void {
    if (error instanceof Duplicate) this.#heardAt = this.#clock();
    if (!(error instanceof StoreUnavailable) || this.#isClosed) return;
    error.isReported = this.#options.onState !== undefined;
    if (this.#state !== 'available') return;
    this.#doubt = error;
    void this.#ping();
  }

  #ping(): Promise<void> {
    const wasAway = this.#state === 'away';
    this.#pinging ??= this.#answer().then((error) => {
      this.#pinging = null;
      // An earlier ping may have succeeded late, so that this failure is out of date.
      const isOutOfDate = wasAway && error !== null && this.#state === 'available';
      if (!this.#isClosed && !isOutOfDate) this.#learn(error);
    });
    return this.#pinging;
  }

  /** @returns the failure; null if the store responded */
  async #answer(): Promise<StoreUnavailable | null> {
    const time = this.#state === 'away' ? PROBE_TIME : PING_TIME;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = deadline(time, () => reject(new StoreUnavailable(new Error(`No answer within ${time} ms.`))));
    });
    try {
      const answer = this.#options.ping();
      // Late is better than never.
      answer.then(
        () => this.#isBack(),
        () => undefined,
      );
      await Promise.race([answer, late]);
      return null;
    } catch (error) {
      return error instanceof StoreUnavailable ? error : new StoreUnavailable(error);
    } finally {
      clearTimeout(timer);
    }
  }

  #isBack(): void {
    if (this.#state !== 'available' && !this.#isClosed) this.#learn(null);
  }

  #learn(error: StoreUnavailable | null): void {
    const before = this.#state;
    const doubt = this.#doubt;
    this.#doubt = null;
    this.#error = error;
    this.#state = stateBy(error);
    if (error === null) this.#heardAt = this.#clock();
    if (this.#state === before) {
      if (error === null && doubt !== null) this.#report(doubt);
    } else {
      if (before === 'available') this.#begin();
      else if (this.#state === 'available') this.#availableSince = this.#clock();
      if (this.#timer !== null) clearTimeout(this.#timer);
      this.#options.onState?.(this.#state, error);
    }
    if (this.#state === 'away') this.#endAll(error);
    if (this.#state !== 'available') this.#plan();
  }

  #begin(): void {
    if (this.#clock() - this.#availableSince >= STEADY) this.#pause = FIRST_PAUSE;
  }

  #plan(): void {
    // With a random factor, so that processes that lost the store at the same time don't ping it at the same time.
    const pause = this.#pause * (0.75 + Math.random() / 2);
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
    this.#timer = setTimeout(() => void this.#ping(), pause).unref();
  }

  /** Rejects all running operations. The outcome of a write that was sent is unknown. */
  #endAll(cause: StoreUnavailable | null): void {
    const error = new Unacknowledged(cause?.cause, cause?.reason, undefined, cause?.remedy);
    error.isReported = true;
    for (const end of this.#underWay) end(error);
    this.#underWay.clear();
  }

  #refusal(): StoreUnavailable {
    const { cause, reason, remedy } = this.#error ?? {};
    const error =
      this.#state === 'read-only'
        ? new NotWritten(cause, reason ?? 'the store accepts no changes', remedy)
        : new StoreUnavailable(cause, reason, undefined, remedy);
    error.isReported = true;
    return error;
  }

  #report(error: StoreUnavailable): void {
    const now = this.#clock();
    if (now - this.#reportedAt < FAILURES_EVERY) return;
    this.#reportedAt = now;
    this.#options.onFailure?.(error);
  }
}

function stateBy(error: StoreUnavailable | null): StoreState {
  if (error === null) return 'available';
  return error instanceof NotWritten ? 'read-only' : 'away';
}
