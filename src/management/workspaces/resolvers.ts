import type { GraphQLResolveInfo } from 'graphql';
import type { ActorContext } from '../../core/keys/actor.js';
import { decodeCursor, encodeCursor } from '../keys/keyCursor.js';
import { oncePerQuery } from '../keys/keyLoaders.js';
import type { KeyService } from '../../core/keys/keyService.js';
import { rowOf, TIER_LIMITS, tierOf, type TierTable } from '../../core/limits/tiers.js';
import type { Tier, WorkspaceRecord } from '../../core/store/records.js';
import type { PlaceKind } from '../../core/store/keyStore.js';
import { connectionOf } from '../schema/pageConnection.js';
import { listing, pageRows } from '../schema/listing.js';
import type { ProjectService } from './projectService.js';
import type { WorkspaceService } from './workspaceService.js';
import type { UserService } from './userService.js';

interface WorkspaceResolverOptions {
  readonly workspaces: WorkspaceService;
  readonly projects: ProjectService;
  readonly users: UserService;
  readonly keys: KeyService;
  /** @default the published limits */
  readonly tiers?: TierTable;
}

interface PageArguments {
  readonly first?: number | null;
  readonly after?: string | null;
}

/** The resolvers of workspaces and their projects and users. */
export function workspaceResolvers(options: WorkspaceResolverOptions) {
  const { workspaces, projects, users, keys, tiers = TIER_LIMITS } = options;
  const countOf = oncePerQuery(
    ({ id, kind }: { readonly id: string; readonly kind: PlaceKind }) => workspaces.countKeys(id, kind),
    ({ id, kind }) => `${kind} ${id}`,
  );
  const placesOf = (id: string, tier: Tier, kind: PlaceKind) => ({
    current: (_: unknown, context: ActorContext, info: GraphQLResolveInfo) => countOf(context, info, { id, kind }),
    max: rowOf(tiers, tier)[kind],
  });
  return {
    Query: {
      workspace: (_: unknown, { id }: { id?: string | null }, { principal }: ActorContext) =>
        keys.workspace(principal, id ?? principal.workspaceId),
      project: (_: unknown, { id }: { id: string }, { principal }: ActorContext) => projects.find(principal, id),
      projects: listing(
        ({ first, after }: PageArguments, { principal }: ActorContext) =>
          projects.list(principal, first ?? 50, after == null ? null : decodeCursor(after, 'prj')),
        ({ first }) => pageRows(first, 50),
      ),
      user: (_: unknown, { id }: { id: string }, { principal }: ActorContext) => users.find(principal, id),
      users: listing(
        ({ first, after }: PageArguments, { principal }: ActorContext) =>
          users.list(principal, first ?? 50, after == null ? null : decodeCursor(after, 'usr')),
        ({ first }) => pageRows(first, 50),
      ),
    },
    Mutation: {
      createWorkspace: async (
        _: unknown,
        { input }: { input: { name: string; tier?: Tier | null } },
        { principal, origin }: ActorContext,
      ) => {
        const { workspace, key, token } = await workspaces.create(principal, input, origin);
        return { workspace, apiKey: key, token };
      },
      createProject: async (
        _: unknown,
        { input }: { input: { name: string } },
        { principal, origin }: ActorContext,
      ) => ({ project: await projects.create(principal, input, origin) }),
      renameProject: async (
        _: unknown,
        { input }: { input: { id: string; name: string } },
        { principal, origin }: ActorContext,
      ) => ({ project: await projects.rename(principal, input, origin) }),
      addUser: async (
        _: unknown,
        { input }: { input: { name: string; roles: readonly string[]; externalId?: string | null } },
        { principal, origin }: ActorContext,
      ) => ({ user: await users.add(principal, input, origin) }),
      updateUser: async (
        _: unknown,
        {
          input,
        }: {
          input: { id: string; name?: string | null; roles?: readonly string[] | null; externalId?: string | null };
        },
        { principal, origin }: ActorContext,
      ) => ({ user: await users.update(principal, input, origin) }),
      removeUser: async (_: unknown, { input }: { input: { id: string } }, { principal, origin }: ActorContext) => ({
        user: await users.remove(principal, input.id, origin),
      }),
      setWorkspaceTier: async (
        _: unknown,
        { input }: { input: { workspaceId: string; tier: Tier } },
        { principal, origin }: ActorContext,
      ) => ({ workspace: await workspaces.setTier(principal, input.workspaceId, input.tier, origin) }),
    },
    ProjectConnection: CONNECTION,
    UserConnection: CONNECTION,
    Workspace: {
      // The table may have changed since the record was read.
      tier: ({ tier }: WorkspaceRecord) => tierOf(tiers, tier),
      keys: ({ id, tier }: WorkspaceRecord) => ({
        ...placesOf(id, tier, 'keys'),
        admin: placesOf(id, tier, 'adminKeys'),
      }),
    },
  };
}

const CONNECTION = connectionOf(encodeCursor);
