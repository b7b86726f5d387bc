import type { Lease, Leased, Unused } from '../store/quotaStore.js';
import { AHEAD, blockSize, largestBlock } from './blockSize.js';
import type { Meter } from './quotaMeter.js';
import type { MeterState } from './meterState.js';
import { dueRefill, periodOf } from './period.js';

/** How long it is known that too few units remain, in ms. Then units are leased again, because other processes may return units. */
const KNOWN_FOR = 1_000;
/** Smaller blocks are not fetched ahead: at the end of a quota, processes should keep as little as possible. */
const FETCHED_AHEAD = 4;

interface CounterOptions {
  readonly lease: (lease: () => Lease) => Promise<Leased>;
  readonly giveBack: (unused: Unused) => void;
  readonly now: () => number;
  /** Called with each successful lease. */
  readonly onLeased: (meter: Meter, leased: Leased) => void;
}

/** The units of one meter in this process. */
export class Counter {
  readonly #options: CounterOptions;
  /** The meter of the latest request. Its limit may differ from the previous limit. */
  #meter: Meter;
  /** The period of the units; for credits, the period of the last refill. */
  #start = Number.NaN;
  #end = -Infinity;
  /** The unused units. */
  #room = 0;
  /** The last block. */
  #size = 0;
  #leasedAt = 0;
  /** For a quota, the units that were leased by all processes; for credits, the ones that were not; null if unknown. */
  #known: number | null = null;
  #askedAt = -Infinity;
  /** For credits, the time of the next refill when units were last leased. */
  #refillsAt = Infinity;
  #flight: Promise<void> | null = null;
  /** The units that each waiting request needs. */
  #waiting: number[] = [];
  /** The limit of the quota with which units were last leased. The units of this process never exceed it. Infinity: there is none. */
  #leasedWithin = Infinity;
  /** The same for the running lease. */
  #leasesWithin = Infinity;
  /** When units were last returned because the limit was lowered. */
  #leftLimitAt = -Infinity;
  #isRetired = false;
  #changes = 0;

  constructor(meter: Meter, options: CounterOptions) {
    this.#meter = meter;
    this.#options = options;
  }

  /** Whether a lease is running. */
  get isBusy(): boolean {
    return this.#flight !== null;
  }

  /** Changes with each lease and each return, so that a reader of the store can detect that it counted the units of this process twice. */
  get changes(): number {
    return this.#changes;
  }

  /** Resolves when no lease is running. Never rejects. */
  async settled(): Promise<void> {
    await this.#flight?.catch(() => undefined);
  }

  /** The period of the units, for {@link giveBack}. */
  get start(): number {
    return this.#start;
  }

  /** Returns whether this process has enough units. */
  has(amount: number, meter: Meter, now: number): boolean {
    this.#meter = meter;
    if (now >= this.#end) this.#leavePeriod();
    if (this.#room > 0 && meter.kind === 'quota' && meter.limit < this.#leasedWithin) this.#leaveLimit(amount, now);
    return this.#room >= amount && !(meter.kind === 'quota' && meter.limit < this.#leasedWithin);
  }

  /**
   * Returns the block to the store after the limit was lowered, because its units may exceed the new one. For keys with the same
   * counter and different limits, this is repeated at most once in {@link KNOWN_FOR} if too few units remain.
   */
  #leaveLimit(amount: number, now: number): void {
    if (Math.abs(now - this.#leftLimitAt) < KNOWN_FOR && this.isShort(amount, now)) return;
    this.#leftLimitAt = now;
    this.#returnRoom();
    this.#known = null;
  }

  /** Returns whether it is known that neither this process nor the store has enough units. */
  isShort(amount: number, now: number): boolean {
    if (this.#known === null || Math.abs(now - this.#askedAt) >= KNOWN_FOR) return false;
    return amount > this.#room + this.#left(this.#known);
  }

  /** Takes units. Call {@link has} before. Fetches the next block if few units remain. */
  take(amount: number, now: number): void {
    this.#room -= amount;
    if (this.#size < FETCHED_AHEAD || this.#room > this.#size * AHEAD || this.#flight !== null) return;
    // A failure is not the fault of this request. The request that finds no unit leases again.
    if (!this.isShort(this.#room + 1, now)) this.#fly().catch(() => undefined);
  }

  /**
   * Leases units. Concurrent calls share one lease, which may not suffice for all of them.
   *
   * @throws StoreUnavailable
   */
  fetch(amount: number): Promise<void> {
    this.#waiting.push(amount);
    return this.#fly();
  }

  /** Returns units that were taken. @param start {@link start} when they were taken */
  giveBack(start: number, amount: number): void {
    if (amount <= 0) return;
    if (start === this.#start && !this.#isRetired) this.#room += amount;
    else this.#return(start, amount);
  }

  /** Returns all units to the store. */
  retire(): void {
    this.#isRetired = true;
    this.#returnRoom();
  }

  get state(): MeterState {
    const meter = this.#meter;
    const known = this.#known ?? 0;
    const remaining = Math.max(0, this.#left(known) + this.#room);
    const resets = resetsAt(this.#end, this.#options.now());
    if (meter.kind === 'credits') return { meter, limit: null, used: null, remaining, ...resets };
    const { limit } = meter;
    return { meter, limit, used: Math.max(0, known - this.#room), remaining, ...resets };
  }

  /** Returns the units in this process of the period that contains a time. */
  held(now: number): number {
    return now < this.#end ? this.#room : 0;
  }

  #left(known: number): number {
    return this.#meter.kind === 'quota' ? this.#meter.limit - known : known;
  }

  #fly(): Promise<void> {
    this.#flight ??= this.#options
      .lease(() => this.#lease())
      .then((leased) => this.#receive(leased))
      .finally(() => {
        this.#flight = null;
        // All waiting requests continue now. The ones that need more wait again.
        this.#waiting = [];
      });
    return this.#flight;
  }

  #lease(): Lease {
    this.#changes += 1;
    const now = this.#options.now();
    if (now >= this.#end) this.#leavePeriod();
    const meter = this.#meter;
    // Not the time when the units arrive, which may be after the refill that invalidates them.
    this.#refillsAt = nextRefill(meter, now);
    const { id, workspaceId } = meter;
    const { smallest, sum } = this.#demand();
    const least = Math.max(1, smallest - this.#room);
    const most = Math.max(least, sum - this.#room, this.#blockSize(now));
    const block = { id, workspaceId, least, most };
    if (meter.kind === 'credits')
      return { kind: 'credits', ...block, refill: meter.refill && dueRefill(meter.refill, now) };
    this.#leasesWithin = meter.limit;
    return { kind: 'quota', ...block, ...periodOf(meter.window, now, meter.anchorDay), limit: meter.limit };
  }

  /**
   * Returns what the next lease is for: all requests that need no more than a block, or the smallest one. Together, large requests could
   * lease all remaining units, and then be refused. Otherwise other processes would refuse requests although units remain, and a crash
   * would
   * lose the units.
   */
  #demand(): { readonly smallest: number; readonly sum: number } {
    const most = largestBlock(...this.#extent());
    let [smallest, sum] = [Infinity, 0];
    for (const amount of this.#waiting) {
      smallest = Math.min(smallest, amount);
      if (amount <= most) sum += amount;
    }
    return { smallest: Number.isFinite(smallest) ? smallest : 1, sum };
  }

  #blockSize(now: number): number {
    const previous = this.#size === 0 ? null : { size: this.#size, lasted: now - this.#leasedAt };
    return blockSize(...this.#extent(), previous);
  }

  #extent(): [limit: number, left: number | null] {
    const left = this.#known === null ? null : Math.max(0, this.#left(this.#known));
    // Credits have no limit, so a block is a part of the remaining credits. If this number is unknown, a block is as small as possible.
    return [this.#meter.kind === 'quota' ? this.#meter.limit : (left ?? 1) + this.#room, left];
  }

  #receive(leased: Leased): void {
    this.#changes += 1;
    const { granted, left, start, end } = leased;
    const now = this.#options.now();
    const meter = this.#meter;
    if (start !== this.#start) {
      this.#leavePeriod();
      this.#start = start;
    }
    this.#end = end ?? this.#refillsAt;
    this.#room += granted;
    this.#known = meter.kind === 'quota' ? this.#leasesWithin - left : left;
    this.#askedAt = now;
    if (granted > 0) {
      this.#leasedWithin = this.#leasesWithin;
      this.#size = granted;
      this.#leasedAt = now;
    }
    if (this.#isRetired) this.#returnRoom();
    this.#options.onLeased(meter, leased);
  }

  /** Units of a quota end with their period. Units of credits are returned, because a refill doesn't take them. */
  #leavePeriod(): void {
    if (this.#meter.kind === 'credits') this.#returnRoom();
    this.#room = 0;
    this.#start = Number.NaN;
    this.#end = -Infinity;
    this.#known = null;
  }

  #returnRoom(): void {
    const amount = this.#room;
    this.#room = 0;
    if (amount > 0) this.#return(this.#start, amount);
  }

  #return(start: number, amount: number): void {
    this.#changes += 1;
    const { kind, id, workspaceId } = this.#meter;
    this.#options.giveBack({ kind, id, workspaceId, start, amount });
  }
}

function nextRefill(meter: Meter, now: number): number {
  if (meter.kind === 'quota' || meter.refill === null) return Infinity;
  return periodOf(meter.refill.every, now, meter.refill.anchorDay).end;
}

/** Returns when a period ends. @param end Infinity: never */
export function resetsAt(end: number, now: number): Pick<MeterState, 'resetsAt' | 'resetsInMs'> {
  return Number.isFinite(end)
    ? { resetsAt: end, resetsInMs: Math.max(0, end - now) }
    : { resetsAt: null, resetsInMs: null };
}
