import { UNOBSERVED, type Observer } from '../../../src/core/observer/observer.js';
import { Duplicate, StoreUnavailable } from '../../../src/core/store/storeErrors.js';
import { observedStore } from '../../../src/core/store/observedStore.js';
import { openSqliteStore } from '../../../src/core/store/sqlite/open.js';
import type { Store } from '../../../src/core/store/store.js';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { aKey, aWorkspace, NOW } from './fixtures.js';

let dir: string;
let plain: Store;
let store: Store;
let told: [operation: string, outcome: string][];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-observed-'));
  plain = await openSqliteStore({ dir });
  told = [];
  const observer: Observer = {
    ...UNOBSERVED,
    storeAnswered(operation, ms, outcome) {
      expect(ms).toBeGreaterThanOrEqual(0);
      told.push([operation, outcome]);
    },
  };
  store = observedStore(plain, observer);
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true });
});

test('reports each operation with its name and outcome, and returns its result', async () => {
  const workspace = aWorkspace();
  const key = aKey(workspace.id);
  await store.workspaces.create(workspace, key);
  expect((await store.keys.findForVerification(key.lookupId))?.key).toEqual(key);
  expect(await store.keys.find('key_nothing', null)).toBeNull();
  await expect(store.keys.insert(key, null, NOW)).rejects.toThrow(Duplicate);
  await store.ping();
  expect(told).toEqual([
    ['workspaces.create', 'ok'],
    ['keys.findForVerification', 'ok'],
    ['keys.find', 'ok'],
    ['keys.insert', 'duplicate'],
    ['ping', 'ok'],
  ]);
});

test.each<[string, () => unknown, string]>([
  ['is away', () => Promise.reject(new StoreUnavailable(new Error('x'))), 'unavailable'],
  ['breaks', () => Promise.reject(new TypeError('x')), 'error'],
  [
    'breaks at once',
    () => {
      throw new TypeError('x');
    },
    'error',
  ],
])('reports an engine that %s, and passes its error on', async (_, fault, outcome) => {
  await store.keys.find('before', null);
  Object.assign(plain.keys, { find: fault });
  await expect(store.keys.find('x', null)).rejects.toThrow();
  expect(told.at(-1)).toEqual(['keys.find', outcome]);
});

test('returns the store itself without an observer', () => {
  expect(observedStore(plain, UNOBSERVED)).toBe(plain);
});
