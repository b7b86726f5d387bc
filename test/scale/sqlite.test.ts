import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import Database from 'libsql';
import { openSqliteStore } from '../../src/core/store/sqlite/open.js';
import type { Store } from '../../src/core/store/store.js';
import { aKey, NOW, placesFor } from '../core/store/fixtures.js';

const SIZE = 1_000_000;
const WS = 'ws_scale';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-scale-'));
let store: Store;

beforeAll(async () => {
  await (await openSqliteStore({ dir })).close();
  fill(join(dir, 'latchkey.db'));
  store = await openSqliteStore({ dir });
}, 1_800_000);

afterAll(async () => {
  await store.close();
  rmSync(dir, { recursive: true });
});

/** A million keys and entries in one workspace: every tenth key of each kind has expired or was revoked. */
function fill(file: string): void {
  const db = new Database(file);
  db.exec(`PRAGMA synchronous = OFF;
    INSERT INTO workspaces VALUES ('${WS}', 'Large', 'ENTERPRISE', 1);
    INSERT INTO workspaces VALUES ('ws_other', 'Small', 'STARTER', 1);
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${SIZE - 1})
    INSERT INTO keys (id, workspaceId, familyId, lookupId, tokenPrefix, secretHash, name, nameFolded, type, environment, scopes,
      createdAt, expiresAt, revokedAt, allowedAddresses, administers)
    SELECT printf('key_%07d', i), '${WS}', printf('key_%07d', i), printf('lookup%07d', i), 'lks_live', 'x', printf('Deployment %d', i),
      printf('deployment %d', i), 'SECRET', 'LIVE', '["assets:read"]', ${NOW} - ${SIZE} + i,
      iif(i % 10 = 1, ${NOW} - 1, NULL), iif(i % 10 = 2, ${NOW} - 1, NULL), '[]', 0 FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${SIZE})
    INSERT INTO audit (workspaceId, seq, id, at, action, subject, actorKind, actor, previousHash, hash)
    SELECT '${WS}', i, printf('aud_%07d', i), ${NOW} - ${SIZE} + i, iif(i % 2 = 0, 'key.created', 'key.revoked'),
      printf('key_%07d', i / 2), 'key', iif(i % 2 = 0, 'key_ada', 'key_bob'), '', printf('%064d', i) FROM n;
    INSERT INTO auditHeads VALUES ('${WS}', ${SIZE}, printf('%064d', ${SIZE}));`);
  db.close();
}

type Work = (open: Store) => Promise<unknown>;
const page = (filter: object) => ({ first: 25, after: null, filter, now: NOW });
const audited =
  (filter: object): Work =>
  async (open) =>
    (await open.audit.list(WS, { first: 25, before: null, filter })).length;
const listed =
  (filter: object, order?: object): Work =>
  async (open) =>
    (await open.keys.list(WS, { ...page(filter), ...order })).keys.length;
const counted =
  (filter: object): Work =>
  (open) =>
    open.keys.count(WS, filter, NOW);

test.each<[what: string, work: Work, found: unknown]>([
  ['a page of keys', listed({}), 25],
  ['a page by name', listed({}, { order: { field: 'NAME', direction: 'ASC' } }), 25],
  ['a page of revoked keys', listed({ status: 'REVOKED' }), 25],
  ['a page of keys of a user without keys', listed({ userId: 'usr_none' }), 0],
  ['a page of a name that no key has', listed({ nameContains: 'nowhere' }), 0],
  ['a page of a scope that no key has', listed({ scope: 'none' }), 0],
  ['the count of all keys', counted({}), SIZE],
  ['the count of active keys', counted({ status: 'ACTIVE' }), SIZE * 0.8],
  ['the count of living families', (open) => open.keys.countFamilies(WS, NOW), SIZE * 0.8],
  ['a page of the audit log', audited({}), 25],
  ['a page by actor and action', audited({ actor: 'key_ada', actions: ['key.created'] }), 25],
  ['a page by actor and action without a match', audited({ actor: 'key_ada', actions: ['key.revoked'] }), 0],
  ['a page by subject', audited({ subject: 'key_0000007' }), 2],
  ['a page by actor and subject without a match', audited({ actor: 'key_none', subject: 'key_0000007' }), 0],
  ['a page of a time long ago', audited({ from: NOW - SIZE + 10, to: NOW - SIZE + 20 }), 10],
  ['a page of a time and a project without a match', audited({ from: 1, projectId: 'prj_none' }), 0],
])(
  'X1: %s at 1,000,000',
  async (what, work, found) => {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    const began = performance.now();
    delay.enable();
    const result = await work(store);
    delay.disable();
    const took = performance.now() - began;
    process.stdout.write(`${what}: ${took.toFixed(0)} ms, event loop at most ${(delay.max / 1e6).toFixed(0)} ms\n`);
    expect(result).toBe(found);
  },
  120_000,
);

test('X1: a key is created in the large workspace', async () => {
  const began = performance.now();
  expect(await store.keys.insert(aKey(WS), placesFor(null, null), NOW)).toEqual({
    outcome: 'inserted',
  });
  expect(await store.keys.insert(aKey(WS), 5, NOW)).toMatchObject({ outcome: 'full' });
  process.stdout.write(`a creation and a refusal: ${(performance.now() - began).toFixed(0)} ms\n`);
  expect(await store.keys.count(WS, {}, NOW)).toBe(SIZE + 1);
});
