import type { KeyEvent } from './keyEvent.js';

/** Tells listeners about events of keys: the user's function, and the streams of a mounted administration API. */
export class KeyEventListeners {
  readonly #listeners: ((event: KeyEvent) => void)[] = [];

  /** Whether there is a listener. Otherwise events of use need not be looked for. */
  get areHeard(): boolean {
    return this.#listeners.length > 0;
  }

  /** @param listener must not throw */
  listen(listener: (event: KeyEvent) => void): void {
    this.#listeners.push(listener);
  }

  readonly tell = (event: KeyEvent): void => {
    for (const listener of this.#listeners) listener(event);
  };
}
