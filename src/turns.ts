import { performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';

/** For how long events are answered before whatever else waits has its turn, in ms. One that takes longer is alone in its turn. */
const SLICE = 4;

/** Resolves when it is done, and never rejects. */
type Task = () => Promise<void>;

/**
 * Has events answered one after the other, with turns of the event loop between them: one mutation may give rise to events
 * for thousands of streams, and requests go on meanwhile. Workspaces take turns, so that none waits for all of another's.
 */
export class Turns {
  readonly #clock: () => number;
  /** By workspace, the next first. */
  readonly #waiting = new Map<string, Task[]>();
  #isRunning = false;

  /** @param clock in ms. Default: that of the process */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  /** Resolves and rejects as the task does. */
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
    // What gave rise to the events is answered first.
    await turn();
    let began = this.#clock();
    for (let task = this.#take(); task !== null; task = this.#take()) {
      // One that waits for the store does not hold up the others.
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
