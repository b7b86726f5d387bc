import { blocksFor } from './chains.js';
import { FamilyTable, MS, NEWEST, RATE } from './familyTable.js';

/** Two columns for each window: the number of units in it, and the place of the oldest one. */
const BURST = 4;
const OLDEST = 1;
const COLUMNS = 6;

/**
 * Counts many families in two exact sliding windows each: at most `rate` units in any 60,000 ms and at most `burst` in
 * any 1,000 ms. It rejects nothing that both allow. A window is (t - length, t], so a unit that is exactly one length
 * old no longer counts.
 *
 * It stores the time of every unit instead of a counter. Fixed windows admit twice the limit around their border, and a
 * token bucket or an interpolated counter deviates from the published limit in both directions. `rate` and `burst` are
 * arguments, so that a change of tier applies immediately and keeps the usage.
 *
 * The arrays take up to 8 bytes per unit and 130 per family. The table of names takes another 28 to 56 per family.
 */
export class Windows extends FamilyTable<Int32Array> {
  /**
   * @param families the initial capacity
   * @param blocks the initial capacity of `Chains`
   */
  constructor(families = 0, blocks = 0) {
    super({ columns: COLUMNS, burst: BURST, create: (length) => new Int32Array(length), families, blocks });
  }

  take(row: number, cost: number): void {
    const time = this.timeOf(row);
    for (let left = cost; left > 0; left -= 1) this.#put(row, time, true);
  }

  living(now: number): Windows | null {
    let families = 0;
    let blocks = 0;
    for (let row = 0; row < this.size * COLUMNS; row += COLUMNS) {
      this.advance(row, now);
      const units = this.get(row + RATE);
      if (units > 0) families += 1;
      blocks += blocksFor(units);
    }
    if (families === 0) return null;
    // Allocated at once, because arrays that grow leave garbage, and collecting that stops requests for longer than the
    // copying.
    const copy = new Windows(families, blocks);
    for (const [family, row] of this.rows) if (this.get(row + RATE) > 0) copy.#adopt(family, now, this, row);
    return copy;
  }

  held(now: number): readonly (readonly [family: string, units: readonly number[]])[] {
    return [...this.rows].map(([family, row]) => {
      this.advance(row, now);
      const units: number[] = [];
      let place = this.get(row + RATE + OLDEST);
      for (let left = this.get(row + RATE); left > 0; left -= 1, place = this.chains.after(place)) {
        units.push(this.age(row, place) / MS, 1);
      }
      return [family, units] as const;
    });
  }

  #adopt(family: string, now: number, from: Windows, old: number): void {
    const row = this.add(family, now);
    const units = from.get(old + RATE);
    const past = units - from.get(old + BURST);
    let place = from.get(old + RATE + OLDEST);
    for (let index = 0; index < units; index += 1) {
      this.#put(row, from.chains.at(place), index >= past);
      place = from.chains.after(place);
    }
  }

  /**
   * Appends a unit.
   *
   * @param recent whether it counts in the burst window too
   */
  #put(row: number, time: number, recent: boolean): void {
    const table = this.table;
    const used = this.get(row + RATE);
    const place = used === 0 ? this.chains.begin(time) : this.chains.append(this.get(row + NEWEST), time);
    table[row + NEWEST] = place;
    table[row + RATE] = used + 1;
    if (used === 0) table[row + RATE + OLDEST] = place;
    if (!recent) return;
    const units = this.get(row + BURST);
    table[row + BURST] = units + 1;
    if (units === 0) table[row + BURST + OLDEST] = place;
  }

  /**
   * Removes units of this age in µs and above. Takes one step if all of them are, so that a family that returns after a pause
   * costs nothing extra.
   */
  protected leave(row: number, window: number, age: number): void {
    let units = this.get(row + window);
    if (units === 0) return;
    const newest = this.get(row + NEWEST);
    let place = this.get(row + window + OLDEST);
    if (this.age(row, newest) >= age) {
      if (window === RATE) this.chains.release(place, newest);
      units = 0;
    } else {
      for (; this.age(row, place) >= age; units -= 1) {
        place = window === RATE ? this.chains.behead(place) : this.chains.after(place);
      }
    }
    this.table[row + window] = units;
    this.table[row + window + OLDEST] = place;
  }

  protected placeOf(row: number, window: number, excess: number): number {
    return this.chains.ahead(this.get(row + window + OLDEST), excess - 1);
  }
}
