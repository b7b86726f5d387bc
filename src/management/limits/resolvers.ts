import type { ActorContext } from '../../core/keys/actor.js';
import type { LimitOverride, OverrideKind } from '../../core/store/records.js';
import { quotasOf } from '../../core/limits/overrides.js';
import type { Quota, QuotaUnit, QuotaWindow } from '../../core/quotas/quota.js';
import { tierQuota } from '../quotas/resolvers.js';
import { listing, pageRows } from '../schema/listing.js';
import { connectionOf } from '../schema/pageConnection.js';
import { cursorOf, positionOf, type LimitsService, type SetLimitsInput } from './limitsService.js';

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

/** The resolvers of limits that replace those of a tier. */
export function limitResolvers({ limits, now }: { readonly limits: LimitsService; readonly now: () => number }) {
  return {
    Query: {
      limitOverrides: listing(
        ({ workspaceId, first, after }: ListArguments, { principal }: ActorContext) =>
          limits.list(workspaceId ?? principal.workspaceId, first ?? 50, after == null ? null : positionOf(after)),
        ({ first }) => pageRows(first, 50),
      ),
    },
    Mutation: {
      setLimits: async (_: unknown, { input }: Arguments, { principal, origin }: ActorContext) => {
        const { type, ...subject } = input.subject;
        // The schema allows no other type.
        const kind = KINDS.get(type) ?? 'key';
        const quotas = input.quotas?.map(quotaIn) ?? null;
        const given = { ...input, quotas, subject: { ...subject, type: kind } };
        return { override: await limits.set(principal, given, origin) };
      },
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

function quotaIn({ window, unit, limit = null, anchorDay = null }: GivenQuota): Omit<Quota, 'subject'> {
  return {
    window: window.toLowerCase() as QuotaWindow,
    unit: unit.toLowerCase() as QuotaUnit,
    limit,
    ...(anchorDay !== null && { anchorDay }),
  };
}
