import { metersOf, type MeteredHolder } from '../quotas/quotaMeter.js';
import type { Category } from './category.js';
import type { SharedBy, SharedWindows, Subject } from './limits.js';
import { NO_OVERRIDES, overridden, overriddenPair, overriddenQuotas, type KeyOverrides } from './overrides.js';
import { rowOf, type TierLimits, type TierTable } from './tiers.js';
import type { Tier } from '../store/records.js';

/** The fields of a key that determine its windows. A principal has all of them. */
export interface Limited {
  readonly keyId: string;
  readonly familyId: string;
  readonly tier: Tier;
  readonly workspaceId: string;
  readonly projectId: string | null;
  readonly userId: string | null;
  /** The external ID of the owner. Absent if the owner is the user. */
  readonly externalId?: string;
  /** Absent if nothing is overridden. */
  readonly overrides?: KeyOverrides;
}

interface Resolved {
  readonly tier: TierLimits;
  /** When an override ends. */
  readonly until: number;
  readonly subject: Subject;
  readonly byCategory: Partial<Record<Category, Subject>>;
}

/** Cached by principal, so that nothing is resolved for each request. */
const known = new WeakMap<Limited, Resolved>();

/**
 * Returns the subject under which the requests of a key are counted: its family, and the windows that it shares with the
 * other keys of its owner, its project and its workspace, with the limits that are in force.
 *
 * @param category of the operation; undefined: only the limits of the tier apply
 */
export function subjectOfKey(key: Limited, tiers: TierTable, category?: Category): Subject {
  const limits = rowOf(tiers, key.tier);
  const { familyId: family, tier, overrides } = key;
  if (overrides === undefined && isAlone(limits)) return { family, tier, category };
  let resolved = known.get(key);
  // A reload replaces the records of the table.
  if (resolved?.tier !== limits || overrides?.hasEnded(resolved.until) === true) {
    known.set(key, (resolved = resolve(key, limits)));
  }
  if (category === undefined) return resolved.subject;
  return (resolved.byCategory[category] ??= Object.freeze({ ...ofCategory(resolved.subject, category), category }));
}

/** Returns whether a tier only limits the key itself, and only its windows. */
function isAlone({ owner, project, workspace, quotas, credits }: TierLimits): boolean {
  return owner === null && project === null && workspace === null && quotas.length === 0 && credits === null;
}

function resolve(key: Limited, tier: TierLimits): Resolved {
  const { familyId: family, tier: name, overrides } = key;
  const current = overrides?.current() ?? NO_OVERRIDES;
  const shared = Object.freeze(
    SHARED_BY.flatMap((of): SharedWindows[] => {
      const windows = NAMES[of](key);
      const limits = overriddenPair(tier[of], current[of]);
      return windows === null || limits === null
        ? []
        : [Object.freeze({ of, name: windows, rate: limits.rate, burst: limits.burst })];
    }),
  );
  const limits = overridden(tier, current.key);
  const quotas = overriddenQuotas(tier.quotas, current);
  const meters = metersOf({ quotas, credits: tier.credits }, meteredOf(key));
  return {
    tier,
    until: current.until,
    subject: Object.freeze({
      family,
      tier: name,
      ...(limits !== tier && { limits }),
      ...(shared.length > 0 && { shared }),
      ...(meters.length > 0 && { meters }),
    }),
    byCategory: {},
  };
}

/** Returns the subjects of a key's quotas. */
function meteredOf({ userId, externalId, ...key }: Limited): MeteredHolder {
  return { ...key, ownerId: externalId ?? userId };
}

const SHARED_BY: readonly SharedBy[] = ['owner', 'project', 'workspace'];

/** The name of the windows that a key shares; null if it shares none. No family has such a name. */
const NAMES: Readonly<Record<SharedBy, (key: Limited) => string | null>> = {
  // A user belongs to one workspace. No ID of a user contains a slash.
  owner: ({ workspaceId, userId, externalId }) =>
    externalId !== undefined ? `owner/${workspaceId}/${externalId}` : userId === null ? null : `owner/${userId}`,
  project: ({ projectId }) => (projectId === null ? null : `project/${projectId}`),
  workspace: ({ workspaceId }) => `workspace/${workspaceId}`,
};

/**
 * Returns the subject of the operations of a category. Administrative operations are not taken from quotas: with a leaked key that
 * has used up the quota of a workspace, nobody could revoke it.
 */
function ofCategory(subject: Subject, category: Category): Subject {
  return category === 'admin' ? withoutMeters(subject) : subject;
}

/** Returns a subject without quotas and credits, for requests that fail: these only use up its windows. */
export function withoutMeters(subject: Subject): Subject {
  return subject.meters === undefined ? subject : { ...subject, meters: undefined };
}
