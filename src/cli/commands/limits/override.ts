import { operation } from '../../typedOperation.js';
import { shortMoment } from '../../times.js';
import { quotaName, type TierQuota } from '../quotaText.js';

export interface Override {
  readonly type: string;
  readonly id: string;
  readonly workspaceId: string;
  readonly rate: number | null;
  readonly burst: number | null;
  /** null for the tier's limits. */
  readonly quotas: readonly TierQuota[] | null;
  readonly until: string | null;
  readonly active: boolean;
  readonly reason: string | null;
  readonly setBy: string | null;
  readonly setAt: string;
}

export const OVERRIDE = `fragment Override on LimitOverride {
  type id workspaceId rate burst quotas { window unit limit anchorDay } until active reason setBy setAt
}`;

/** Sets or removes an override. */
export const SET_LIMITS = operation<
  { readonly setLimits: { readonly override: Override | null } },
  { readonly input: object }
>('mutation SetLimits($input: SetLimitsInput!) { setLimits(input: $input) { override { ...Override } } }', OVERRIDE);

export function linesOf({ type, id, rate, burst, quotas, until, active, reason }: Override): [string, string | null][] {
  return [
    ['Subject', `${type} ${id}`],
    ['Per minute', limitOf(rate)],
    ['Per second', limitOf(burst)],
    ['Quotas', quotasOf(quotas)],
    ['Until', endOf({ until, active })],
    ['Reason', reason],
  ];
}

/** Returns a limit as text. @param limit null for the tier's limit */
export function limitOf(limit: number | null): string {
  return limit === null ? AS_IN_TIER : String(limit);
}

/** Returns quotas as text. @param quotas null for the tier's quotas */
export function quotasOf(quotas: Override['quotas']): string {
  if (quotas === null) return AS_IN_TIER;
  return quotas.length === 0 ? 'none' : quotas.map(quotaName).join(', ');
}

const AS_IN_TIER = 'as in the tier';

export function endOf({ until, active }: Pick<Override, 'until' | 'active'>): string {
  if (until === null) return 'never ends';
  return active ? shortMoment(until) : `${shortMoment(until)} (ended)`;
}
