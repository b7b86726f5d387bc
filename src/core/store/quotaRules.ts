import {
  ADDITIONS_KEPT,
  MAX_BALANCE,
  THRESHOLDS,
  type CreditAddition,
  type DueRefill,
  type QuotaLease,
  type Threshold,
} from './quotaStore.js';

/**
 * The rules of counters and balances, independent of the engine. SQLite applies them in a transaction, MongoDB computes the same in
 * the stages of an update.
 */

/** The stored state of a counter. */
export interface CounterState {
  readonly start: number;
  readonly end: number;
  readonly taken: number;
  /** The highest threshold that was reported in the period; 0 if none. */
  readonly told: number;
}

/** The stored state of a balance. */
export interface BalanceState {
  readonly balance: number;
  readonly refilledAt: number;
  /** The start of the period of the previous refill. */
  readonly refilledBefore: number;
  /** The units that the last refill has added, without the units that were returned to it since. */
  readonly raised: number;
}

/** An addition that is remembered. */
export interface Remembered {
  readonly key: string;
  readonly amount: number;
}

export const NO_BALANCE: BalanceState = Object.freeze({ balance: 0, refilledAt: 0, refilledBefore: 0, raised: 0 });

/** Returns the number of units that a lease gets. */
export function grantOf(left: number, { least, most }: { readonly least: number; readonly most: number }): number {
  return left < least ? 0 : Math.min(most, left);
}

/** Returns the state after a lease, and what it granted. @param before null if the counter has no record */
export function afterLease(
  before: CounterState | null,
  lease: QuotaLease,
): { readonly after: CounterState; readonly granted: number } {
  const current =
    before !== null && before.start >= lease.start ? before : { start: lease.start, end: lease.end, taken: 0, told: 0 };
  const granted = grantOf(lease.limit - current.taken, lease);
  const taken = current.taken + granted;
  return { after: { ...current, taken, told: Math.max(current.told, reached(taken, lease.limit)) }, granted };
}

/** Returns the highest threshold that this use has reached; 0 if none. */
function reached(taken: number, limit: number): number {
  return THRESHOLDS.findLast((percent) => taken * 100 >= limit * percent) ?? 0;
}

/** Returns the thresholds above one and up to another. */
export function crossed(before: number, after: number): readonly Threshold[] {
  return THRESHOLDS.filter((percent) => percent > before && percent <= after);
}

/** Returns the balance after the refill, if it is due. */
export function refilled(before: BalanceState, refill: DueRefill | null): BalanceState {
  if (refill === null || before.refilledAt >= refill.at) return before;
  const balance = Math.max(before.balance, refill.amount);
  return { balance, refilledAt: refill.at, refilledBefore: before.refilledAt, raised: balance - before.balance };
}

/**
 * Returns the balance after units were returned. If they were leased before the last refill, the refill added more than it should have:
 * only the difference is added. Units from before the previous refill are dropped, because the amount that this refill would have added is
 * unknown.
 * Processes return units long before.
 */
export function returned(before: BalanceState, start: number, amount: number): BalanceState {
  if (start < before.refilledBefore) return before;
  const covered = start < before.refilledAt ? Math.min(before.raised, amount) : 0;
  return { ...before, balance: before.balance + amount - covered, raised: before.raised - covered };
}

type Decided =
  | { readonly outcome: 'added'; readonly after: BalanceState; readonly additions: readonly Remembered[] }
  | { readonly outcome: 'repeated'; readonly balance: number; readonly amount: number }
  | { readonly outcome: 'tooMuch'; readonly balance: number };

/** Decides on an addition. */
export function addition(
  before: BalanceState,
  additions: readonly Remembered[],
  { amount, key, refill }: Pick<CreditAddition, 'amount' | 'key' | 'refill'>,
): Decided {
  const earlier = additions.find((each) => each.key === key);
  if (earlier !== undefined) return { outcome: 'repeated', balance: before.balance, amount: earlier.amount };
  const due = refilled(before, refill);
  const balance = due.balance + amount;
  if (balance > MAX_BALANCE) return { outcome: 'tooMuch', balance: before.balance };
  return {
    outcome: 'added',
    after: { ...due, balance },
    additions: [...additions, { key, amount }].slice(-ADDITIONS_KEPT),
  };
}
