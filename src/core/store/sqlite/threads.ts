import { performance } from 'node:perf_hooks';
import { StoreUnavailable, NotWritten } from '../storeErrors.js';
import { LOCKED } from './driverErrors.js';
import { FairQueue } from './fairQueue.js';
import type { Question } from './threadMessages.js';
import type { StoreThread } from './storeThread.js';

export interface ThreadsOptions {
  /** Starts a thread. Called when a thread is first needed, and again after it has ended. */
  readonly start: () => StoreThread;
  /** Maximum number of threads. */
  readonly most: number;
  /** How long an operation may wait for a thread, in ms. */
  readonly queued: number;
  /** How long an operation may take in total, in ms; null: no limit once a thread runs it. */
  readonly limit: number | null;
  /** How long a write may wait for another program's lock, from when it was requested, in ms. */
  readonly patience: number;
}

/** The maximum number of operations that share a transaction. Other operations wait in the meantime, for about 10 ms. */
const MAX_GROUP = 20;

/**
 * How long the lock counts as taken after an operation has failed because of it, in ms. The next operation reports the lock only
 * after it has waited for it.
 */
const STILL_LOCKED = 1_000;

interface Job {
  readonly question: Question;
  readonly askedAt: number;
  /** See {@link ThreadsOptions.limit}. */
  readonly limit: number | null;
  readonly settle: (answer: Promise<unknown>) => void;
  timer?: NodeJS.Timeout;
  isUnderWay?: true;
}

/**
 * A bounded number of threads with one queue. An operation that waits too long fails and never runs. An operation that
 * runs too long fails, and its thread takes the next one when it is done.
 */
export class Threads {
  readonly #options: ThreadsOptions;
  readonly #queue = new FairQueue<Job>();
  readonly #idle: StoreThread[] = [];
  readonly #all = new Set<StoreThread>();
  #isClosed = false;
  /** When an operation last gave up waiting for another program's lock, by performance.now(). */
  #lockedAt = -Infinity;

  constructor(options: ThreadsOptions) {
    this.#options = options;
  }

  /** Adds a thread that is already running. */
  adopt(thread: StoreThread): void {
    this.#all.add(thread);
    this.#idle.push(thread);
  }

  /** Whether an operation would have to start the first thread. */
  get isUnused(): boolean {
    return !this.#isClosed && this.#all.size === 0;
  }

  /** Whether a running thread would begin an operation at once. */
  get isIdle(): boolean {
    return !this.#isClosed && this.#queue.size === 0 && this.#idle.some(({ hasEnded }) => !hasEnded);
  }

  /** Whether a write waits for another program's lock. */
  get isLocked(): boolean {
    return [...this.#all].some((thread) => thread.isLocked);
  }

  /**
   * @param turn the queue of the operation, such as a workspace: all queues take turns
   * @param limit as in the options, for this operation
   */
  ask(turn: string, question: Question, limit: number | null = this.#options.limit): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(closed());
    return new Promise((resolve) => {
      const { queued, patience } = this.#options;
      const job: Job = { question, askedAt: performance.now(), limit, settle: resolve };
      const refuse = (error: StoreUnavailable): void => {
        this.#queue.remove(turn, job);
        resolve(Promise.reject(error));
      };
      const expire = (): void => {
        refuse(tooBusy('It waited too long for its turn.'));
      };
      // While another program has the lock, an operation waits no longer than it would without other operations.
      const look = (): void => {
        if (this.isLocked || performance.now() - this.#lockedAt < STILL_LOCKED) refuse(locked());
        else job.timer = setTimeout(expire, queued - patience);
      };
      if (!this.#queue.add(turn, job)) {
        refuse(tooBusy('Too many operations wait.'));
        return;
      }
      this.#pump();
      if (job.isUnderWay !== true)
        job.timer = patience < queued ? setTimeout(look, patience) : setTimeout(expire, queued);
    });
  }

  /**
   * Waits for running operations, rejects the waiting ones, and ends the threads.
   *
   * @param last an operation to run in each thread at the end
   */
  async close(last: Question): Promise<void> {
    this.#isClosed = true;
    for (const job of this.#queue.clear()) {
      clearTimeout(job.timer);
      job.settle(Promise.reject(closed()));
    }
    await Promise.all(
      [...this.#all].map(async (thread) => {
        await this.#whenIdle(thread);
        if (!thread.hasEnded) await thread.ask(last, 0).catch(() => undefined);
        await thread.end();
      }),
    );
  }

  readonly #idleAgain = new Map<StoreThread, () => void>();

  async #whenIdle(thread: StoreThread): Promise<void> {
    if (this.#idle.includes(thread) || thread.hasEnded) return;
    await new Promise<void>((resolve) => this.#idleAgain.set(thread, resolve));
  }

  #pump(): void {
    while (this.#queue.size > 0) {
      const thread = this.#idleThread();
      const job = thread && this.#queue.take();
      if (thread === null || job === null) return;
      this.#run(thread, this.#groupOf(job));
    }
  }

  /** Returns a job, and those after it in the queue that may share its transaction. */
  #groupOf(job: Job): readonly Job[] {
    const group = [job];
    const joins = ({ question }: Job): boolean => question.joins === true;
    while (joins(job) && group.length < MAX_GROUP) {
      const next = this.#queue.take(joins);
      if (next === null) break;
      group.push(next);
    }
    return group;
  }

  #idleThread(): StoreThread | null {
    for (let thread = this.#idle.pop(); thread !== undefined; thread = this.#idle.pop()) {
      if (!thread.hasEnded) return thread;
      this.#all.delete(thread);
    }
    if (this.#all.size >= this.#options.most) return null;
    const thread = this.#options.start();
    this.#all.add(thread);
    return thread;
  }

  #run(thread: StoreThread, group: readonly Job[]): void {
    const { patience } = this.#options;
    const now = performance.now();
    for (const job of group) {
      clearTimeout(job.timer);
      job.isUnderWay = true;
    }
    const answers = thread.askAll(
      group.map(({ question, askedAt }) => ({ ...question, patience: Math.max(0, patience - (now - askedAt)) })),
    );
    answers.forEach((answer, i) => {
      const { settle, askedAt = now, limit = null } = group[i] ?? {};
      settle?.(limit === null ? answer : within(answer, limit - (now - askedAt)));
    });
    void Promise.allSettled(answers).then((results) => {
      if (results.some(gaveUp)) this.#lockedAt = performance.now();
      if (thread.hasEnded) this.#all.delete(thread);
      else this.#idle.push(thread);
      this.#idleAgain.get(thread)?.();
      if (!this.#isClosed) this.#pump();
    });
  }
}

function gaveUp(result: PromiseSettledResult<unknown>): boolean {
  return result.status === 'rejected' && result.reason instanceof NotWritten && result.reason.reason === LOCKED;
}

async function within<T>(answer: Promise<T>, limit: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(tooBusy('It took too long.'));
    }, limit);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

const closed = (): StoreUnavailable => new StoreUnavailable(new Error('The store is closed.'));

const tooBusy = (why: string): StoreUnavailable => new StoreUnavailable(new Error(why), 'the store is busy');

const locked = (): NotWritten => new NotWritten(new Error('It waited too long.'), LOCKED);
