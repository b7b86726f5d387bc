import type { ActorContext } from '../../core/keys/actor.js';
import type { LimitOverride, OverrideKind } from '../../core/store/records.js';
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

interface Arguments {
  readonly input: Omit<SetLimitsInput, 'subject'> & {
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
        return { override: await limits.set(principal, { ...input, subject: { ...subject, type: kind } }, origin) };
      },
    },
    LimitOverride: {
      type: ({ kind }: LimitOverride) => TYPES[kind],
      id: ({ subjectId }: LimitOverride) => subjectId,
      active: ({ until }: LimitOverride) => until === null || until > now(),
    },
    LimitOverrideConnection: connectionOf<LimitOverride>(cursorOf),
  };
}
