import { Worker } from 'node:worker_threads';
import { threadEntry } from '../../../packageFiles.js';
import { StoreUnavailable, Unacknowledged } from '../storeErrors.js';
import type { Answer, Opened, Question, ThreadData } from './threadMessages.js';
import { fromWire } from './wireErrors.js';

/** Heap size of a thread, in MB. A page of the largest records takes a tenth of it. */
const HEAP = 256;

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** A worker thread with its own connection. It runs one operation at a time. */
export class StoreThread {
  readonly #worker: Worker;
  readonly #role: ThreadData['role'];
  readonly opened: Promise<void>;
  #waiting: Waiting | null = null;
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
      this.#worker.on('message', (message: Answer | Opened) => {
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

  /** Runs an operation. Call only after the previous operation has finished. */
  ask({ part, operation, given }: Question, patience: number): Promise<unknown> {
    // A thread keeps the process alive only while an operation runs.
    this.#worker.ref();
    return new Promise<unknown>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#worker.postMessage({ part, operation, given, patience });
    }).finally(() => {
      this.#waiting = null;
      this.#isLocked = false;
      this.#worker.unref();
    });
  }

  /** Allows the process to end while the thread is running. */
  unref(): void {
    this.#worker.unref();
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #receive(message: Answer): void {
    if (message.kind === 'locked') this.#isLocked = true;
    else if (message.kind === 'value') this.#waiting?.resolve(message.value);
    else this.#waiting?.reject(fromWire(message.error));
  }

  #fail(error: Error, reject: (error: Error) => void): void {
    this.#hasEnded = true;
    reject(error);
    const { cause } = error;
    // A writer may have committed before it ended.
    const isUnsure = this.#role === 'writer' && error instanceof StoreUnavailable;
    this.#waiting?.reject(isUnsure ? new Unacknowledged(cause) : error);
  }
}
