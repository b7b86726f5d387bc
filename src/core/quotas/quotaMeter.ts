import type { Credits, Quota, QuotaSubject, QuotaUnit, QuotaWindow, Refill } from './quota.js';

/** The key on whose behalf a meter counts, for events. */
interface MeteredKey {
  readonly id: string;
  readonly workspaceId: string;
  readonly projectId: string | null;
}

interface Common {
  /** The ID of the counter in the store. All keys with the same subject share it. */
  readonly id: string;
  readonly workspaceId: string;
  readonly subject: QuotaSubject;
  readonly unit: QuotaUnit;
  readonly key: MeteredKey;
}

export interface QuotaMeter extends Common {
  readonly kind: 'quota';
  readonly window: QuotaWindow;
  readonly limit: number;
  readonly anchorDay: number;
}

export interface CreditMeter extends Common {
  readonly kind: 'credits';
  readonly refill: Refill | null;
}

/** A quota or a balance that the requests of a key are taken from. */
export type Meter = QuotaMeter | CreditMeter;

/** The quotas and credits of a tier or an override. */
interface Metered {
  readonly quotas: readonly Quota[];
  readonly credits: Credits | null;
}

/** The IDs of the subjects of a key. */
export interface MeteredHolder {
  readonly keyId: string;
  readonly familyId: string;
  readonly workspaceId: string;
  readonly projectId: string | null;
  /** Null if nobody owns the key. */
  readonly ownerId: string | null;
}

const NO_METERS: readonly Meter[] = Object.freeze([]);

/**
 * Returns what the requests of a key are taken from; an empty list for most keys. If the tier limits owners or projects, a key without one
 * is counted by itself, because otherwise it would have no quota. The counter of a quota keeps its use if the limit changes,
 * for example with the tier.
 */
export function metersOf({ quotas, credits }: Metered, holder: MeteredHolder): readonly Meter[] {
  if (quotas.length === 0 && credits === null) return NO_METERS;
  const { workspaceId } = holder;
  const key: MeteredKey = { id: holder.keyId, workspaceId, projectId: holder.projectId };
  const meters = quotas.flatMap(({ limit, window, unit, subject, anchorDay = 1 }): Meter[] => {
    if (limit === null) return [];
    const id = `${counted(subject, holder)}/${window}/${unit}`;
    return [Object.freeze({ kind: 'quota', id, workspaceId, subject, unit, key, window, limit, anchorDay })];
  });
  if (credits !== null) {
    const { subject, unit, refill } = credits;
    const id = creditsId(counted(subject, holder));
    meters.push(Object.freeze({ kind: 'credits', id, workspaceId, subject, unit, key, refill }));
  }
  return Object.freeze(meters);
}

/** Returns the ID of a balance in the store. @param subject from {@link subjectId} */
export function creditsId(subject: string): string {
  return `${subject}/credits`;
}

/**
 * Returns the ID of a subject among all subjects. @param workspaceId needed because external IDs of owners may be the same in several
 * workspaces
 */
export function subjectId(subject: QuotaSubject, workspaceId: string, id: string): string {
  return subject === 'owner' ? `owner/${workspaceId}/${id}` : `${subject}/${id}`;
}

function counted(subject: QuotaSubject, { familyId, workspaceId, projectId, ownerId }: MeteredHolder): string {
  const id = { key: familyId, owner: ownerId, project: projectId, workspace: workspaceId }[subject];
  // Differs from the counter of the key, which the tier may limit as well.
  return id === null ? `key/${familyId}/no-${subject}` : subjectId(subject, workspaceId, id);
}
