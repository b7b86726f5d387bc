import { ForeignSchemes } from '../core/auth/foreignSchemes.js';
import { configuredHolderOf, hasLeft, holderOf } from '../core/auth/principal.js';
import type { Actor } from '../core/keys/actor.js';
import { isConfigured, type WholeKey } from '../core/keys/configured.js';
import type { KnownScopes } from '../core/keys/knownScopes.js';
import { KeyMinter } from '../core/keys/minter.js';
import { KeyService } from '../core/keys/keyService.js';
import type { TierTable } from '../core/limits/tiers.js';
import { LimitsService } from '../management/limits/limitsService.js';
import { subjectsOf } from '../core/store/records.js';
import type { Holder } from '../management/access/resolvers.js';
import { CreditService } from '../management/quotas/creditService.js';
import { ProjectService } from '../management/workspaces/projectService.js';
import { UserService } from '../management/workspaces/userService.js';
import { WorkspaceService } from '../management/workspaces/workspaceService.js';
import type { Foundation } from './foundation.js';

interface ServicesOptions {
  readonly tiers: TierTable;
  readonly knownScopes: KnownScopes;
}

/** The operations on keys, workspaces, projects and users. */
export interface Services {
  readonly keys: KeyService;
  readonly workspaces: WorkspaceService;
  readonly projects: ProjectService;
  readonly users: UserService;
  readonly limits: LimitsService;
  readonly credits: CreditService;
  /** Returns the principal of a key's requests, and whether the key's user was removed. */
  readonly holderOf: (actor: Actor, key: WholeKey) => Promise<Holder>;
}

export function openServices(foundation: Foundation, { tiers, knownScopes }: ServicesOptions): Services {
  const { store, now, configured } = foundation;
  const { roles, ceilings, keys: configuredKeys } = configured;
  const minter = minterOf(foundation);
  const foreign = new ForeignSchemes(store.keys, now);
  const keys = new KeyService({
    store,
    minter,
    now,
    tiers,
    knownScopes,
    ceilings,
    configured: configuredKeys,
    roles,
    locateForeign: async (token) => foreign.locate(token),
  });
  const common = { roles, configured: configuredKeys, now };
  return {
    keys,
    workspaces: new WorkspaceService({ ...common, store, minter, tiers, defaultTier: foundation.tiers.defaultTier }),
    projects: new ProjectService({ ...common, store }),
    users: new UserService({ ...common, store }),
    limits: new LimitsService({ ...common, store }),
    credits: new CreditService({ ...common, store, tiers }),
    async holderOf(actor, key) {
      const { tier } = await keys.workspace(actor, key.workspaceId);
      if (isConfigured(key)) return { principal: configuredHolderOf(key, tier), left: false };
      const user = key.userId === null ? null : await store.users.find(key.userId);
      const overrides = await store.limits.findMany(key.workspaceId, subjectsOf(key, user));
      return { principal: holderOf({ key, tier, user, overrides }, roles(), now), left: hasLeft({ key, user }) };
    },
  };
}

function minterOf({ gate, peppers, configured }: Foundation): KeyMinter {
  return new KeyMinter({
    gate,
    peppers,
    get prefixes() {
      return configured.prefixes();
    },
  });
}
