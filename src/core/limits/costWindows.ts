import { blocksFor, Chains } from './chains.js';
import { BURST_WINDOW, RATE_WINDOW, type Room, type WindowRoom } from './window.js';
import type { FamilyWindows } from './windows.js';

/** The columns of a row: when it was last updated, and the place of its newest entry. */
const SEEN = 0;
const NEWEST = 1;
/** Three columns for each window: its units, its entries, and the place of its oldest entry. */
const RATE = 2;
const BURST = 5;
const ENTRIES = 1;
const OLDEST = 2;
const COLUMNS = 8;

/** Times are stored in µs. */
const MS = 1_000;

/** Places of an entry: the time and the units. */
const SIZE = 2;

/**
 * Counts cost units in the same windows as `Windows` counts requests. An operation can cost thousands of units, so it
 * stores the time and the units of each admission instead of a time for each unit. Units can be given back.
 */
export class CostWindows implements FamilyWindows {
  readonly #rows = new Map<string, number>();
  readonly #chains: Chains;
  /** Not integers of 32 bits: units that were admitted elsewhere may add up to more. */
  #table: Float64Array;

  /**
   * @param families the initial capacity
   * @param blocks the initial capacity of `Chains`
   */
  constructor(families = 0, blocks = 0) {
    this.#chains = new Chains(blocks);
    this.#table = new Float64Array(families * COLUMNS);
  }

  get size(): number {
    return this.#rows.size;
  }

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
      const table = new Float64Array((count + (count >> 3) + 1) * COLUMNS);
      table.set(this.#table);
      this.#table = table;
    }
    this.#table[row + SEEN] = stored(now);
    this.#rows.set(family, row);
    return row;
  }

  take(row: number, units: number): void {
    this.#put(row, this.#get(row + SEEN), units, true);
  }

  timeOf(row: number): number {
    return this.#get(row + SEEN);
  }

  /** Removes at most `units` of those that were taken at a stored time. */
  giveBack(row: number, at: number, units: number): void {
    const window = this.#ageOf(row, at) < BURST_WINDOW * MS ? BURST : RATE;
    let place = this.#get(row + window + OLDEST);
    let back = units;
    for (let left = this.#get(row + window + ENTRIES); left > 0 && back > 0; left -= 1, place = this.#next(place)) {
      if (this.#chains.at(place) !== at) continue;
      const taken = this.#chains.at(place + 1);
      const given = Math.min(taken, back);
      this.#chains.set(place + 1, taken - given);
      this.#add(row + RATE, -given);
      if (window === BURST) this.#add(row + BURST, -given);
      back -= given;
    }
  }

  rateWait(row: number, units: number, limit: number): number {
    return this.#wait(row, RATE, units, limit);
  }

  burstWait(row: number, units: number, limit: number): number {
    return this.#wait(row, BURST, units, limit);
  }

  room(row: number, rate: number, burst: number): Room {
    return { rate: this.#room(row, RATE, rate), burst: this.#room(row, BURST, burst) };
  }

  living(now: number): CostWindows | null {
    let families = 0;
    let blocks = 0;
    for (let row = 0; row < this.size * COLUMNS; row += COLUMNS) {
      this.#advance(row, now);
      const entries = this.#get(row + RATE + ENTRIES);
      if (entries > 0) families += 1;
      blocks += blocksFor(entries * SIZE);
    }
    if (families === 0) return null;
    const copy = new CostWindows(families, blocks);
    for (const [family, row] of this.#rows) {
      if (this.#get(row + RATE + ENTRIES) > 0) copy.#adopt(family, now, this, row);
    }
    return copy;
  }

  held(now: number): readonly (readonly [family: string, units: readonly number[]])[] {
    return [...this.#rows].map(([family, row]) => {
      this.#advance(row, now);
      const units: number[] = [];
      let place = this.#get(row + RATE + OLDEST);
      for (let left = this.#get(row + RATE + ENTRIES); left > 0; left -= 1, place = this.#next(place)) {
        units.push(this.#age(row, place) / MS, this.#chains.at(place + 1));
      }
      return [family, units] as const;
    });
  }

  #adopt(family: string, now: number, from: CostWindows, old: number): void {
    const row = this.add(family, now);
    const entries = from.#get(old + RATE + ENTRIES);
    const past = entries - from.#get(old + BURST + ENTRIES);
    let place = from.#get(old + RATE + OLDEST);
    for (let index = 0; index < entries; index += 1, place = from.#next(place)) {
      this.#put(row, from.#chains.at(place), from.#chains.at(place + 1), index >= past);
    }
  }

  #get(cell: number): number {
    // The cell always exists. The fallback only satisfies the type checker.
    return this.#table[cell] ?? 0;
  }

  #add(cell: number, by: number): void {
    this.#table[cell] = this.#get(cell) + by;
  }

  #next(place: number): number {
    // The place after the units: entries begin at even places, so both places of one are in the same block.
    return this.#chains.after(place + 1);
  }

  #put(row: number, time: number, units: number, recent: boolean): void {
    const table = this.#table;
    const entries = this.#get(row + RATE + ENTRIES);
    const newest = this.#get(row + NEWEST);
    const place = entries === 0 ? this.#chains.begin(time) : this.#chains.append(newest + 1, time);
    this.#chains.append(place, units);
    table[row + NEWEST] = place;
    if (entries === 0) table[row + RATE + OLDEST] = place;
    this.#add(row + RATE, units);
    this.#add(row + RATE + ENTRIES, 1);
    if (!recent) return;
    if (this.#get(row + BURST + ENTRIES) === 0) table[row + BURST + OLDEST] = place;
    this.#add(row + BURST, units);
    this.#add(row + BURST + ENTRIES, 1);
  }

  #advance(row: number, now: number): void {
    // Modulo 2^32, like the column.
    const elapsed = (stored(now) - this.#get(row + SEEN)) | 0;
    if (elapsed <= 0) return;
    // In this order, for the reasons that `Windows` gives.
    this.#leave(row, BURST, BURST_WINDOW * MS - elapsed);
    this.#leave(row, RATE, RATE_WINDOW * MS - elapsed);
    this.#table[row + SEEN] = stored(now);
  }

  /** Removes entries of this age in µs and above. */
  #leave(row: number, window: number, age: number): void {
    const table = this.#table;
    let entries = this.#get(row + window + ENTRIES);
    if (entries === 0) return;
    const newest = this.#get(row + NEWEST);
    let place = this.#get(row + window + OLDEST);
    if (this.#age(row, newest) >= age) {
      if (window === RATE) this.#chains.release(place, newest);
      table[row + window] = 0;
      table[row + window + ENTRIES] = 0;
      return;
    }
    for (; this.#age(row, place) >= age; entries -= 1) {
      this.#add(row + window, -this.#chains.at(place + 1));
      const oldest = place;
      place = this.#next(place);
      if (window === RATE) this.#chains.behead(oldest + 1);
    }
    table[row + window + ENTRIES] = entries;
    table[row + window + OLDEST] = place;
  }

  /** Returns the age of an entry in µs, relative to the time of the row. */
  #age(row: number, place: number): number {
    return this.#ageOf(row, this.#chains.at(place));
  }

  #ageOf(row: number, time: number): number {
    return (this.#get(row + SEEN) - time) >>> 0;
  }

  #wait(row: number, window: number, units: number, limit: number): number {
    let excess = this.#get(row + window) + units - limit;
    if (excess <= 0) return 0;
    // Entries expire oldest first, so the units fit when the entry with the last excess unit expires.
    let place = this.#get(row + window + OLDEST);
    for (;;) {
      excess -= this.#chains.at(place + 1);
      if (excess <= 0) break;
      place = this.#next(place);
    }
    const length = window === RATE ? RATE_WINDOW : BURST_WINDOW;
    return Math.ceil((length * MS - this.#age(row, place)) / MS);
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
  return Math.floor(ms * MS) >>> 0;
}
