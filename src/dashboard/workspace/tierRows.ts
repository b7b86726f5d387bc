import type { QuotaSubject, WorkspaceQuery } from '../generated/graphql.js';
import { quotaText, refillText } from '../limits/quotaText.js';
import { CATEGORIES, count } from '../parts/words.js';

export type TierLimits = WorkspaceQuery['tiers'][number];

/** The limits of a tier, in the order of the table. `null`: unlimited. */
export const ROWS = [
  { name: 'Keys', of: ({ keys }: TierLimits) => keys },
  { name: 'Admin keys', of: ({ adminKeys }: TierLimits) => adminKeys },
  { name: 'Requests per minute', of: ({ perMinute }: TierLimits) => perMinute },
  { name: 'Requests per second', of: ({ perSecond }: TierLimits) => perSecond },
  { name: 'Open streams', of: ({ streams }: TierLimits) => streams },
] as const;

/** The other limits of a tier, as lines of text; none: it has no such limit. */
export const TEXT_ROWS: readonly { readonly name: string; readonly of: (tier: TierLimits) => readonly string[] }[] = [
  {
    name: 'By type',
    of: ({ categories }) => categories.map((each) => `${CATEGORIES[each.category]}: ${windowsText(each)}`),
  },
  {
    name: 'Shared',
    of: ({ owner, project, workspace }) => [
      ...sharedBy('owner', owner),
      ...sharedBy('project', project),
      ...sharedBy('workspace', workspace),
    ],
  },
  {
    name: 'Quotas',
    of: ({ quotas }) => quotas.map((quota) => `${SUBJECTS[quota.subject]}: ${quotaText(quota)}`),
  },
  { name: 'Credits', of: ({ credits }) => (credits === null ? [] : [creditsText(credits)]) },
  {
    name: 'Cost units',
    of: ({ cost }) => (cost === null ? [] : [`${count(cost.max)} per operation`, windowsText(cost)]),
  },
];

/** The names of subjects in a table of tiers. */
const SUBJECTS: Readonly<Record<QuotaSubject, string>> = {
  KEY: 'Each key',
  OWNER: 'All keys of an owner',
  PROJECT: 'All keys of a project',
  WORKSPACE: 'All keys',
};

type Windows = NonNullable<TierLimits['owner']>;

function windowsText({ perMinute, perSecond }: Windows): string {
  return `${count(perMinute)} per minute, ${count(perSecond)} per second`;
}

function sharedBy(subject: 'owner' | 'project' | 'workspace', windows: Windows | null): readonly string[] {
  const name = SUBJECTS[subject.toUpperCase() as QuotaSubject];
  return windows === null ? [] : [`${name}: ${windowsText(windows)}`];
}

function creditsText({ subject, unit, refill }: NonNullable<TierLimits['credits']>): string {
  const units = unit === 'COST' ? ' of cost units' : '';
  return `${SUBJECTS[subject]}${units}: ${refill === null ? 'paid in advance' : refillText(refill).toLowerCase()}`;
}

export function amount(value: number | null): string {
  return value === null ? 'Unlimited' : count(value);
}

/** Returns how a limit differs from the current one; empty if it doesn't. */
export function difference(value: number | null, present: number | null): string {
  if (value === present) return '';
  if (value === null) return 'no limit';
  if (present === null) return 'limited';
  return value > present ? `${count(value - present)} more` : `${count(present - value)} fewer`;
}
