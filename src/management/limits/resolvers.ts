import type { ActorContext } from '../../core/keys/actor.js';
import type { LimitOverride, OverrideKind } from '../../core/store/records.js';
import { limitsOf } from '../../core/limits/bounds.js';
import type { Limits, Subject } from '../../core/limits/limits.js';
import { quotasOf } from '../../core/limits/overrides.js';
import { subjectOfShared } from '../../core/limits/peekAll.js';
import { subjectOfKey } from '../../core/limits/subjects.js';
import { tierOf, type TierTable } from '../../core/limits/tiers.js';
import type { WindowName } from '../../core/limits/window.js';
import type { Quota, QuotaUnit, QuotaWindow } from '../../core/quotas/quota.js';
import { tierQuota } from '../quotas/resolvers.js';
import { after } from '../schema/after.js';
import { listing, pageRows } from '../schema/listing.js';
import { connectionOf } from '../schema/pageConnection.js';
import { cursorOf, positionOf, type LimitsService, type SetLimitsInput } from './limitsService.js';
import { roomsOf, shownLimit } from './shownLimits.js';
import type { LimitedSubject, SubjectLimits } from './subjectLimits.js';
import { SUBJECTS, type NamedSubject } from './findSubject.js';

const TYPES: Readonly<Record<OverrideKind, string>> = {
  key: 'API_KEY',
  user: 'USER',
  external: 'EXTERNAL_ID',
  project: 'PROJECT',
  workspace: 'WORKSPACE',
};

const KINDS = new Map(Object.entries(TYPES).map(([kind, type]) => [type, kind as OverrideKind]));

interface GivenQuota {
  readonly window: Uppercase<QuotaWindow>;
  readonly unit: Uppercase<QuotaUnit>;
  readonly limit?: number | null;
  readonly anchorDay?: number | null;
}

interface Arguments {
  readonly input: Omit<SetLimitsInput, 'subject' | 'quotas'> & {
    readonly quotas?: readonly GivenQuota[] | null;
    readonly subject: { readonly type: string; readonly id: string; readonly workspaceId?: string | null };
  };
}

interface ListArguments {
  readonly workspaceId?: string | null;
  readonly first?: number | null;
  readonly after?: string | null;
}

interface LimitResolverOptions {
  readonly limits: LimitsService;
  readonly subjects: SubjectLimits;
  readonly limiter: Limits;
  readonly now: () => number;
}

interface SubjectArguments {
  readonly subject: Arguments['input']['subject'];
}

/** The resolvers of the limits of subjects, and of limits that replace those of a tier. */
export function limitResolvers({ limits, subjects, limiter, now }: LimitResolverOptions) {
  const roomOf = roomsOf(limiter);
  /** Returns one window; null if the keys of the subject share none. */
  const windowOf = (name: WindowName) => (subject: LimitedSubject, _: unknown, context: ActorContext) => {
    const windows = windowsOf(subject, limiter.tiers);
    if (windows === null) return null;
    const override = subject.limited.overrides?.current()[SUBJECTS[subject.kind]] ?? null;
    return after(roomOf(context, windows), (room) => shownLimit(room[name], name, override));
  };
  return {
    Query: {
      limitsOf: (_: unknown, { subject }: SubjectArguments, { principal }: ActorContext) =>
        subjects.find(principal, namedIn(subject)),
      limitOverrides: listing(
        ({ workspaceId, first, after }: ListArguments, { principal }: ActorContext) =>
          limits.list(workspaceId ?? principal.workspaceId, first ?? 50, after == null ? null : positionOf(after)),
        ({ first }) => pageRows(first, 50),
      ),
    },
    Mutation: {
      setLimits: async (_: unknown, { input }: Arguments, { principal, origin }: ActorContext) => {
        const quotas = input.quotas?.map(quotaIn) ?? null;
        const given = { ...input, quotas, subject: namedIn(input.subject) };
        return { override: await limits.set(principal, given, origin) };
      },
    },
    SubjectLimits: {
      type: ({ kind }: LimitedSubject) => TYPES[kind],
      id: ({ subjectId }: LimitedSubject) => subjectId,
      workspaceId: ({ limited }: LimitedSubject) => limited.workspaceId,
      tier: ({ limited }: LimitedSubject) => tierOf(limiter.tiers, limited.tier),
      rate: windowOf('rate'),
      burst: windowOf('burst'),
    },
    LimitOverride: {
      type: ({ kind }: LimitOverride) => TYPES[kind],
      id: ({ subjectId }: LimitOverride) => subjectId,
      quotas: (override: LimitOverride) => quotasOf(override)?.map(tierQuota) ?? null,
      active: ({ until }: LimitOverride) => until === null || until > now(),
    },
    LimitOverrideConnection: connectionOf<LimitOverride>(cursorOf),
  };
}

function namedIn({ type, ...subject }: SubjectArguments['subject']): NamedSubject {
  // The schema allows no other type.
  return { ...subject, type: KINDS.get(type) ?? 'key' };
}

/** Returns the subject whose windows count the requests of a subject; null if it has no windows. */
function windowsOf({ kind, limited }: LimitedSubject, tiers: TierTable): Subject | null {
  const subject = subjectOfKey(limited, tiers);
  if (kind === 'key') return subject;
  const shared = subject.shared?.find(({ of }) => of === SUBJECTS[kind]);
  return shared === undefined ? null : subjectOfShared(shared, subject, limitsOf(subject, tiers));
}

function quotaIn({ window, unit, limit = null, anchorDay = null }: GivenQuota): Omit<Quota, 'subject'> {
  return {
    window: window.toLowerCase() as QuotaWindow,
    unit: unit.toLowerCase() as QuotaUnit,
    limit,
    ...(anchorDay !== null && { anchorDay }),
  };
}
