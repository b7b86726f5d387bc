import { EventQueue } from '../../core/streams/queue.js';

/** Mercurius's own publisher, or the option `subscription.pubsub`. */
interface Publisher {
  subscribe(topic: string, queue: TopicQueue, ...own: readonly unknown[]): unknown;
  publish(event: object, done: (error?: unknown) => void): unknown;
}

/** The events of one operation's topics. It has what a publisher uses of Mercurius's queue. */
class TopicQueue implements AsyncIterableIterator<unknown> {
  /** Publishers add the functions that leave their topics. */
  readonly close: (() => unknown)[] = [];
  readonly #events: EventQueue<unknown>;
  #hasEnded = false;

  constructor() {
    this.#events = new EventQueue(() => this.#end());
  }

  get destroyed(): boolean {
    return this.#hasEnded;
  }

  get readableEnded(): boolean {
    return this.#hasEnded;
  }

  /** @param event null if there are no more */
  push(event: unknown): boolean {
    if (event === null) this.#events.finish();
    else this.#events.push(event);
    return !this.#hasEnded;
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    return this.#events.next();
  }

  return(): Promise<IteratorResult<unknown, undefined>> {
    return this.#events.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Leaves the topics that were added since the end. */
  leave(): void {
    for (const close of this.close.splice(0)) close();
  }

  #end(): void {
    this.#hasEnded = true;
    this.leave();
  }
}

/**
 * The `pubsub` in the context of an operation over a WebSocket, with Mercurius's interface. It leaves its topics when the operation
 * ends, even if a resolver, such as the one of `withFilter`, is waiting for the next event.
 */
export class OperationPubSub {
  readonly #publisher: Publisher;
  readonly #report: (error: unknown) => void;
  readonly #queue = new TopicQueue();

  /** @param report logs an error of publishing, which Mercurius doesn't pass on either */
  constructor(publisher: Publisher, report: (error: unknown) => void) {
    this.#publisher = publisher;
    this.#report = report;
  }

  /** Returns the events of the topics. @param own additional arguments for the publisher */
  async subscribe(topics: string | readonly string[], ...own: readonly unknown[]): Promise<TopicQueue> {
    for (const topic of [topics].flat()) await this.#publisher.subscribe(topic, this.#queue, ...own);
    // The operation may have ended before the publisher was ready.
    if (this.#queue.destroyed) this.#queue.leave();
    return this.#queue;
  }

  /** Never rejects. */
  async publish(event: object): Promise<void> {
    try {
      await new Promise<void>((resolve, reject) => {
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- The publisher's own error, to be logged.
        this.#publisher.publish(event, (error) => (error == null ? resolve() : reject(error)));
      });
    } catch (error) {
      this.#report(error);
    }
  }

  close(): void {
    void this.#queue.return();
  }
}
