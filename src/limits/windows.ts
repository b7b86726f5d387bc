import { blocksFor, Chains } from './chains.js';
import { BURST_WINDOW, RATE_WINDOW, type Room, type WindowRoom } from './window.js';

/** The columns of a row: when it was last brought to the present, and the place of the newest unit in its chain. */
const SEEN = 0;
const NEWEST = 1;
/** For each window a pair: how many units lie in it and, behind that, the place of the oldest of them. */
const RATE = 2;
const BURST = 4;
const OLDEST = 1;
const COLUMNS = 6;

/** A time is held modulo 2^16. */
const SPAN = 65_536;

/**
 * Two exact sliding windows over one history, for each of many families: never more than `rate` units in any 60,000 ms,
 * never more than `burst` in any 1,000 ms, and nothing refused that both allow. A window is (t - length, t]: what was
 * admitted exactly a length ago has left it.
 *
 * A history and not a counter: fixed windows let twice the limit through at their border, and a token bucket or an
 * interpolated counter refuses what the published limit allows or allows what it forbids. `rate` and `burst` come with
 * each call, so that a change of tier acts at once and forgets nothing that was used.
 *
 * Times are integer ms of one clock that never runs back. A unit's is held modulo 2^16, which is exact: whatever is held was
 * younger than a minute when its row was last brought to the present. That moment is held modulo 2^32: a row must be
 * looked at, or copied by `living`, at least every 24 days.
 *
 * A row is where a family's columns begin in the table. It serves for the call in which it was found: a copy has others.
 */
export class Windows {
  readonly #rows = new Map<string, number>();
  readonly #chains: Chains;
  #table: Int32Array;

  /** @param families for how many there is room at first @param blocks the same for `Chains` */
  constructor(families = 0, blocks = 0) {
    this.#chains = new Chains(blocks);
    this.#table = new Int32Array(families * COLUMNS);
  }

  /** Families held. */
  get size(): number {
    return this.#rows.size;
  }

  /** Bytes of the arrays: up to 4 for each unit and 100 for each family; the table of names takes 28 to 56 more for each. */
  get bytes(): number {
    return this.#table.byteLength + this.#chains.bytes;
  }

  /** The family's row, brought to the present; -1 while nothing of it is held. */
  find(family: string, now: number): number {
    const row = this.#rows.get(family);
    if (row === undefined) return -1;
    this.#advance(row, now);
    return row;
  }

  /** A row for a family that has none. */
  add(family: string, now: number): number {
    const count = this.#rows.size;
    const row = count * COLUMNS;
    if (row === this.#table.length) {
      // By an eighth, as the chains: doubling would leave half of a large table unused.
      const table = new Int32Array((count + (count >> 3) + 1) * COLUMNS);
      table.set(this.#table);
      this.#table = table;
    }
    this.#table[row + SEEN] = now;
    this.#rows.set(family, row);
    return row;
  }

  /** Puts `cost` units at the row's present, whatever the limits. */
  take(row: number, cost: number): void {
    const time = this.#get(row + SEEN);
    for (let left = cost; left > 0; left -= 1) this.#put(row, time, true);
  }

  /** Milliseconds until `cost` fits into 60 seconds; 0: it fits now. For a `cost` of at most `limit`. */
  rateWait(row: number, cost: number, limit: number): number {
    return this.#wait(row, RATE, RATE_WINDOW, cost, limit);
  }

  /** The same for one second. */
  burstWait(row: number, cost: number, limit: number): number {
    return this.#wait(row, BURST, BURST_WINDOW, cost, limit);
  }

  /** What both windows have left at the row's present. */
  room(row: number, rate: number, burst: number): Room {
    return { rate: this.#room(row, RATE, RATE_WINDOW, rate), burst: this.#room(row, BURST, BURST_WINDOW, burst) };
  }

  /** A copy that holds what still counts at `now` and has no room for the rest; null if nothing does. */
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
    // Room at once for all that comes: arrays that grow leave garbage, and a collection stops requests for longer than this.
    const copy = new Windows(families, blocks);
    for (const [family, row] of this.#rows) if (this.#get(row + RATE) > 0) copy.#adopt(family, this, row);
    return copy;
  }

  /** Returns each family with the ages of its units in ms, oldest first. */
  held(now: number): readonly (readonly [family: string, ages: readonly number[]])[] {
    return [...this.#rows].map(([family, row]) => {
      this.#advance(row, now);
      const ages: number[] = [];
      let place = this.#get(row + RATE + OLDEST);
      for (let left = this.#get(row + RATE); left > 0; left -= 1, place = this.#chains.after(place)) {
        ages.push(this.#age(row, place));
      }
      return [family, ages] as const;
    });
  }

  #adopt(family: string, from: Windows, old: number): void {
    const row = this.add(family, from.#get(old + SEEN));
    const units = from.#get(old + RATE);
    const past = units - from.#get(old + BURST);
    let place = from.#get(old + RATE + OLDEST);
    for (let index = 0; index < units; index += 1) {
      this.#put(row, from.#chains.at(place), index >= past);
      place = from.#chains.after(place);
    }
  }

  #get(cell: number): number {
    // A cell is in the table by construction; the fallback is for the type alone.
    return this.#table[cell] ?? 0;
  }

  /** Adds a unit behind the others. @param recent whether it lies in the burst as well */
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
    // Modulo 2^32, as the column is.
    const elapsed = (now - this.#get(row + SEEN)) | 0;
    if (elapsed <= 0) return;
    // Ages are read against the old present: against the new one they could be beyond 2^16 and look young again.
    // The burst first: the rate gives back the blocks that units of the burst lie in.
    this.#leave(row, BURST, BURST_WINDOW - elapsed);
    this.#leave(row, RATE, RATE_WINDOW - elapsed);
    this.#table[row + SEEN] = now;
  }

  /** Lets go of the units of this age and above. In one step if all are: a family that comes back pays for no minute. */
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

  /** How long ago a unit was taken, in ms against the row's present. */
  #age(row: number, place: number): number {
    return (this.#get(row + SEEN) - this.#chains.at(place)) & (SPAN - 1);
  }

  #wait(row: number, window: number, length: number, cost: number, limit: number): number {
    const excess = this.#get(row + window) + cost - limit;
    if (excess <= 0) return 0;
    // Units leave oldest first, so the cost fits at the very moment when the last of the excess leaves.
    return length - this.#age(row, this.#chains.ahead(this.#get(row + window + OLDEST), excess - 1));
  }

  #room(row: number, window: number, length: number, limit: number): WindowRoom {
    const used = this.#get(row + window);
    const remaining = Math.max(0, limit - used);
    if (used === 0 || limit < 1) return { limit, remaining, returnsInMs: null };
    return { limit, remaining, returnsInMs: this.#wait(row, window, length, remaining + 1, limit) };
  }
}
