import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keyPosition } from '../../../src/core/store/ordering.js';
import type { KeyFilter } from '../../../src/core/store/keyStore.js';
import { Connection } from '../../../src/core/store/sqlite/connection.js';
import { openEngine, storeOf, type Engine } from '../../../src/core/store/sqlite/engine.js';
import { migrate } from '../../../src/core/store/sqlite/migrations.js';
import { SLICE } from '../../../src/core/store/sqlite/slices.js';
import { aKey, aWorkspace, NOW } from './fixtures.js';

const KEYS = 2_500;
const dir = mkdtempSync(join(tmpdir(), 'latchkey-slices-'));
const connection = new Connection(join(dir, 'latchkey.db'), 1_000);
migrate(connection);
const engine = openEngine(connection);
/** The lengths of the slices that were read. */
let lengths: number[] = [];
const { slices } = engine;
const counted: Engine = {
  ...engine,
  slices: {
    ...slices,
    keys: (of) => (lengths.push(of.length), slices.keys(of)),
    auditDated: (of) => (lengths.push(of.length), slices.auditDated(of)),
  },
};
const store = storeOf(counted);
const workspace = aWorkspace();

beforeAll(async () => {
  await engine.workspaces.ensure(workspace);
  // Every fifth key has an owner, and the oldest two keys have another one.
  const ownerOf = (i: number) => (i < 2 ? 'rare' : i % 5 === 0 ? 'ada' : null);
  const keys = Array.from({ length: KEYS }, (_, i) =>
    aKey(workspace.id, { createdAt: NOW + i, name: `Key of ${ownerOf(i)}`, externalId: ownerOf(i) }),
  );
  await engine.keys.insertMany(keys, null, NOW);
});
beforeEach(() => void (lengths = []));
afterAll(() => {
  connection.close();
  rmSync(dir, { recursive: true, force: true });
});

const page = async (filter: KeyFilter, first = 25) => {
  const { keys } = await store.keys.list(workspace.id, { first, after: null, filter, now: NOW });
  return keys.map((key) => Number(keyPosition(key, 'CREATED').value) - NOW);
};

test('a page of a filter that selects many keys searches a small multiple of it', async () => {
  expect(await page({ externalId: 'ada' })).toEqual(Array.from({ length: 25 }, (_, i) => KEYS - 5 - 5 * i));
  expect(await page({ nameContains: 'ada' })).toEqual(Array.from({ length: 25 }, (_, i) => KEYS - 5 - 5 * i));
  expect(lengths).toEqual([208, 208]);
});

test('a page of a filter that selects few keys searches longer and longer slices, up to the longest', async () => {
  expect(await page({ nameContains: 'rare' })).toEqual([1, 0]);
  expect(lengths).toEqual([208, 1_664, SLICE]);
  lengths = [];
  expect(await page({ nameContains: 'rare' }, 1)).toEqual([1]);
  expect(lengths).toEqual([16, 128, 1_024, 8_192]);
});

test('entries in a range of times are found in slices of a growing length', async () => {
  const list = (subject?: string) =>
    store.audit.list(workspace.id, { first: 10, before: null, filter: { from: NOW, ...(subject && { subject }) } });
  expect(await list()).toHaveLength(10);
  expect(lengths).toEqual([80]);
  lengths = [];
  const [oldest] = await store.audit.list(workspace.id, { first: 1, before: 3, filter: {} });
  expect(await list(oldest?.subject)).toHaveLength(1);
  expect(lengths).toEqual([80, 640, 5_120]);
});
