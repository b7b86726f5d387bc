import { Refusal } from '../refusals/refusal.js';

/** Events that wait for one reader. */
export const MAX_WAITING = 100;

/**
 * Events on their way to one reader. Whoever reads too slowly is told so and loses the stream: to drop some events and go
 * on would look like nothing had happened.
 */
export class EventQueue<Event> implements AsyncIterableIterator<Event> {
  readonly #onEnd: () => void;
  readonly #waiting: Event[] = [];
  #reader: ((event: IteratorResult<Event, undefined>) => void) | null = null;
  #overflown = false;
  #ended = false;

  /** @param onEnd called once, when nothing more is taken in */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  push(event: Event): void {
    if (this.#ended) return;
    const reader = this.#reader;
    this.#reader = null;
    if (reader !== null) reader({ done: false, value: event });
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(event);
    else {
      this.#overflown = true;
      this.#end();
    }
  }

  /** To be asked again only once the answer came. @throws Refusal STREAM_OVERFLOW, in place of what was not taken in */
  async next(): Promise<IteratorResult<Event, undefined>> {
    if (this.#overflown) throw overflow();
    const [event] = this.#waiting.splice(0, 1);
    if (event !== undefined) return { done: false, value: event };
    if (this.#ended) return { done: true, value: undefined };
    return new Promise((resolve) => (this.#reader = resolve));
  }

  async return(): Promise<IteratorResult<Event, undefined>> {
    this.#end();
    this.#reader?.({ done: true, value: undefined });
    this.#reader = null;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #end(): void {
    this.#waiting.length = 0;
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
  }
}

function overflow(): Refusal {
  return new Refusal(
    `The stream was read too slowly: more than ${MAX_WAITING} events waited. Read faster, ask for less, or open it anew and query what is now.`,
    { code: 'STREAM_OVERFLOW', events: MAX_WAITING },
  );
}
