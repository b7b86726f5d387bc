import { setImmediate as nextTurn } from 'node:timers';

/**
 * The fields of lists that one operation completes in one turn of the event loop: at most about 50 ms. A page of 100
 * entries with 49 fields fits, so that its loaders read everything at once.
 */
export const FIELDS_PER_TURN = 5_000;

interface Waiting {
  readonly fields: number;
  readonly resume: () => void;
}

/**
 * Spreads the lists of one operation over turns of the event loop, so that other requests don't have to wait for all of them.
 * The executor completes a list within one turn, and therefore large lists wait for a later turn. This also helps to
 * refuse an operation early: lists that wait are already counted, but their entries are not completed.
 */
export class Pace {
  #used = 0;
  #isOpen: boolean;
  #isScheduled = false;
  #waiting: Waiting[] = [];

  /** @param isOpen whether nothing is waiting */
  constructor(isOpen = false) {
    this.#isOpen = isOpen;
  }

  /** Returns a promise that resolves in a later turn; null if there is room in this turn. */
  wait(fields: number): Promise<void> | null {
    const fits = this.#waiting.length === 0 && (this.#used === 0 || this.#used + fields <= FIELDS_PER_TURN);
    if (this.#isOpen || fits) {
      this.#used += fields;
      return null;
    }
    return new Promise((resume) => {
      this.#waiting.push({ fields, resume });
      this.#schedule();
    });
  }

  /** Resumes all waiting work. For operations that are refused: nothing of them is completed. */
  open(): void {
    this.#isOpen = true;
    for (const { resume } of this.#waiting.splice(0)) resume();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    nextTurn(() => {
      this.#isScheduled = false;
      this.#resume();
    });
  }

  #resume(): void {
    this.#used = 0;
    let count = 0;
    for (const { fields, resume } of this.#waiting) {
      if (this.#used > 0 && this.#used + fields > FIELDS_PER_TURN) break;
      this.#used += fields;
      count += 1;
      resume();
    }
    this.#waiting = this.#waiting.slice(count);
    if (this.#waiting.length > 0) this.#schedule();
  }
}
