import { Chains } from './chains.js';
import { BURST_WINDOW, RATE_WINDOW, type Room, type WindowRoom } from './window.js';

/**
 * The usage of many families. A row is the index at which the columns of a family begin. It is only valid during the call
 * that found it, because copies have different rows.
 */
export interface FamilyWindows {
  /** The number of families. */
  readonly size: number;
  /** The size of the arrays in bytes. */
  readonly bytes: number;
  /** Returns the row of a family and updates it to `now`; -1 if nothing is stored. */
  find(family: string, now: number): number;
  /** Returns whether both windows are certain to have room for a unit. Uses the counts of the last update, which can only have fallen since. */
  hasRoom(family: string, rate: number, burst: number): boolean;
  /** Adds a row for a family that has none. */
  add(family: string, now: number): number;
  /** Counts an amount at the time of the row, regardless of the limits. */
  take(row: number, amount: number): void;
  /** Returns the time of the row, as stored. */
  timeOf(row: number): number;
  /**
   * Returns the time until `amount` fits into the last 60 seconds, in ms; 0 if it fits now. `amount` must not exceed `limit`.
   */
  rateWait(row: number, amount: number, limit: number): number;
  /** Returns the number of units in the last second. */
  burstWait(row: number, amount: number, limit: number): number;
  /** Returns the room in both windows at the time of the row. */
  room(row: number, rate: number, burst: number): Room;
  /** Returns a copy with only the units that still count at `now`; null if there are none. */
  living(now: number): FamilyWindows | null;
  /** Returns each family with its units, oldest first: pairs of an age in ms and a number of units. */
  held(now: number): readonly (readonly [family: string, units: readonly number[]])[];
}

/** The first columns of a row: when it was last updated, and the place of its newest entry. The columns of the windows follow. */
const SEEN = 0;
export const NEWEST = 1;
/** The first column of the rate window: the number of units in it. */
export const RATE = 2;

/** Times are stored in µs. */
export const MS = 1_000;

/** The columns of a table, and the array that stores them. */
interface Layout<Table> {
  /** The number of columns of a row. */
  readonly columns: number;
  /** The first column of the burst window: the number of units in it. */
  readonly burst: number;
  readonly create: (length: number) => Table;
  /** The initial capacity in families. */
  readonly families: number;
  /** The initial capacity of `Chains`. */
  readonly blocks: number;
}

/**
 * The rows of many families in one array, with the entries of their windows in `Chains`.
 *
 * Times are ms of one clock that never goes backwards, and may have fractions. They are stored in µs: with whole ms, a
 * unit taken at 0.9 ms would leave its second at 1,000 ms, after 999.1 ms. They are stored modulo 2^32, so a row must be
 * read, or copied by `living`, at least every 35 minutes.
 */
export abstract class FamilyTable<Table extends Int32Array | Float64Array> implements FamilyWindows {
  protected readonly rows = new Map<string, number>();
  protected readonly chains: Chains;
  protected table: Table;
  readonly #columns: number;
  readonly #burst: number;
  readonly #create: (length: number) => Table;

  protected constructor({ columns, burst, create, families, blocks }: Layout<Table>) {
    this.chains = new Chains(blocks);
    this.table = create(families * columns);
    this.#columns = columns;
    this.#burst = burst;
    this.#create = create;
  }

  get size(): number {
    return this.rows.size;
  }

  get bytes(): number {
    return this.table.byteLength + this.chains.bytes;
  }

  find(family: string, now: number): number {
    const row = this.rows.get(family);
    if (row === undefined) return -1;
    this.advance(row, now);
    return row;
  }

  add(family: string, now: number): number {
    const count = this.rows.size;
    const row = count * this.#columns;
    if (row === this.table.length) {
      // Grows by an eighth, as Chains does: doubling would leave half of a large table unused.
      const table = this.#create((count + (count >> 3) + 1) * this.#columns);
      table.set(this.table);
      this.table = table;
    }
    this.table[row + SEEN] = stored(now);
    this.rows.set(family, row);
    return row;
  }

  hasRoom(family: string, rate: number, burst: number): boolean {
    const row = this.rows.get(family);
    if (row === undefined) return rate > 0 && burst > 0;
    return this.get(row + RATE) < rate && this.get(row + this.#burst) < burst;
  }

  timeOf(row: number): number {
    return this.get(row + SEEN);
  }

  rateWait(row: number, amount: number, limit: number): number {
    return this.#wait(row, RATE, amount, limit);
  }

  burstWait(row: number, amount: number, limit: number): number {
    return this.#wait(row, this.#burst, amount, limit);
  }

  room(row: number, rate: number, burst: number): Room {
    return { rate: this.#room(row, RATE, rate), burst: this.#room(row, this.#burst, burst) };
  }

  abstract take(row: number, amount: number): void;
  abstract living(now: number): FamilyTable<Table> | null;
  abstract held(now: number): readonly (readonly [family: string, units: readonly number[]])[];

  /** Removes the entries of a window that have this age in µs or a higher one. */
  protected abstract leave(row: number, window: number, age: number): void;
  /** Returns the place of the entry whose expiry makes room for `excess` units, at least 1. */
  protected abstract placeOf(row: number, window: number, excess: number): number;

  protected get(cell: number): number {
    // The cell always exists. The fallback only satisfies the type checker.
    return this.table[cell] ?? 0;
  }

  /** Updates a row to `now`. */
  protected advance(row: number, now: number): void {
    // Modulo 2^32, like the column.
    const elapsed = (stored(now) - this.get(row + SEEN)) | 0;
    if (elapsed <= 0) return;
    // Ages are computed from the old time of the row: relative to the new one they could exceed 2^32 and wrap around.
    // The burst comes first, because the rate releases blocks that also contain entries of the burst.
    this.leave(row, this.#burst, BURST_WINDOW * MS - elapsed);
    this.leave(row, RATE, RATE_WINDOW * MS - elapsed);
    this.table[row + SEEN] = stored(now);
  }

  /** Returns the age of an entry in µs, relative to the time of the row. */
  protected age(row: number, place: number): number {
    return this.ageOf(row, this.chains.at(place));
  }

  /** Returns the age of a stored time in µs, relative to the time of the row. */
  protected ageOf(row: number, time: number): number {
    return (this.get(row + SEEN) - time) >>> 0;
  }

  /** Entries expire oldest first. */
  #wait(row: number, window: number, amount: number, limit: number): number {
    const excess = this.get(row + window) + amount - limit;
    if (excess <= 0) return 0;
    const length = window === RATE ? RATE_WINDOW : BURST_WINDOW;
    return Math.ceil((length * MS - this.age(row, this.placeOf(row, window, excess))) / MS);
  }

  #room(row: number, window: number, limit: number): WindowRoom {
    const used = this.get(row + window);
    const remaining = Math.max(0, limit - used);
    if (used === 0 || limit < 1) return { limit, remaining, returnsInMs: null };
    return { limit, remaining, returnsInMs: this.#wait(row, window, remaining + 1, limit) };
  }
}

/** Returns the stored form of a time in ms. Rounded down, so that a later time is never stored as an earlier one. */
function stored(ms: number): number {
  return Math.floor(ms * MS) >>> 0;
}
