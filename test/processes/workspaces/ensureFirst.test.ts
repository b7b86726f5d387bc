import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runFile } from '../../support/child.js';
import { openStoreHere } from '../../support/storeHere.js';

it.each(['FREE_TRIAL', 'ENTERPRISE'])(
  'only one of several processes that start together on %s creates the key',
  async (tier) => {
    const dir = mkdtempSync(join(tmpdir(), 'latchkey-workspaces-'));
    const store = await openStoreHere(dir);
    const env = { WORKSPACE_DIR: dir, WORKSPACE_TIER: tier };
    const children = Array.from({ length: 4 }, () => runFile('test/processes/workspaces/ensureFirst.worker.ts', env));
    const answers = await Promise.all(children.map((child) => child.waitFor(/key=(\S+)/)));
    await Promise.all(children.map((child) => child.stop('SIGTERM')));
    const made = answers.map(([, id]) => id).filter((id) => id !== 'none');
    expect(made).toHaveLength(1);
    const { keys } = await store.keys.list('default', { first: 100, after: null, filter: {}, now: Date.now() });
    expect(keys.map(({ id }) => id)).toEqual(made);
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  },
);
