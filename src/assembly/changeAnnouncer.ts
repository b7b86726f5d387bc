import { readChange, type Change, type ChangeFeed } from '../core/keys/changeFeed.js';
import { announcing, EVERYTHING_HERE, type Changeable } from '../core/keys/effects.js';
import type { KeyEvent } from '../core/keys/keyEvent.js';
import type { Callbacks } from '../shared/callbacks.js';

type Listener = (change: Change | null) => void;

/** Announces changes: to the caches and listeners of this process, then to other processes. */
export class ChangeAnnouncer {
  readonly #feed: ChangeFeed | undefined;
  readonly #callbacks: Callbacks;
  readonly #onKeyEvent: ((event: KeyEvent) => void) | undefined;
  readonly #listeners: Listener[] = [];

  constructor(feed: ChangeFeed | undefined, callbacks: Callbacks, onKeyEvent: ((event: KeyEvent) => void) | undefined) {
    this.#feed = feed;
    this.#callbacks = callbacks;
    this.#onKeyEvent = onKeyEvent;
  }

  /** Adds a listener for the changes of all processes. Listeners are called in the order in which they were added. */
  listen(listener: Listener): void {
    this.#listeners.push(listener);
  }

  /** Wraps parts of a store, or the configuration. See {@link announcing}. */
  around<Parts extends Partial<Changeable>>(parts: Parts): Parts {
    return announcing(parts, { stale: (change) => this.#announce(change), event: this.#onKeyEvent });
  }

  /** Starts to receive the changes of other processes. A process can't leave a feed again. */
  subscribe(): void {
    this.#callbacks.call('changes.subscribe', () => this.#feed?.subscribe((change) => this.#tell(readChange(change))));
  }

  #announce(change: Change | typeof EVERYTHING_HERE): void {
    if (change === EVERYTHING_HERE) {
      this.#tell(null);
      return;
    }
    this.#tell(change);
    this.#callbacks.call('changes.publish', () => this.#feed?.publish(change));
  }

  #tell(change: Change | null): void {
    for (const listener of this.#listeners) listener(change);
  }
}
