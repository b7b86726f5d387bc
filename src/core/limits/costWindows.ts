import { blocksFor } from './chains.js';
import { FamilyTable, MS, NEWEST, RATE } from './familyTable.js';
import { BURST_WINDOW } from './window.js';

/** Three columns for each window: its units, its entries, and the place of its oldest entry. */
const BURST = 5;
const ENTRIES = 1;
const OLDEST = 2;
const COLUMNS = 8;

/** Places of an entry: the time and the units. */
const SIZE = 2;

/**
 * Counts cost units in the same windows as `Windows` counts requests. An operation can cost thousands of units, so it
 * stores the time and the units of each admission instead of a time for each unit. Units can be given back.
 */
export class CostWindows extends FamilyTable<Float64Array> {
  /**
   * @param families the initial capacity
   * @param blocks the initial capacity of `Chains`
   */
  constructor(families = 0, blocks = 0) {
    // Not integers of 32 bits: units that were admitted elsewhere may add up to more.
    super({ columns: COLUMNS, burst: BURST, create: (length) => new Float64Array(length), families, blocks });
  }

  take(row: number, units: number): void {
    this.#put(row, this.timeOf(row), units, true);
  }

  /** Removes at most `units` of those that were taken at a stored time. */
  giveBack(row: number, at: number, units: number): void {
    const window = this.ageOf(row, at) < BURST_WINDOW * MS ? BURST : RATE;
    let place = this.get(row + window + OLDEST);
    let back = units;
    for (let left = this.get(row + window + ENTRIES); left > 0 && back > 0; left -= 1, place = this.#next(place)) {
      if (this.chains.at(place) !== at) continue;
      const taken = this.chains.at(place + 1);
      const given = Math.min(taken, back);
      this.chains.set(place + 1, taken - given);
      this.#add(row + RATE, -given);
      if (window === BURST) this.#add(row + BURST, -given);
      back -= given;
    }
  }

  living(now: number): CostWindows | null {
    let families = 0;
    let blocks = 0;
    for (let row = 0; row < this.size * COLUMNS; row += COLUMNS) {
      this.advance(row, now);
      const entries = this.get(row + RATE + ENTRIES);
      if (entries > 0) families += 1;
      blocks += blocksFor(entries * SIZE);
    }
    if (families === 0) return null;
    const copy = new CostWindows(families, blocks);
    for (const [family, row] of this.rows) {
      if (this.get(row + RATE + ENTRIES) > 0) copy.#adopt(family, now, this, row);
    }
    return copy;
  }

  held(now: number): readonly (readonly [family: string, units: readonly number[]])[] {
    return [...this.rows].map(([family, row]) => {
      this.advance(row, now);
      const units: number[] = [];
      let place = this.get(row + RATE + OLDEST);
      for (let left = this.get(row + RATE + ENTRIES); left > 0; left -= 1, place = this.#next(place)) {
        units.push(this.age(row, place) / MS, this.chains.at(place + 1));
      }
      return [family, units] as const;
    });
  }

  #adopt(family: string, now: number, from: CostWindows, old: number): void {
    const row = this.add(family, now);
    const entries = from.get(old + RATE + ENTRIES);
    const past = entries - from.get(old + BURST + ENTRIES);
    let place = from.get(old + RATE + OLDEST);
    for (let index = 0; index < entries; index += 1, place = from.#next(place)) {
      this.#put(row, from.chains.at(place), from.chains.at(place + 1), index >= past);
    }
  }

  #add(cell: number, by: number): void {
    this.table[cell] = this.get(cell) + by;
  }

  #next(place: number): number {
    // The place after the units: entries begin at even places, so both places of one are in the same block.
    return this.chains.after(place + 1);
  }

  #put(row: number, time: number, units: number, recent: boolean): void {
    const table = this.table;
    const entries = this.get(row + RATE + ENTRIES);
    const newest = this.get(row + NEWEST);
    const place = entries === 0 ? this.chains.begin(time) : this.chains.append(newest + 1, time);
    this.chains.append(place, units);
    table[row + NEWEST] = place;
    if (entries === 0) table[row + RATE + OLDEST] = place;
    this.#add(row + RATE, units);
    this.#add(row + RATE + ENTRIES, 1);
    if (!recent) return;
    if (this.get(row + BURST + ENTRIES) === 0) table[row + BURST + OLDEST] = place;
    this.#add(row + BURST, units);
    this.#add(row + BURST + ENTRIES, 1);
  }

  /** Removes entries of this age in µs and above. */
  protected leave(row: number, window: number, age: number): void {
    const table = this.table;
    let entries = this.get(row + window + ENTRIES);
    if (entries === 0) return;
    const newest = this.get(row + NEWEST);
    let place = this.get(row + window + OLDEST);
    if (this.age(row, newest) >= age) {
      if (window === RATE) this.chains.release(place, newest);
      table[row + window] = 0;
      table[row + window + ENTRIES] = 0;
      return;
    }
    for (; this.age(row, place) >= age; entries -= 1) {
      this.#add(row + window, -this.chains.at(place + 1));
      const oldest = place;
      place = this.#next(place);
      if (window === RATE) this.chains.behead(oldest + 1);
    }
    table[row + window + ENTRIES] = entries;
    table[row + window + OLDEST] = place;
  }

  protected placeOf(row: number, window: number, excess: number): number {
    let place = this.get(row + window + OLDEST);
    let left = excess - this.chains.at(place + 1);
    while (left > 0) {
      place = this.#next(place);
      left -= this.chains.at(place + 1);
    }
    return place;
  }
}
