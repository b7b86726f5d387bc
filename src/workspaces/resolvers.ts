import type { ActorContext } from '../keys/actor.js';
import type { KeyService } from '../keys/service.js';
import { TIER_LIMITS, type TierTable } from '../limits/tiers.js';
import type { Tier, WorkspaceRecord } from '../store/records.js';
import type { WorkspaceService } from './service.js';

export interface WorkspaceResolverOptions {
  readonly workspaces: WorkspaceService;
  readonly keys: KeyService;
  /** Default: the published table. */
  readonly tiers?: TierTable;
}

/** Resolvers of workspaces. */
export function workspaceResolvers({ workspaces, keys, tiers = TIER_LIMITS }: WorkspaceResolverOptions) {
  return {
    Query: {
      workspace: (_: unknown, { id }: { id?: string | null }, { principal }: ActorContext) =>
        keys.workspace(principal, id ?? principal.workspaceId),
    },
    Mutation: {
      createWorkspace: async (
        _: unknown,
        { input }: { input: { name: string; tier: Tier } },
        { principal }: ActorContext,
      ) => {
        const { workspace, key, token } = await workspaces.create(principal, input);
        return { workspace, apiKey: key, token };
      },
      setWorkspaceTier: async (_: unknown, { input }: { input: { workspaceId: string; tier: Tier } }) => ({
        workspace: await workspaces.setTier(input.workspaceId, input.tier),
      }),
    },
    Workspace: {
      keys: async (workspace: WorkspaceRecord) => ({
        current: await workspaces.countKeys(workspace.id),
        max: tiers[workspace.tier].keys,
      }),
    },
  };
}
