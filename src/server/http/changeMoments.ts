import type { Assembly } from '../../assembly/assembly.js';

/**
 * Numbers the moments of this process. The number changes when a change of a key is announced, and with each turn of
 * the event loop in which it was read. So if it is still the same, the caller can't have waited in between, and no key
 * was revoked.
 */
export class Moments {
  #now = 0;
  #isTurnWatched = false;

  constructor(latchkey: Pick<Assembly, 'onChange'>) {
    latchkey.onChange(() => void (this.#now += 1));
  }

  get now(): number {
    if (!this.#isTurnWatched) {
      this.#isTurnWatched = true;
      // One callback for all requests of a turn.
      setImmediate(() => {
        this.#isTurnWatched = false;
        this.#now += 1;
      });
    }
    return this.#now;
  }
}
