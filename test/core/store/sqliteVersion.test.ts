import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EFFECTS, READS } from '../../../src/core/keys/effects.js';
import type { LimitOverride } from '../../../src/core/store/records.js';
import type { Store } from '../../../src/core/store/store.js';
import { aBatch, ADA, aKey, anHeir, aUser, givenKey, givenWorkspace, NOW } from './fixtures.js';
import { openTarget } from './target.js';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-version-'));
/** Two connections to the same file, like two processes. */
let store: Store;
let other: Store;
let ws: string;
beforeAll(async () => {
  store = await openTarget({ engine: 'sqlite', dir });
  other = await openTarget({ engine: 'sqlite', dir });
  ws = await givenWorkspace(store);
});
afterAll(async () => {
  await store.close();
  await other.close();
  rmSync(dir, { recursive: true, force: true });
});

const at = { at: NOW, author: ADA };
const version = (): number => {
  const found = other.version?.() ?? null;
  if (found === null) throw new Error('The version is unknown.');
  return found;
};
const override = (fields: Partial<LimitOverride>): LimitOverride => ({
  ...{ workspaceId: ws, kind: 'workspace', subjectId: ws, rate: null, burst: null, quotas: null, until: null },
  ...{ reason: null, setBy: null, setAt: NOW, ...fields },
});
const givenUser = async () => {
  const user = aUser(ws);
  await store.users.add(user);
  return user;
};

/** Prepares a change, and returns the function that makes it. */
type Change = () => Promise<() => Promise<unknown>>;

const changed =
  (change: (id: string) => Promise<unknown>): Change =>
  async () => {
    const { id } = await givenKey(store, ws);
    return () => change(id);
  };

/** Every operation that makes cached records stale. */
const CHANGES: Readonly<Record<string, Change>> = {
  'keys.rotate': async () => {
    const key = await givenKey(store, ws);
    return () => store.keys.rotate(key.id, ws, { successor: anHeir(key), overlapEnd: NOW }, at);
  },
  'keys.expire': changed((id) => store.keys.expire(id, ws, NOW, at)),
  'keys.revoke': changed((id) => store.keys.revoke(id, ws, null, at)),
  'keys.revokeMany': changed((id) => store.keys.revokeMany([id], ws, null, at)),
  'keys.update': changed((id) => store.keys.update(id, ws, { trustedDocuments: ['a'.repeat(64)] }, at)),
  'workspaces.setTier': async () => () => store.workspaces.setTier(ws, 'GROWTH', NOW),
  'users.update': async () => {
    const { id } = await givenUser();
    return () => store.users.update(id, ws, { roles: [] }, at);
  },
  'users.remove': async () => {
    const { id } = await givenUser();
    return () => store.users.remove(id, ws, at);
  },
  'limits.set': async () => () => store.limits.set(override({ rate: 5 }), { ...at, subject: ws, projectId: null }),
};

test('the version of a store changes with each operation that makes cached records stale, of another process', async () => {
  const names = Object.entries(EFFECTS).flatMap(([part, operations]) =>
    Object.entries(operations).flatMap(([name, effect]) =>
      part !== 'configuration' && effect !== READS && effect.stale !== null ? [`${part}.${name}`] : [],
    ),
  );
  expect(Object.keys(CHANGES).toSorted()).toEqual(names.toSorted());
  for (const [name, prepare] of Object.entries(CHANGES)) {
    const change = await prepare();
    const before = version();
    await change();
    expect([name, version()]).not.toEqual([name, before]);
  }
});

test('the version changes when an override is replaced or removed, and when ended keys are removed', async () => {
  const set = (fields: Partial<LimitOverride>) =>
    store.limits.set(override(fields), { ...at, subject: ws, projectId: null });
  await set({ rate: 6 });
  const versions = [version()];
  await set({ rate: 7 });
  versions.push(version());
  await set({});
  versions.push(version());
  await givenKey(store, ws, { revokedAt: NOW });
  versions.push(version());
  await store.keys.removeEnded(NOW, 100);
  versions.push(version());
  // A new key has no cached record.
  expect(versions.map((each) => each - (versions[0] ?? 0))).toEqual([0, 1, 2, 2, expect.any(Number)]);
  expect(versions[4]).toBeGreaterThan(versions[3] ?? Infinity);
});

test('the version stays the same while keys are used, created and read', async () => {
  const key = await givenKey(store, ws);
  const before = version();
  await store.keys.touch(new Map([[key.id, NOW]]));
  await store.usage.add(aBatch([]), NOW);
  await store.keys.insert(aKey(ws), null, NOW);
  await store.keys.findForVerification(key.lookupId);
  expect(await store.keys.find(key.id, ws)).toMatchObject({ lastUsedAt: NOW });
  expect(version()).toBe(before);
});

test('the version of a closed store is unknown', async () => {
  const closed = await openTarget({ engine: 'sqlite', dir });
  expect(closed.version?.()).toEqual(expect.any(Number));
  await closed.close();
  expect(closed.version?.()).toBeNull();
});
