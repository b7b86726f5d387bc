import type { BalanceRecord, CounterRecord, Leased, QuotaStore, Threshold } from '../store/quotaStore.js';
import { Counter, resetsAt } from './counter.js';
import { Leaser } from './leaser.js';
import type { Meter } from './quotaMeter.js';
import type { Amounts, MeterState, Taken, TooFew } from './meterState.js';
import { periodOf } from './period.js';

/** The maximum number of counters in memory. The ones that were unused for longest are removed first. */
const MAX_COUNTERS = 50_000;
/** The maximum number of records that are read with one call of the store. */
const READ_AT_ONCE = 1_000;
/** How long a record that was read is shown again, in ms. */
const SHOWN_FOR = 1_000;
/** The maximum number of records that are kept for it. */
const MAX_SHOWN = 10_000;
/** The maximum number of times that the states of meters are read, if units are leased in the meantime. */
const READS = 3;
/** Counters that are unused for this long to twice as long return their units, in ms. */
const IDLE = 15_000;

export interface MetersOptions {
  readonly store: Pick<QuotaStore, 'lease' | 'giveBack' | 'counters' | 'balances'>;
  readonly now: () => number;
  /** Called once for each threshold of a quota in a period. */
  readonly onThreshold?: ((meter: Meter, percent: Threshold, resetsAt: number) => void) | undefined;
  /** Default: {@link MAX_COUNTERS} */
  readonly maxCounters?: number;
}

/** The records of meters in the store. Meters without a record are unused. */
interface Records {
  readonly counters: ReadonlyMap<string, CounterRecord>;
  readonly balances: ReadonlyMap<string, BalanceRecord>;
}

/** Records that were read, or are being read. */
interface Shown {
  readonly at: number;
  readonly records: Promise<Records>;
}

interface Portion {
  readonly counter: Counter;
  readonly meter: Meter;
  readonly amount: number;
}

/**
 * Takes the use of operations from quotas and credits. Units are leased from the store in blocks, so that an operation takes them
 * without a promise while this process has enough. The store never leases more than a quota, so several processes
 * together never admit more, and a crash only loses the units of the blocks.
 */
export class Meters {
  readonly #options: MetersOptions;
  readonly #leaser: Leaser;
  readonly #maxCounters: number;
  /** The counters used since the last rotation, and the counters used since the one before. */
  #recent = new Map<string, Counter>();
  #older = new Map<string, Counter>();
  /** By the ID of the meter, until this process changes the record. */
  readonly #shown = new Map<string, Shown>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: MetersOptions) {
    this.#options = options;
    this.#maxCounters = options.maxCounters ?? MAX_COUNTERS;
    this.#leaser = new Leaser(options.store, options.now);
    this.#timer = setInterval(() => this.retireIdle(), IDLE).unref();
  }

  /** The number of counters in memory. */
  get size(): number {
    return this.#recent.size + this.#older.size;
  }

  /**
   * Takes the use of an operation from all meters, or from none.
   *
   * @returns without a promise if this process has enough units, or knows that too few remain
   * @throws StoreUnavailable, or rejects with it
   */
  take(meters: readonly Meter[], amounts: Amounts): Taken | TooFew | Promise<Taken | TooFew> {
    return this.#attempt(meters, amounts) ?? this.#takeLater(meters, amounts);
  }

  /** Returns the current states from the store. @throws StoreUnavailable */
  async read(meters: readonly Meter[]): Promise<readonly MeterState[]> {
    const records = await this.#readExactly(meters);
    const at = this.#options.now();
    return meters.map((meter) => this.#stateOf(meter, records, at));
  }

  /** Reads again if this process leases or returns a block in the meantime, because its units would be counted twice or not at all. */
  async #readExactly(meters: readonly Meter[]): Promise<Records> {
    for (let left = READS - 1; ; left -= 1) {
      const counters = meters.map((meter) => this.#known(meter));
      await Promise.all(counters.flatMap((counter) => (counter === undefined ? [] : [counter.settled()])));
      const changes = counters.map((counter) => counter?.changes);
      const records = await this.#read(meters);
      const isSame = meters.every((meter, i) => {
        const counter = this.#known(meter);
        return counter === counters[i] && counter?.changes === changes[i];
      });
      if (isSame || left === 0) return records;
    }
  }

  #known({ id }: Meter): Counter | undefined {
    return this.#recent.get(id) ?? this.#older.get(id);
  }

  /**
   * Like {@link read}, but what other processes have leased or returned can be missing for a second. So showing states with each request
   * doesn't read the store for each of them.
   *
   * @throws StoreUnavailable
   */
  async peek(meters: readonly Meter[]): Promise<readonly MeterState[]> {
    const asked = this.#options.now();
    const missing = meters.filter(({ id }) => !this.#isShown(id, asked));
    if (missing.length > 0) this.#show(missing, asked);
    const shown = meters.map(({ id }) => this.#shown.get(id)?.records ?? this.#read([]));
    const records = await Promise.all(shown);
    const at = this.#options.now();
    return meters.map((meter, i) => this.#stateOf(meter, records[i] ?? NO_RECORDS, at));
  }

  #isShown(id: string, now: number): boolean {
    const shown = this.#shown.get(id);
    return shown !== undefined && Math.abs(now - shown.at) < SHOWN_FOR;
  }

  #show(meters: readonly Meter[], at: number): void {
    const records = this.#readExactly(meters);
    if (this.#shown.size + meters.length > MAX_SHOWN) this.#shown.clear();
    for (const { id } of meters) this.#shown.set(id, { at, records });
    records.catch(() => {
      for (const { id } of meters) if (this.#shown.get(id)?.records === records) this.#shown.delete(id);
    });
  }

  /** Reads a limited number of records at once: a page of keys can have thousands of meters. */
  async #read(meters: readonly Meter[]): Promise<Records> {
    const { store } = this.#options;
    const idsOf = (kind: Meter['kind']) => meters.filter((meter) => meter.kind === kind).map(({ id }) => id);
    const [counters, balances] = await Promise.all([
      inParts(idsOf('quota'), (ids) => store.counters(ids)),
      inParts(idsOf('credits'), (ids) => store.balances(ids)),
    ]);
    // Keyed by ID, because searching the records for each of many meters would block the event loop.
    return {
      counters: new Map(counters.map((record) => [record.id, record])),
      balances: new Map(balances.map((record) => [record.id, record])),
    };
  }

  #stateOf(meter: Meter, { counters, balances }: Records, at: number): MeterState {
    const held = this.#known(meter)?.held(at) ?? 0;
    if (meter.kind === 'quota') {
      const period = periodOf(meter.window, at, meter.anchorDay);
      const record = counters.get(meter.id);
      const taken = record !== undefined && record.start >= period.start ? record.taken : 0;
      const used = Math.max(0, taken - held);
      const { limit } = meter;
      return { meter, limit, used, remaining: Math.max(0, limit - used), ...resetsAt(period.end, at) };
    }
    const { balance = 0, refilledAt = 0 } = balances.get(meter.id) ?? {};
    const period = meter.refill && periodOf(meter.refill.every, at, meter.refill.anchorDay);
    const isDue = period !== null && refilledAt < period.start;
    const remaining = isDue ? Math.max(balance + held, meter.refill?.amount ?? 0) : balance + held;
    return { meter, limit: null, used: null, remaining, ...resetsAt(period?.end ?? Infinity, at) };
  }

  /** Returns the units of counters that were not used since the turn before the last. Called by a timer. */
  retireIdle(): void {
    const idle = this.#older;
    this.#older = this.#recent;
    this.#recent = new Map();
    for (const [id, counter] of idle) {
      // Its requests wait for the lease.
      if (counter.isBusy) this.#recent.set(id, counter);
      else counter.retire();
    }
  }

  /** Returns all units to the store. Can be called more than once. Never rejects. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#leaser.settled();
    for (const counter of [...this.#recent.values(), ...this.#older.values()]) counter.retire();
    this.#recent.clear();
    this.#older.clear();
    await this.#leaser.settled();
  }

  /** @returns null if units must be leased */
  #attempt(meters: readonly Meter[], amounts: Amounts): Taken | TooFew | null {
    const now = this.#options.now();
    const portions: Portion[] = [];
    let lacking: Portion[] | null = null;
    for (const meter of meters) {
      const amount = amounts[meter.unit];
      if (amount === 0) continue;
      const portion = { counter: this.#counter(meter), meter, amount };
      portions.push(portion);
      if (!portion.counter.has(amount, meter, now)) (lacking ??= []).push(portion);
    }
    if (lacking === null) return taken(portions, now);
    const short = lacking.filter(({ counter, amount }) => counter.isShort(amount, now));
    return short.length === 0 ? null : { outcome: 'refused', state: lastReset(short) };
  }

  async #takeLater(meters: readonly Meter[], amounts: Amounts): Promise<Taken | TooFew> {
    for (;;) {
      const now = this.#options.now();
      const lacking = meters.filter((meter) => {
        const amount = amounts[meter.unit];
        return amount > 0 && !this.#counter(meter).has(amount, meter, now);
      });
      await Promise.all(lacking.map((meter) => this.#counter(meter).fetch(amounts[meter.unit])));
      // Other requests may have taken the units first. Then this one asks for more, until the store has too few.
      const result = this.#attempt(meters, amounts);
      if (result !== null) return result;
    }
  }

  #counter(meter: Meter): Counter {
    const { id } = meter;
    let counter = this.#recent.get(id);
    if (counter !== undefined) return counter;
    counter = this.#older.get(id);
    if (counter === undefined) {
      if (this.#recent.size >= this.#maxCounters / 2) this.retireIdle();
      const { now } = this.#options;
      counter = new Counter(meter, {
        now,
        lease: (lease) => this.#leaser.lease(lease),
        giveBack: (unused) => {
          this.#shown.delete(unused.id);
          this.#leaser.giveBack(unused);
        },
        onLeased: (leasing, leased) => this.#leased(leasing, leased),
      });
    } else {
      this.#older.delete(id);
    }
    this.#recent.set(id, counter);
    return counter;
  }

  #leased(meter: Meter, { crossed, end }: Leased): void {
    this.#shown.delete(meter.id);
    for (const percent of crossed) this.#options.onThreshold?.(meter, percent, end ?? 0);
  }
}

const NO_RECORDS: Records = { counters: new Map(), balances: new Map() };

/** Calls a function with a limited number of IDs at once, one call after another. */
async function inParts<Found>(
  ids: readonly string[],
  read: (part: readonly string[]) => Promise<readonly Found[]>,
): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (let from = 0; from < ids.length; from += READ_AT_ONCE) {
    found.push(...(await read(ids.slice(from, from + READ_AT_ONCE))));
  }
  return found;
}

function taken(portions: readonly Portion[], now: number): Taken {
  const held = portions.map(({ counter, meter, amount }) => {
    counter.take(amount, now);
    return { counter, unit: meter.unit, amount, start: counter.start };
  });
  return {
    outcome: 'taken',
    get states() {
      return portions.map(({ counter }) => counter.state);
    },
    giveBack() {
      for (const { counter, start, amount } of held.splice(0)) counter.giveBack(start, amount);
    },
    giveBackCost(amount) {
      for (const portion of held) {
        if (portion.unit !== 'cost') continue;
        const back = Math.min(amount, portion.amount);
        portion.amount -= back;
        portion.counter.giveBack(portion.start, back);
      }
    },
  };
}

function lastReset(portions: readonly Portion[]): MeterState {
  const states = portions.map(({ counter }) => counter.state);
  return states.reduce((last, each) => ((each.resetsAt ?? Infinity) > (last.resetsAt ?? Infinity) ? each : last));
}
