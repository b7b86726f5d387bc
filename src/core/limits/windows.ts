import { blocksFor, Chains } from './chains.js';
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
  /** Adds a row for a family that has none. */
  add(family: string, now: number): number;
  /** Counts an amount at the time of the row, regardless of the limits. */
  take(row: number, amount: number): void;
  /** Returns the time of the row, as stored. */
  timeOf(row: number): number;
  /**
   * Returns the time until `amount` fits into the last 60 seconds, in ms; 0: it fits now. `amount` must not exceed `limit`.
   */
  rateWait(row: number, amount: number, limit: number): number;
  /** Returns the same for the last second. */
  burstWait(row: number, amount: number, limit: number): number;
  /** Returns what is left in both windows at the time of the row. */
  room(row: number, rate: number, burst: number): Room;
  /** Returns a copy with only the units that still count at `now`; null if there are none. */
  living(now: number): FamilyWindows | null;
  /** Returns each family with its units, oldest first: pairs of an age in ms and a number of units. */
  held(now: number): readonly (readonly [family: string, units: readonly number[]])[];
}

/** The columns of a row: when it was last updated, and the place of its newest unit. */
const SEEN = 0;
const NEWEST = 1;
/** Two columns for each window: the number of units in it, and the place of the oldest one. */
const RATE = 2;
const BURST = 4;
const OLDEST = 1;
const COLUMNS = 6;

/** Times are stored in µs. */
const MS = 1_000;

/**
 * Counts many families in two exact sliding windows each: at most `rate` units in any 60,000 ms and at most `burst` in
 * any 1,000 ms. It rejects nothing that both allow. A window is (t - length, t], so a unit that is exactly one length
 * old no longer counts.
 *
 * It stores the time of every unit instead of a counter. Fixed windows admit twice the limit around their border, and a
 * token bucket or an interpolated counter deviates from the published limit in both directions. `rate` and `burst` are
 * arguments, so that a change of tier applies immediately and keeps the usage.
 *
 * Times are ms of one clock that never goes backwards, and may have fractions. They are stored in µs: with whole ms, a
 * unit taken at 0.9 ms would leave its second at 1,000 ms, after 999.1 ms. They are stored modulo 2^32, so a row must be
 * read, or copied by `living`, at least every 35 minutes.
 */
export class Windows implements FamilyWindows {
  readonly #rows = new Map<string, number>();
  readonly #chains: Chains;
  #table: Int32Array;

  /**
   * @param families the initial capacity
   * @param blocks the initial capacity of `Chains`
   */
  constructor(families = 0, blocks = 0) {
    this.#chains = new Chains(blocks);
    this.#table = new Int32Array(families * COLUMNS);
  }

  get size(): number {
    return this.#rows.size;
  }

  /**
   * The size of the arrays in bytes: up to 8 per unit and 130 per family. The table of names takes another 28 to 56 per
   * family.
   */
  get bytes(): number {
    return this.#table.byteLength + this.#chains.bytes;
  }

  find(family: string, now: number): number {
    const row = this.#rows.get(family);
    if (row === undefined) return -1;
    this.#advance(row, now);
    return row;
  }

  add(family: string, now: number): number {
    const count = this.#rows.size;
    const row = count * COLUMNS;
    if (row === this.#table.length) {
      // Grows by an eighth, as Chains does: doubling would leave half of a large table unused.
      const table = new Int32Array((count + (count >> 3) + 1) * COLUMNS);
      table.set(this.#table);
      this.#table = table;
    }
    this.#table[row + SEEN] = stored(now);
    this.#rows.set(family, row);
    return row;
  }

  take(row: number, cost: number): void {
    const time = this.#get(row + SEEN);
    for (let left = cost; left > 0; left -= 1) this.#put(row, time, true);
  }

  timeOf(row: number): number {
    return this.#get(row + SEEN);
  }

  rateWait(row: number, cost: number, limit: number): number {
    return this.#wait(row, RATE, cost, limit);
  }

  burstWait(row: number, cost: number, limit: number): number {
    return this.#wait(row, BURST, cost, limit);
  }

  room(row: number, rate: number, burst: number): Room {
    return { rate: this.#room(row, RATE, rate), burst: this.#room(row, BURST, burst) };
  }

  living(now: number): Windows | null {
    let families = 0;
    let blocks = 0;
    for (let row = 0; row < this.size * COLUMNS; row += COLUMNS) {
      this.#advance(row, now);
      const units = this.#get(row + RATE);
      if (units > 0) families += 1;
      blocks += blocksFor(units);
    }
    if (families === 0) return null;
    // Allocated at once, because arrays that grow leave garbage, and collecting that stops requests for longer than the
    // copying.
    const copy = new Windows(families, blocks);
    for (const [family, row] of this.#rows) if (this.#get(row + RATE) > 0) copy.#adopt(family, now, this, row);
    return copy;
  }

  held(now: number): readonly (readonly [family: string, units: readonly number[]])[] {
    return [...this.#rows].map(([family, row]) => {
      this.#advance(row, now);
      const units: number[] = [];
      let place = this.#get(row + RATE + OLDEST);
      for (let left = this.#get(row + RATE); left > 0; left -= 1, place = this.#chains.after(place)) {
        units.push(this.#age(row, place) / MS, 1);
      }
      return [family, units] as const;
    });
  }

  #adopt(family: string, now: number, from: Windows, old: number): void {
    const row = this.add(family, now);
    const units = from.#get(old + RATE);
    const past = units - from.#get(old + BURST);
    let place = from.#get(old + RATE + OLDEST);
    for (let index = 0; index < units; index += 1) {
      this.#put(row, from.#chains.at(place), index >= past);
      place = from.#chains.after(place);
    }
  }

  #get(cell: number): number {
    // The cell always exists. The fallback only satisfies the type checker.
    return this.#table[cell] ?? 0;
  }

  /**
   * Appends a unit.
   *
   * @param recent whether it counts in the burst window too
   */
  #put(row: number, time: number, recent: boolean): void {
    const table = this.#table;
    const used = this.#get(row + RATE);
    const place = used === 0 ? this.#chains.begin(time) : this.#chains.append(this.#get(row + NEWEST), time);
    table[row + NEWEST] = place;
    table[row + RATE] = used + 1;
    if (used === 0) table[row + RATE + OLDEST] = place;
    if (!recent) return;
    const units = this.#get(row + BURST);
    table[row + BURST] = units + 1;
    if (units === 0) table[row + BURST + OLDEST] = place;
  }

  #advance(row: number, now: number): void {
    // Modulo 2^32, like the column.
    const elapsed = (stored(now) - this.#get(row + SEEN)) | 0;
    if (elapsed <= 0) return;
    // Ages are computed from the old time of the row: relative to the new one they could exceed 2^32 and wrap around.
    // The burst comes first, because the rate releases blocks that also contain units of the burst.
    this.#leave(row, BURST, BURST_WINDOW * MS - elapsed);
    this.#leave(row, RATE, RATE_WINDOW * MS - elapsed);
    this.#table[row + SEEN] = stored(now);
  }

  /**
   * Removes units of this age in µs and above. Takes one step if all of them are, so that a family that returns after a pause
   * costs nothing extra.
   */
  #leave(row: number, window: number, age: number): void {
    let units = this.#get(row + window);
    if (units === 0) return;
    const newest = this.#get(row + NEWEST);
    let place = this.#get(row + window + OLDEST);
    if (this.#age(row, newest) >= age) {
      if (window === RATE) this.#chains.release(place, newest);
      units = 0;
    } else {
      for (; this.#age(row, place) >= age; units -= 1) {
        place = window === RATE ? this.#chains.behead(place) : this.#chains.after(place);
      }
    }
    this.#table[row + window] = units;
    this.#table[row + window + OLDEST] = place;
  }

  /** Returns the age of a unit in µs, relative to the time of the row. */
  #age(row: number, place: number): number {
    return (this.#get(row + SEEN) - this.#chains.at(place)) >>> 0;
  }

  #wait(row: number, window: number, cost: number, limit: number): number {
    const excess = this.#get(row + window) + cost - limit;
    if (excess <= 0) return 0;
    // Units expire oldest first, so the cost fits when the last excess unit expires.
    const length = window === RATE ? RATE_WINDOW : BURST_WINDOW;
    const age = this.#age(row, this.#chains.ahead(this.#get(row + window + OLDEST), excess - 1));
    return Math.ceil((length * MS - age) / MS);
  }

  #room(row: number, window: number, limit: number): WindowRoom {
    const used = this.#get(row + window);
    const remaining = Math.max(0, limit - used);
    if (used === 0 || limit < 1) return { limit, remaining, returnsInMs: null };
    return { limit, remaining, returnsInMs: this.#wait(row, window, remaining + 1, limit) };
  }
}

/** Returns the stored form of a time in ms. Rounded down, so that a later time is never stored as an earlier one. */
function stored(ms: number): number {
  return Math.floor(ms * MS) | 0;
}
