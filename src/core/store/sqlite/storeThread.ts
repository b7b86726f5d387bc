import { Worker } from 'node:worker_threads';
import { threadEntry } from '../../../packageFiles.js';
import { StoreUnavailable, Unacknowledged } from '../storeErrors.js';
import type { Answer, Answered, Asked, Opened, Question, ThreadData } from './threadMessages.js';
import { fromWire } from './wireErrors.js';

/** Heap size of a thread, in MB. A page of the largest records takes a tenth of it. */
const HEAP = 256;

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** A worker thread with its own connection. It runs one operation, or one group of them, at a time. */
export class StoreThread {
  readonly #worker: Worker;
  readonly #role: ThreadData['role'];
  readonly opened: Promise<void>;
  #waiting: readonly Waiting[] = [];
  #hasEnded = false;
  #isLocked = false;

  /**
   * @param entry the name of the thread's entry, see `threadEntry`
   * @param onCheck called if the thread checks the file before it opens it
   */
  constructor(data: ThreadData, entry: string, onCheck: () => void = () => undefined) {
    this.#role = data.role;
    this.#worker = new Worker(threadEntry(entry), {
      name: `sqlite-${data.role}`,
      workerData: data,
      // A thread that only accesses a file gets neither the environment nor the options of the process.
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: HEAP },
    });
    this.opened = new Promise((resolve, reject) => {
      this.#worker.on('message', (message: Answered | Opened) => {
        if (message.kind === 'opened') resolve();
        else if (message.kind === 'checking') onCheck();
        else if (message.kind === 'failed') this.#fail(fromWire(message.error), reject);
        else this.#receive(message);
      });
      this.#worker.on('error', (error) => {
        this.#fail(new StoreUnavailable(error), reject);
      });
      this.#worker.on('exit', () => {
        this.#fail(new StoreUnavailable(new Error('The thread of the store has ended.')), reject);
      });
    });
    this.opened.catch(() => undefined);
  }

  /** Whether the thread has ended. Then it runs no more operations. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whether the running operation waits for another program's lock. */
  get isLocked(): boolean {
    return this.#isLocked;
  }

  /** Runs an operation. Call only after the previous operations have finished. */
  async ask(question: Question, patience: number): Promise<unknown> {
    return this.askAll([{ ...question, patience }])[0];
  }

  /** Runs operations that may share a transaction. Call only after the previous operations have finished. */
  askAll(asked: readonly Asked[]): readonly Promise<unknown>[] {
    // A thread keeps the process alive only while an operation runs.
    this.#worker.ref();
    const waiting: Waiting[] = [];
    const answers = asked.map(() => new Promise<unknown>((resolve, reject) => void waiting.push({ resolve, reject })));
    this.#waiting = waiting;
    this.#worker.postMessage(asked);
    return answers;
  }

  /** Allows the process to end while the thread is running. */
  unref(): void {
    this.#worker.unref();
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #receive(message: Answered): void {
    if (message.kind === 'locked') {
      this.#isLocked = true;
      return;
    }
    const waiting = this.#waiting;
    this.#finish();
    waiting.forEach((each, i) => settle(each, message.answers[i]));
  }

  #finish(): void {
    this.#waiting = [];
    this.#isLocked = false;
    this.#worker.unref();
  }

  #fail(error: Error, reject: (error: Error) => void): void {
    this.#hasEnded = true;
    reject(error);
    const { cause } = error;
    // A writer may have committed before it ended.
    const isUnsure = this.#role === 'writer' && error instanceof StoreUnavailable;
    const waiting = this.#waiting;
    this.#finish();
    for (const each of waiting) each.reject(isUnsure ? new Unacknowledged(cause) : error);
  }
}

function settle(waiting: Waiting, answer: Answer | undefined): void {
  if (answer?.kind === 'value') waiting.resolve(answer.value);
  else
    waiting.reject(
      answer === undefined
        ? new StoreUnavailable(new Error('The thread did not run the operation.'))
        : fromWire(answer.error),
    );
}
