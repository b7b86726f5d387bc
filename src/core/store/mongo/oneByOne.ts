/** Runs the tasks of each workspace one after another, in the order of the calls. */
export class OneByOne {
  /** The last task by workspace, while tasks run. */
  readonly #last = new Map<string, Promise<unknown>>();

  async run<T>(workspaceId: string, task: () => Promise<T>): Promise<T> {
    const before = this.#last.get(workspaceId);
    const running = before === undefined ? task() : before.then(task, task);
    this.#last.set(workspaceId, running);
    try {
      return await running;
    } finally {
      if (this.#last.get(workspaceId) === running) this.#last.delete(workspaceId);
    }
  }
}
