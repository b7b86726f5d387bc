import type { Change, ChangeFeed } from '../keys/changes.js';
import type { ChangeMade } from './messages.js';

/**
 * Changes of keys from and to the other workers, by way of the primary. A message is on its way when `publish` returns,
 * before the change is answered. None is missed by a worker that lives: the channel keeps their order, and a worker
 * without a channel ends.
 */
export class RemoteChanges implements ChangeFeed {
  readonly #send: (message: ChangeMade) => void;
  readonly #listeners: ((change: Change) => void)[] = [];

  constructor(send: (message: ChangeMade) => void) {
    this.#send = send;
  }

  publish(change: Change): void {
    this.#send({ kind: 'change', change });
  }

  subscribe(listener: (change: Change) => void): void {
    this.#listeners.push(listener);
  }

  /** Takes what the primary relays. */
  receive({ change }: ChangeMade): void {
    for (const listener of this.#listeners) listener(change);
  }
}
