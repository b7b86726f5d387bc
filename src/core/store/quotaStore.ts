import type { Author } from './audit.js';

/** The largest balance, an Int of GraphQL. */
export const MAX_BALANCE = 2 ** 31 - 1;

/** The number of additions of a balance that are remembered, so that a repeated call adds nothing. */
export const ADDITIONS_KEPT = 100;

/** How long a counter is kept after its period has ended, in ms. */
export const COUNTERS_KEPT = 7 * 86_400_000;

/** The shares of a quota, in percent, that are reported once in a period. */
export const THRESHOLDS = [80, 100] as const;
export type Threshold = (typeof THRESHOLDS)[number];

/** A block of units for one process: at least `least` of them, or none. */
interface Block {
  /** The ID of the counter or the balance. */
  readonly id: string;
  readonly workspaceId: string;
  readonly least: number;
  readonly most: number;
}

export interface QuotaLease extends Block {
  readonly kind: 'quota';
  /** The current period. */
  readonly start: number;
  readonly end: number;
  readonly limit: number;
}

/** The amount to which a balance is raised, and the start of the period in which this is due. */
export interface DueRefill {
  readonly amount: number;
  readonly at: number;
}

export interface CreditLease extends Block {
  readonly kind: 'credits';
  readonly refill: DueRefill | null;
}

export type Lease = QuotaLease | CreditLease;

/** The result of a lease. */
export interface Leased {
  /** The number of units; 0 if fewer than `least` are left. */
  readonly granted: number;
  /** The units that nobody has leased. Negative if the limit was lowered below them. */
  readonly left: number;
  /**
   * The period of the units. It can be later than the period of the lease, if the clock of another process is ahead. For credits,
   * the start of the period of the last refill.
   */
  readonly start: number;
  /** Null for credits. */
  readonly end: number | null;
  /** The thresholds that this lease is the first to reach in this period. */
  readonly crossed: readonly Threshold[];
}

/** Unused units of a block. */
export interface Unused {
  readonly kind: Lease['kind'];
  readonly id: string;
  readonly workspaceId: string;
  /** As in {@link Leased}. */
  readonly start: number;
  readonly amount: number;
}

/** The units of a counter that were leased in its current period, which may have ended. */
export interface CounterRecord {
  readonly id: string;
  readonly start: number;
  readonly taken: number;
}

/** The units of a balance that nobody has leased. */
export interface BalanceRecord {
  readonly id: string;
  readonly balance: number;
  /** The start of the period of the last refill; 0 if there was none. */
  readonly refilledAt: number;
}

export interface CreditAddition {
  readonly id: string;
  readonly workspaceId: string;
  /** ID of the key, user, project or workspace, for the audit log. */
  readonly subject: string;
  readonly amount: number;
  /** Chosen by the caller. An addition with a remembered key adds nothing. */
  readonly key: string;
  readonly at: number;
  readonly refill: DueRefill | null;
}

type AddedCredits =
  | { readonly outcome: 'added'; readonly balance: number }
  /** The key was used before, with this amount; nothing was written. */
  | { readonly outcome: 'repeated'; readonly balance: number; readonly amount: number }
  /** The balance would be higher than {@link MAX_BALANCE}; nothing was written. */
  | { readonly outcome: 'tooMuch'; readonly balance: number };

/**
 * Counts the use of quotas and credits. Processes lease blocks of units and count requests in memory, so the number of units that
 * are admitted never exceeds a quota, even if a process crashes. Units of a block that a process doesn't return are lost.
 */
export interface QuotaStore {
  /**
   * Leases blocks, each atomically. A counter without a record, or with one of an earlier period, starts at 0. A balance is first
   * raised to the amount of its refill if that was not done in this period.
   *
   * @returns the results in the order of the leases
   * @throws StoreUnavailable. Blocks may have been leased nevertheless
   */
  lease(leases: readonly Lease[], now: number): Promise<readonly Leased[]>;
  /**
   * Returns units that were not used. Units of an earlier period of a quota are dropped. Units of credits that were leased before a refill
   * only count beyond the amount that the refill has added. Must not be repeated.
   */
  giveBack(unused: readonly Unused[]): Promise<void>;
  /** Returns the counters that have a record, in no order. Reads by index. */
  counters(ids: readonly string[]): Promise<readonly CounterRecord[]>;
  /** Returns the balances that have a record, in no order. Reads by index. */
  balances(ids: readonly string[]): Promise<readonly BalanceRecord[]>;
  /**
   * Raises a balance, after a refill that is due. Remembers the keys of the last {@link ADDITIONS_KEPT} additions of the balance. The author's
   * key is checked as in {@link KeyStore.expire}.
   */
  addCredits(addition: CreditAddition, author?: Author): Promise<AddedCredits | 'authorEnded'>;
}
