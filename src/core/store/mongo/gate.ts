import { setTimeout as delay } from 'node:timers/promises';
import { deadline } from '../../util/deadline.js';
import { StoreUnavailable, Unacknowledged } from '../storeErrors.js';
import { translated, type UniqueNames } from './driverErrors.js';
import { refusedWrite } from './refusedWrites.js';

interface RoundTripOptions {
  /** Default: no value is unique. */
  readonly unique?: UniqueNames;
  /** In ms. Default: the gate's time limit. */
  readonly timeout?: number | undefined;
  /** Whether it writes. Default: it only reads. */
  readonly isChange?: boolean;
}

/**
 * Bounds every round trip: it ends in time, fails with the store's own errors, and fails immediately after close(). Has
 * its own deadline, because the owner of a connection passed by the caller controls the driver's timeouts: by default
 * the driver waits 30 s for a server.
 */
export class Gate {
  /** Timeout for a round trip, in ms. */
  readonly timeout: number;
  #open = true;
  #refusesChanges = false;

  constructor(timeout: number) {
    this.timeout = timeout;
  }

  /** Whether the server has refused a change, and {@link changesWork} was not called since. */
  get refusesChanges(): boolean {
    return this.#refusesChanges;
  }

  changesWork(): void {
    this.#refusesChanges = false;
  }

  async pass<T>(roundTrip: () => Promise<T>, options: RoundTripOptions = {}): Promise<T> {
    const { unique = {}, timeout = this.timeout, isChange = false } = options;
    if (!this.#open) throw new StoreUnavailable(new Error('The store is closed.'));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = deadline(timeout, () => reject(new Unacknowledged(new Error(`No answer within ${timeout} ms.`))));
    });
    try {
      return await Promise.race([retried(roundTrip, performance.now() + timeout), late]);
    } catch (error) {
      if (isChange && refusedWrite(error) !== null) this.#refusesChanges = true;
      throw translated(error, unique, isChange);
    } finally {
      clearTimeout(timer);
    }
  }

  /** @returns whether it was open */
  close(): boolean {
    const wasOpen = this.#open;
    this.#open = false;
    return wasOpen;
  }
}

const WRITE_CONFLICT = 112;

/**
 * Longest pauses before a write is repeated, in ms: before the first repetition, doubled with each one, and the upper
 * limit.
 */
const [FIRST_PAUSE, LONGEST_PAUSE] = [16, 250];

/**
 * Repeats a write that failed because of a conflict and changed nothing. MongoDB repeats it itself; compatible engines
 * may not. Pauses for a random time, because the writes would otherwise conflict again.
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
