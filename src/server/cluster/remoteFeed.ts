import type { Feed } from '../../core/util/feed.js';

/**
 * Messages between workers, relayed by the primary. A message has been sent when `publish` returns, before the response to the
 * change. A running worker misses no message: the channel preserves their order, and a worker without a channel exits.
 */
export class RemoteFeed<Message> implements Feed<Message> {
  readonly #send: (message: Message) => void;
  readonly #listeners: ((message: Message) => void)[] = [];

  /** @param send to the primary; must neither wait nor throw */
  constructor(send: (message: Message) => void) {
    this.#send = send;
  }

  publish(message: Message): void {
    this.#send(message);
  }

  subscribe(listener: (message: Message) => void): void {
    this.#listeners.push(listener);
  }

  /** Handles a message that the primary relays. */
  receive(message: Message): void {
    for (const listener of this.#listeners) listener(message);
  }
}
