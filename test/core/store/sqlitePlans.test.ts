import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { KEY_ORDER_FIELDS, keyPosition, type KeyPosition } from '../../../src/core/store/ordering.js';
import type { KeyFilter } from '../../../src/core/store/keyStore.js';
import type { Store } from '../../../src/core/store/store.js';
import type { DemoStore } from '../../../src/demo/store/demoStore.js';
import { testDemoOperations } from '../../demo/store/demoConformance.js';
import { openDemoTarget } from '../../demo/store/demoTarget.js';
import { testOperations } from './conformance.js';
import { givenKey, givenWorkspace, NOW } from './fixtures.js';

const root = mkdtempSync(join(tmpdir(), 'latchkey-plans-'));
let made = 0;
const target = () =>
  ({ engine: 'sqlite', dir: join(root, String(made++)), inThisThread: true, withDemo: true }) as const;

/** Every statement that the engine prepares in this file: it prepares each at its first use. */
const statements = new Set<string>();
const prototype = Database.prototype as { prepare: (sql: string) => unknown };
const { prepare } = prototype;
beforeAll(() => {
  prototype.prepare = function (this: Database.Database, sql: string) {
    statements.add(sql);
    return prepare.call(this, sql);
  };
});
afterAll(() => {
  prototype.prepare = prepare;
  rmSync(root, { recursive: true, force: true });
});

// The suite for both engines runs every operation of the store, so that a new one is included.
describe('SQLite in this thread', () => {
  const given = target();
  let store: Store & DemoStore;
  beforeAll(async () => void (store = await openDemoTarget(given)));
  afterAll(() => store.close());
  const bench = { store: () => store, target: () => given, runs: 5 };
  testOperations(bench);
  testDemoOperations(bench);
});

/** Reads without an index: the list that a caller passed, and the rows of a subquery, whose own plan is checked too. */
const ALLOWED = /^SCAN (json_each|used|\(subquery|CONSTANT ROW|[\d-]+ CONSTANT)/;

test('X1: every statement uses an index, and sorts nothing in memory', async () => {
  const given = target();
  const store = await openDemoTarget(given);
  const ws = await givenWorkspace(store);
  for (let i = 0; i < 4; i += 1)
    await givenKey(store, ws, { lastUsedAt: i < 2 ? null : NOW, expiresAt: i < 2 ? null : NOW + 9 });
  const filters: KeyFilter[] = [
    {},
    { status: 'ACTIVE' },
    { userId: 'usr' },
    { externalId: 'acme' },
    { projectId: 'prj' },
    { nameContains: 'x' },
  ];
  for (const filter of filters) {
    await store.keys.count(ws, filter, NOW);
    for (const field of KEY_ORDER_FIELDS) {
      for (const direction of ['ASC', 'DESC'] as const) {
        for (let after: KeyPosition | null = null, pages = 0; pages < 4; pages += 1) {
          const order = { field, direction };
          const { keys } = await store.keys.list(ws, { first: 1, after, filter, order, now: NOW });
          const last = keys.at(-1);
          if (last !== undefined) after = keyPosition(last, field);
        }
      }
    }
  }
  const audits = [{}, { subject: 's' }, { actor: 'a' }, { projectId: 'p' }, { actions: ['key.created'] }] as const;
  for (const filter of audits) {
    for (const more of [
      {},
      { from: 1 },
      { to: 9 },
      { actor: 'b', subject: 's' },
      { actions: ['key.revoked'] as const },
    ])
      await store.audit.list(ws, { first: 5, before: null, filter: { ...filter, ...more } });
  }

  for (const filter of [{}, { asset: 'a' }, { type: 't' }, { asset: 'a', type: 't' }])
    await store.events.list('prj', { first: 5, after: null, filter, since: 0 });

  const looked = [...statements].filter(
    (sql) => /^\s*(SELECT|INSERT|UPDATE|DELETE)/.test(sql) && !/sqlite_schema|pragma_table_info/.test(sql),
  );
  expect(looked.length).toBeGreaterThan(80);
  const db = new Database(join(given.dir, 'latchkey.db'));
  const rows = <Row>(sql: string): Row[] => (prepare.call(db, sql) as { all: (params: object) => Row[] }).all({});
  const plans = looked.map((sql) => ({
    sql: sql.replaceAll(/\s+/g, ' '),
    plan: rows<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).map(({ detail }) => detail),
  }));
  const faults = plans.flatMap(({ sql, plan }) => {
    const bad = plan.filter((detail) => isBad(detail));
    return bad.length === 0 ? [] : [{ sql, bad }];
  });
  expect(faults).toEqual([]);

  // Each index is written with each row. One that no statement uses only makes changes slower.
  const indexes = rows<{ name: string }>(
    `SELECT name FROM sqlite_schema WHERE type = 'index' AND name NOT LIKE 'sqlite_%' ORDER BY name`,
  ).map(({ name }) => name);
  expect(indexes.length).toBeGreaterThan(20);
  const details = plans.flatMap(({ plan }) => plan).join('\n');
  expect(indexes.filter((name) => !new RegExp(`INDEX ${name}\\b`).test(details))).toEqual([]);
  db.close();
  await store.close();
});

function isBad(detail: string): boolean {
  return (detail.startsWith('SCAN') && !ALLOWED.test(detail)) || detail.includes('USE TEMP B-TREE');
}

test('X1: the check of plans finds a scan and a sort', () => {
  expect(['SCAN keys', 'USE TEMP B-TREE FOR ORDER BY', 'SCAN keys USING INDEX keysByAge'].filter(isBad)).toHaveLength(
    3,
  );
  expect(
    ['SEARCH keys USING INDEX keysByAge (workspaceId=?)', 'SCAN json_each VIRTUAL TABLE INDEX 1:'].filter(isBad),
  ).toEqual([]);
});
