import type { Leased, QuotaStore, Threshold } from '../store/quotaStore.js';
import { Counter, resetsAt } from './counter.js';
import { Leaser } from './leaser.js';
import type { Meter } from './quotaMeter.js';
import type { Amounts, MeterState, Taken, TooFew } from './meterState.js';
import { periodOf } from './period.js';

/** The maximum number of counters in memory. The ones that were unused for longest are removed first. */
const MAX_COUNTERS = 50_000;
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
  /** The counters that were used since the last turn, and the ones that were used since the turn before. */
  #recent = new Map<string, Counter>();
  #older = new Map<string, Counter>();
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
   * @returns without a promise if this process has enough units, or knows that too few are left
   * @throws StoreUnavailable, or rejects with it
   */
  take(meters: readonly Meter[], amounts: Amounts): Taken | TooFew | Promise<Taken | TooFew> {
    return this.#attempt(meters, amounts) ?? this.#takeLater(meters, amounts);
  }

  /** Returns the current states from the store. @throws StoreUnavailable */
  async read(meters: readonly Meter[]): Promise<readonly MeterState[]> {
    const { store, now } = this.#options;
    const idsOf = (kind: Meter['kind']) => meters.filter((meter) => meter.kind === kind).map(({ id }) => id);
    const [counterIds, balanceIds] = [idsOf('quota'), idsOf('credits')];
    const [counters, balances] = await Promise.all([
      counterIds.length === 0 ? [] : store.counters(counterIds),
      balanceIds.length === 0 ? [] : store.balances(balanceIds),
    ]);
    const at = now();
    // A page of keys has many meters: searching the records for each of them would block the event loop.
    const counterOf = new Map(counters.map((record) => [record.id, record]));
    const balanceOf = new Map(balances.map((record) => [record.id, record]));
    return meters.map((meter) => {
      const held = (this.#recent.get(meter.id) ?? this.#older.get(meter.id))?.held(at) ?? 0;
      if (meter.kind === 'quota') {
        const period = periodOf(meter.window, at, meter.anchorDay);
        const record = counterOf.get(meter.id);
        const taken = record !== undefined && record.start >= period.start ? record.taken : 0;
        const used = Math.max(0, taken - held);
        const { limit } = meter;
        return { meter, limit, used, remaining: Math.max(0, limit - used), ...resetsAt(period.end, at) };
      }
      const { balance = 0, refilledAt = 0 } = balanceOf.get(meter.id) ?? {};
      const period = meter.refill && periodOf(meter.refill.every, at, meter.refill.anchorDay);
      const isDue = period !== null && refilledAt < period.start;
      const remaining = isDue ? Math.max(balance + held, meter.refill?.amount ?? 0) : balance + held;
      return { meter, limit: null, used: null, remaining, ...resetsAt(period?.end ?? Infinity, at) };
    });
  }

  /** Returns the units of counters that were not used since the turn before the last. Called by a timer. */
  retireIdle(): void {
    const idle = this.#older;
    this.#older = this.#recent;
    this.#recent = new Map();
    for (const [id, counter] of idle) {
      // Its requests wait for it.
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

  /** @returns null: units must be leased */
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
        giveBack: (unused) => this.#leaser.giveBack(unused),
        onLeased: (leasing, leased) => this.#leased(leasing, leased),
      });
    } else {
      this.#older.delete(id);
    }
    this.#recent.set(id, counter);
    return counter;
  }

  #leased(meter: Meter, { crossed, end }: Leased): void {
    for (const percent of crossed) this.#options.onThreshold?.(meter, percent, end ?? 0);
  }
}

function taken(portions: readonly Portion[], now: number): Taken {
  const held = portions.map(({ counter, meter, amount }) => {
    counter.take(amount, now);
    return { counter, unit: meter.unit, amount, start: counter.start };
  });
  return {
    outcome: 'taken',
    states: portions.map(({ counter }) => counter.state),
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
