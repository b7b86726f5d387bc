import type { Refusal } from '../errors/refusal.js';
import { DONE, ResultGenerator, type Step } from './resultGenerator.js';
import type { Sink } from './stream.js';
import type { Reader, WaitingBytes } from './waitingBytes.js';

/**
 * The results of a subscription for a GraphQL server that sends them itself. The next event is executed when the server
 * reads the next result, so a slow reader has at most one result, and a bounded number of waiting events.
 */
export class ResultStream extends ResultGenerator implements Sink<object>, Reader {
  readonly workspaceId: string;
  readonly #leave: () => void;
  readonly #queue: object[] = [];
  #reader: ((step: Step) => void) | null = null;
  #isEnding = false;
  #askedAt = performance.now();
  #events = (): number => 0;
  #onRoom = (): void => undefined;
  #onOverflow = (_refusal: Refusal): void => undefined;
  #onReturn = (): void => undefined;

  constructor(workspaceId: string, waiting: WaitingBytes) {
    super();
    this.workspaceId = workspaceId;
    this.#leave = waiting.join(this);
  }

  get hasRoom(): boolean {
    return this.#isEnding || this.#reader !== null;
  }

  get messages(): number {
    return this.#queue.length;
  }

  get isEnding(): boolean {
    return this.#isEnding;
  }

  get waiting(): number {
    return this.#events();
  }

  get stalledFor(): number {
    return this.#reader === null ? performance.now() - this.#askedAt : 0;
  }

  send(result: object): void {
    if (this.#isEnding) return;
    if (this.#reader === null) this.#queue.push(result);
    else this.#give({ done: false, value: result });
  }

  onRoom(listener: () => void): void {
    this.#onRoom = listener;
  }

  onOverflow(listener: (refusal: Refusal) => void, events: () => number): void {
    this.#onOverflow = listener;
    this.#events = events;
  }

  /** @param listener called if the server stops reading before the end */
  onReturn(listener: () => void): void {
    this.#onReturn = listener;
  }

  /** The server's transport has its own heartbeats. */
  beat(): void {
    // Nothing to send.
  }

  complete(last: object | null): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#events = () => 0;
    this.#leave();
    this.#queue.length = 0;
    if (last !== null) this.#queue.push(last);
    if (this.#reader !== null) this.#give(this.#step());
  }

  overflow(refusal: Refusal): void {
    this.#onOverflow(refusal);
  }

  /** Nothing is buffered here except the last result, which has replaced earlier ones. */
  destroy(): void {
    this.#queue.length = 0;
  }

  next(): Promise<Step> {
    if (this.#queue.length > 0 || this.#isEnding) return Promise.resolve(this.#step());
    return new Promise((resolve) => {
      this.#reader = resolve;
      this.#askedAt = performance.now();
      this.#onRoom();
    });
  }

  return(): Promise<Step> {
    this.#onReturn();
    this.complete(null);
    this.#queue.length = 0;
    return Promise.resolve(DONE);
  }

  #step(): Step {
    const result = this.#queue.shift();
    return result === undefined ? DONE : { done: false, value: result };
  }

  #give(step: Step): void {
    const reader = this.#reader;
    this.#reader = null;
    this.#askedAt = performance.now();
    reader?.(step);
  }
}
