import type { Tier } from '../store/records.js';

/** What a tier grants. One frozen record a tier, so that its identity can serve as a cache key. */
export interface TierLimits {
  /** Living key families a workspace may hold; null: as many as it likes. */
  readonly keys: number | null;
  /** Units that a key family may use in any 60 seconds. */
  readonly rate: number;
  /** Units that a key family may use in any one second. */
  readonly burst: number;
}

function limits(keys: number | null, rate: number, burst: number): TierLimits {
  return Object.freeze({ keys, rate, burst });
}

/** The published table. */
export const TIER_LIMITS: Readonly<Record<Tier, TierLimits>> = Object.freeze({
  FREE_TRIAL: limits(1, 20, 2),
  STARTER: limits(1, 30, 3),
  GROWTH: limits(10, 500, 25),
  PROFESSIONAL: limits(25, 1000, 50),
  ENTERPRISE: limits(null, 5000, 100),
});

/** The limits of a tier, the same object at each call. */
export function limitsOf(tier: Tier): TierLimits {
  return TIER_LIMITS[tier];
}
