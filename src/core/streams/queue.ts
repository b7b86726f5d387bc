import { Refusal } from '../errors/refusal.js';

/** The number of events that wait for one reader. */
export const MAX_WAITING = 100;

/**
 * The events for one reader. The stream of a reader that is too slow ends with an error. Dropping events instead would go
 * unnoticed.
 */
export class EventQueue<Event> implements AsyncIterableIterator<Event> {
  readonly #onEnd: (overflow: Refusal | null) => void;
  readonly #waiting: Event[] = [];
  #reader: ((event: IteratorResult<Event, undefined>) => void) | null = null;
  #overflow: Refusal | null = null;
  #ended = false;

  /** @param onEnd called once, when no more events are accepted */
  constructor(onEnd: (overflow: Refusal | null) => void) {
    this.#onEnd = onEnd;
  }

  push(event: Event): void {
    if (this.#ended) return;
    const reader = this.#reader;
    this.#reader = null;
    if (reader !== null) reader({ done: false, value: event });
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(event);
    else {
      this.#overflow = overflow();
      this.#waiting.length = 0;
      this.finish();
    }
  }

  /** Accepts no more events. Waiting items are still delivered. Can be called more than once. */
  finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#reader?.({ done: true, value: undefined });
    this.#reader = null;
    this.#onEnd(this.#overflow);
  }

  /**
   * Returns the next event. Call it again only after the promise has settled.
   *
   * @throws {@link Refusal} STREAM_OVERFLOW instead of the events that wait
   */
  async next(): Promise<IteratorResult<Event, undefined>> {
    if (this.#overflow !== null) throw this.#overflow;
    const [event] = this.#waiting.splice(0, 1);
    if (event !== undefined) return { done: false, value: event };
    if (this.#ended) return { done: true, value: undefined };
    return new Promise((resolve) => (this.#reader = resolve));
  }

  async return(): Promise<IteratorResult<Event, undefined>> {
    this.#waiting.length = 0;
    this.finish();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

export function overflow(): Refusal {
  return new Refusal(
    `More than ${MAX_WAITING} events waited for the reader of this stream. Read faster or subscribe to less, then open the stream again and query the current state.`,
    { code: 'STREAM_OVERFLOW', events: MAX_WAITING },
  );
}
