import type { Feed } from '../feed.js';

/**
 * Messages from and to the other workers, by way of the primary. One is on its way when `publish` returns, before the
 * change that it tells of is answered. None that was sent is missed by a worker that lives: the channel keeps their order,
 * and a worker without a channel ends.
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

  /** Takes what the primary relays. */
  receive(message: Message): void {
    for (const listener of this.#listeners) listener(message);
  }
}
