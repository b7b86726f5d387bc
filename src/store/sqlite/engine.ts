import type { Store } from '../store.js';
import { openAssets } from './assets.js';
import { openAudit } from './audit.js';
import type { Connection } from './connection.js';
import { openEvents } from './events.js';
import { openKeys } from './keys.js';
import { openProjects } from './projects.js';
import { openUsage } from './usage.js';
import { findingUsers, openUsers } from './users.js';
import { openWorkspaces } from './workspaces.js';

/** The operations on one connection. Each runs in the thread that calls it, to its end. */
export type Engine = Omit<Store, 'ping' | 'close'>;

export function openEngine(connection: Connection): Engine {
  const audit = openAudit(connection);
  const findUser = findingUsers(connection);
  const keys = openKeys(connection, audit, findUser);
  return {
    keys,
    workspaces: openWorkspaces(connection, keys, audit),
    projects: openProjects(connection, audit),
    users: openUsers(connection, audit, findUser, keys),
    audit,
    usage: openUsage(connection),
    assets: openAssets(connection),
    events: openEvents(connection),
  };
}
