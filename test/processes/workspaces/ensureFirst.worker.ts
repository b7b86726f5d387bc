import { BcryptGate } from '../../../src/core/keys/bcryptGate.js';
import { KeyMinter } from '../../../src/core/keys/minter.js';
import { DEFAULT_PREFIXES } from '../../../src/core/keys/token.js';
import { openSqliteStore } from '../../../src/core/store/sqlite/open.js';
import { WorkspaceService } from '../../../src/management/workspaces/workspaceService.js';

const store = await openSqliteStore({ dir: process.env.WORKSPACE_DIR ?? '' });
const minter = new KeyMinter({ gate: new BcryptGate({ cost: 4 }), peppers: null, prefixes: DEFAULT_PREFIXES });
const workspaces = new WorkspaceService({ store, minter, now: Date.now });

// All workers start at the same time, however long each took to load.
const MOMENT = 500;
await new Promise((resolve) => setTimeout(resolve, MOMENT - (Date.now() % MOMENT)));
const tier = process.env.WORKSPACE_TIER ?? 'GROWTH';
const issued = await workspaces.ensureFirst({ id: 'default', tier, withKey: true });
process.stdout.write(`key=${issued?.key.id ?? 'none'}\n`);
await store.close();
