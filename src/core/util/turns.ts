import { performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';

/** The time to process events before other work gets a turn, in milliseconds. A task that takes longer runs to its end. */
const SLICE = 4;

/** Resolves when the work is done. Never rejects. */
type Task = () => Promise<void>;

/**
 * Processes events one after another, with turns of the event loop in between. A mutation may cause events for thousands of
 * streams, and requests must be processed in the meantime. Workspaces take turns, so that none has to wait for all events of another.
 */
export class Turns {
  readonly #clock: () => number;
  /** Waiting tasks by workspace. The first workspace has the next turn. */
  readonly #waiting = new Map<string, Task[]>();
  #isRunning = false;

  /** @param clock returns milliseconds. Default: the clock of the process */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  /** Adds a task and returns its result. Resolves and rejects as the task does. */
  run<T>(workspaceId: string, task: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve) => {
      const tasks = this.#waiting.get(workspaceId) ?? [];
      this.#waiting.set(workspaceId, tasks);
      tasks.push(async () => {
        const done = (async () => task())();
        resolve(done);
        await done.catch(() => undefined);
      });
      if (!this.#isRunning) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#isRunning = true;
    // The request that caused the events gets its response first.
    await turn();
    let began = this.#clock();
    for (let task = this.#take(); task !== null; task = this.#take()) {
      // A task that waits for the store does not block the next ones.
      const waits = await Promise.race([task().then(() => false), turn(true)]);
      if (waits || this.#clock() - began >= SLICE) {
        if (!waits) await turn();
        began = this.#clock();
      }
    }
    this.#isRunning = false;
  }

  #take(): Task | null {
    const [first] = this.#waiting;
    if (first === undefined) return null;
    const [workspaceId, tasks] = first;
    const [task = null] = tasks.splice(0, 1);
    this.#waiting.delete(workspaceId);
    if (tasks.length > 0) this.#waiting.set(workspaceId, tasks);
    return task;
  }
}
