import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../../src/store/sqlite/open.js';
import { givenKey, givenWorkspace } from './fixtures.js';

test('R2: pages that are asked for at once don’t hold up a look-up', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-turns-'));
  const store = await openSqliteStore({ dir });
  const workspaceId = await givenWorkspace(store);
  const key = await givenKey(store, workspaceId);
  const done: string[] = [];
  const pages = Array.from({ length: 25 }, async () => {
    await store.audit.list(workspaceId, { first: 10, before: null, filter: {} });
    done.push('page');
  });
  const lookup = store.keys.findForVerification(key.lookupId).then(() => done.push('look-up'));
  await Promise.all([...pages, lookup]);
  expect(done[0]).toBe('look-up');
  await store.close();
  rmSync(dir, { recursive: true });
});
