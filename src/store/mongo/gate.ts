import { setTimeout as delay } from 'node:timers/promises';
import { deadline } from '../../deadline.js';
import { StoreUnavailable, Unacknowledged } from '../errors.js';
import { translated, type UniqueNames } from './errors.js';

/**
 * Through which every round trip passes: it ends in time, fails with the store's own errors, and fails at once after
 * close(). A deadline of our own, because with a connection that was handed in the driver's timeouts are its owner's:
 * by default it waits 30 s for a server.
 */
export class Gate {
  /** How long a round trip may take, in ms. */
  readonly timeout: number;
  #open = true;

  constructor(timeout: number) {
    this.timeout = timeout;
  }

  async pass<T>(roundTrip: () => Promise<T>, unique: UniqueNames = {}, timeout = this.timeout): Promise<T> {
    if (!this.#open) throw new StoreUnavailable(new Error('The store is closed.'));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = deadline(timeout, () => reject(new Unacknowledged(new Error(`No answer within ${timeout} ms.`))));
    });
    try {
      return await Promise.race([retried(roundTrip, performance.now() + timeout), late]);
    } catch (error) {
      throw translated(error, unique);
    } finally {
      clearTimeout(timer);
    }
  }

  /** @returns whether it was open. */
  close(): boolean {
    const wasOpen = this.#open;
    this.#open = false;
    return wasOpen;
  }
}

const WRITE_CONFLICT = 112;

/** Longest pauses before a write is repeated, in ms: of the first repetition, doubled with each, and of any. */
const [FIRST_PAUSE, LONGEST_PAUSE] = [16, 250];

/**
 * A write that gave way to another, of which nothing was written. MongoDB itself repeats it; others leave that to us. After a
 * pause by chance: those that got in each other's way would do so again.
 *
 * @param end by performance.now(): nothing is sent after it
 */
async function retried<T>(roundTrip: () => Promise<T>, end: number): Promise<T> {
  for (let longest = FIRST_PAUSE; ; longest = Math.min(2 * longest, LONGEST_PAUSE)) {
    try {
      return await roundTrip();
    } catch (error) {
      const conflict = error instanceof Error && 'code' in error && error.code === WRITE_CONFLICT;
      const pause = Math.random() * longest;
      if (!conflict || performance.now() + pause >= end) throw error;
      await delay(pause);
    }
  }
}
