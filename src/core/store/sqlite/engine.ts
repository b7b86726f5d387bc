import type { Store } from '../store.js';
import { openAudit } from './audit.js';
import { openAuditSlices } from './auditSlices.js';
import type { Connection } from './connection.js';
import { NO_EXTENSION, type SqliteExtension } from './extension.js';
import { openGuardedSchemas } from './guardedSchemas.js';
import { openLimits } from './limitOverrides.js';
import { findingOverrides } from './overrideRows.js';
import { openKeys } from './keys.js';
import { openKeySlices } from './keySlices.js';
import { openProjects } from './projects.js';
import { openQuotas } from './quotas.js';
import { openSigningKeys } from './signingKeys.js';
import { slicedOperations, type Sliced } from './sliced.js';
import type { AskSlices, Slices } from './slices.js';
import { openUsage } from './usage.js';
import { openUsageSlices } from './usageSlices.js';
import { findingUsers } from './userRows.js';
import { openUsers } from './users.js';
import { openWorkspaces } from './workspaces.js';

type Parts = Omit<Store, 'ping' | 'close' | 'version'>;

/**
 * The operations on one connection. Each runs to completion in the calling thread. Instead of lists whose filters may
 * have to search many rows, it has the slices of these lists.
 */
export type Engine = {
  readonly [Part in keyof Parts]: Part extends keyof Sliced ? Omit<Parts[Part], keyof Sliced[Part]> : Parts[Part];
} & { readonly slices: AskSlices };

/** @param extension additional parts of the engine */
export function openEngine(connection: Connection, extension: SqliteExtension<object> = NO_EXTENSION): Engine {
  const audit = openAudit(connection);
  const findUser = findingUsers(connection);
  const findOverrides = findingOverrides(connection);
  const keys = openKeys(connection, audit, { findUser, findOverrides });
  return {
    ...extension.open(connection),
    keys,
    workspaces: openWorkspaces(connection, keys, audit),
    projects: openProjects(connection, audit),
    users: openUsers(connection, audit, findUser, keys),
    audit,
    usage: openUsage(connection),
    signingKeys: openSigningKeys(connection),
    guardedSchemas: openGuardedSchemas(connection),
    quotas: openQuotas(connection, keys, audit),
    limits: openLimits(connection, audit, findOverrides, keys),
    slices: promised({
      ...openKeySlices(connection),
      ...openAuditSlices(connection),
      ...openUsageSlices(connection),
    }),
  };
}

function promised(slices: Slices): AskSlices {
  return {
    keys: async (of) => slices.keys(of),
    keyCount: async (of) => slices.keyCount(of),
    families: async (of) => slices.families(of),
    auditDated: async (of) => slices.auditDated(of),
    audit: async (of) => slices.audit(of),
    usage: async (of) => slices.usage(of),
  };
}

/** Returns the operations of a store that uses an engine, with those of its extension. */
export function storeOf(engine: Engine): Parts {
  const { slices, ...parts } = engine;
  const { keys, audit, usage } = slicedOperations(slices);
  return {
    ...parts,
    keys: { ...parts.keys, ...keys },
    audit: { ...parts.audit, ...audit },
    usage: { ...parts.usage, ...usage },
  };
}
