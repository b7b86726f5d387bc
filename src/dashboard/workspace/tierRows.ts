import type { WorkspaceQuery } from '../generated/graphql.js';
import { count } from '../parts/words.js';

export type TierLimits = WorkspaceQuery['tiers'][number];

/** The limits of a tier, in the order of the table. `null`: unlimited. */
export const ROWS = [
  { name: 'Keys', of: ({ keys }: TierLimits) => keys },
  { name: 'Admin keys', of: ({ adminKeys }: TierLimits) => adminKeys },
  { name: 'Requests per minute', of: ({ perMinute }: TierLimits) => perMinute },
  { name: 'Requests per second', of: ({ perSecond }: TierLimits) => perSecond },
  { name: 'Open streams', of: ({ streams }: TierLimits) => streams },
] as const;

export function amount(value: number | null): string {
  return value === null ? 'Unlimited' : count(value);
}

/** Returns how a limit differs from the current one; empty: it does not. */
export function difference(value: number | null, present: number | null): string {
  if (value === present) return '';
  if (value === null) return 'no limit';
  if (present === null) return 'limited';
  return value > present ? `${count(value - present)} more` : `${count(present - value)} fewer`;
}
