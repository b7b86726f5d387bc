import { QUOTA_SUBJECTS, type Quota } from '../quotas/quota.js';
import type { LimitOverride } from '../store/records.js';
import type { TierLimits, WindowLimits } from './tiers.js';

/** The overrides of the subjects of one key. They are read with the key, and decide while they last. */
export class KeyOverrides {
  readonly #records: readonly LimitOverride[];
  readonly #now: () => number;

  /** @param now the wall clock, because the ends of overrides are dates */
  constructor(records: readonly LimitOverride[], now: () => number) {
    this.#records = records;
    this.#now = now;
  }

  /** Returns the overrides that are in force, by subject, and the time of the next change. */
  current(): CurrentOverrides {
    const now = this.#now();
    const lasting = this.#records.filter(({ until }) => until === null || until > now);
    const of = (...kinds: readonly LimitOverride['kind'][]): LimitOverride | null =>
      lasting.find(({ kind }) => kinds.includes(kind)) ?? null;
    return {
      key: of('key'),
      owner: of('user', 'external'),
      project: of('project'),
      workspace: of('workspace'),
      until: Math.min(Infinity, ...lasting.map(({ until }) => until ?? Infinity)),
    };
  }

  /** Returns whether it is at least `until`. */
  hasEnded(until: number): boolean {
    return this.#now() >= until;
  }
}

/** The overrides that are in force; null if there is none. */
export interface CurrentOverrides {
  readonly key: LimitOverride | null;
  readonly owner: LimitOverride | null;
  readonly project: LimitOverride | null;
  readonly workspace: LimitOverride | null;
  /** When the first of them ends, in ms since the epoch. */
  readonly until: number;
}

export const NO_OVERRIDES: CurrentOverrides = Object.freeze({
  key: null,
  owner: null,
  project: null,
  workspace: null,
  until: Infinity,
});

/** Returns the limits of a key as a frozen record, based on the limits of its tier. */
export function overridden(tier: TierLimits, override: LimitOverride | null): TierLimits {
  if (override === null || (override.rate === null && override.burst === null)) return tier;
  return Object.freeze({ ...tier, rate: override.rate ?? tier.rate, burst: override.burst ?? tier.burst });
}

/**
 * Returns the limits of shared windows; null if there are none. If the tier has neither and an override sets only one of them, the other
 * one is derived from it, so that it has no separate effect.
 */
export function overriddenPair(tier: WindowLimits | null, override: LimitOverride | null): WindowLimits | null {
  const rate = override?.rate ?? tier?.rate ?? null;
  const burst = override?.burst ?? tier?.burst ?? null;
  if (rate === null) return burst === null ? null : { rate: Math.min(burst * 60, HIGHEST), burst };
  return { rate, burst: burst ?? rate };
}

/** Returns the quotas of a key whose tier has these. An override replaces all quotas of its subject. */
export function overriddenQuotas(tier: readonly Quota[], current: CurrentOverrides): readonly Quota[] {
  let quotas = tier;
  for (const subject of QUOTA_SUBJECTS) {
    const given = quotasOf(current[subject]);
    if (given !== null) quotas = [...quotas.filter((quota) => quota.subject !== subject), ...given];
  }
  return quotas;
}

/** Returns the quotas of an override; null if the tier's quotas apply. */
export function quotasOf(override: Pick<LimitOverride, 'quotas'> | null): readonly Quota[] | null {
  return override?.quotas == null ? null : (JSON.parse(override.quotas) as Quota[]);
}

/** The largest Int of GraphQL. */
const HIGHEST = 2 ** 31 - 1;
