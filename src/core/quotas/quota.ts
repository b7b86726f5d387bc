/** The lengths of a quota's periods. They begin at full hours, at midnight, or at midnight of a day of the month, in UTC. */
export const QUOTA_WINDOWS = ['hour', 'day', 'month'] as const;
export type QuotaWindow = (typeof QUOTA_WINDOWS)[number];

/** What a quota counts: requests as the rate limits count them, or cost. */
export const QUOTA_UNITS = ['requests', 'cost'] as const;
export type QuotaUnit = (typeof QUOTA_UNITS)[number];

/** The subject of a quota, whose requests are counted together: a key and its successors, an owner, a project or a workspace. */
export const QUOTA_SUBJECTS = ['key', 'owner', 'project', 'workspace'] as const;
export type QuotaSubject = (typeof QUOTA_SUBJECTS)[number];

/**
 * The units that a subject may use in each period.
 *
 * @example
 * ```ts
 * import { tierTable, type Quota } from 'latchkey';
 *
 * const monthly: Quota = { window: 'month', unit: 'requests', limit: 100_000, subject: 'workspace', anchorDay: 15 };
 * export const tiers = tierTable({ STARTER: { quotas: [monthly] } });
 * ```
 */
export interface Quota {
  readonly window: QuotaWindow;
  readonly unit: QuotaUnit;
  /** Null means unlimited, and nothing is counted. */
  readonly limit: number | null;
  readonly subject: QuotaSubject;
  /** The day on which each period of a month begins, 1 to 31. In a shorter month, its last day. Default: 1. */
  readonly anchorDay?: number | undefined;
}

/** Raises a balance to an amount at the start of each period. A higher balance stays as it is. */
export interface Refill {
  readonly amount: number;
  readonly every: QuotaWindow;
  /** As in {@link Quota}. */
  readonly anchorDay?: number | undefined;
}

/**
 * A balance from which requests are paid in advance. `addCredits` raises it. Without a refill it starts at 0.
 *
 * @example
 * ```ts
 * import { tierTable, type Credits } from 'latchkey';
 *
 * const credits: Credits = { unit: 'requests', subject: 'owner', refill: { amount: 1_000, every: 'month' } };
 * export const tiers = tierTable({ STARTER: { credits } });
 * ```
 */
export interface Credits {
  readonly unit: QuotaUnit;
  readonly subject: QuotaSubject;
  /** Null: only `addCredits` raises the balance. */
  readonly refill: Refill | null;
}
