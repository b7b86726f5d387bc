/** The sources of the subscriptions, which record when they are opened and ended. */
export class Sources {
  /** Names of the sources that were opened, in order. */
  readonly opened: string[] = [];
  ended = 0;
  readonly #waiting = new Set<() => void>();
  #events = 0;

  /** Returns the definition of a field of a subscription. Each call of {@link emit} is an event. */
  field(name: string): object {
    return { subscribe: () => this.#open(name) };
  }

  /** Sends an event to every open source. */
  emit(): void {
    this.#events += 1;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #open(name: string): AsyncIterableIterator<Record<string, string>> {
    this.opened.push(name);
    const waiting = this.#waiting;
    let isOver = false;
    let wake: (() => void) | undefined;
    const text = () => `${name} ${this.#events}`;
    const end = () => {
      if (!isOver) this.ended += 1;
      isOver = true;
      wake?.();
    };
    return {
      async next() {
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (isOver) resolve();
          else waiting.add(resolve);
        });
        return isOver ? { done: true, value: undefined } : { done: false, value: { [name]: text() } };
      },
      async return() {
        end();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }
}
