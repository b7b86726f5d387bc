import mongoose, { type Connection } from 'mongoose';
import { openMongo } from '../../../src/core/store/mongo/open.js';
import { FOLDING } from '../../../src/core/store/mongo/schemas.js';
import { KEY_ORDER_FIELDS, keyPosition, type KeyPosition } from '../../../src/core/store/ordering.js';
import type { Store } from '../../../src/core/store/store.js';
import { during, noteCommand, sent, shapes, type SentShape } from './commands.js';
import { storeConformance, storeProcessConformance, type Engine } from './conformance.js';
import { aKey, givenKey, givenWorkspace, NOW, unique } from './fixtures.js';
import { faultOf, type Fault, type Index } from './indexFit.js';
import { MONGO_PARTS } from '../../../src/demo/store/mongo/mongoParts.js';
import type { DemoStore } from '../../../src/demo/store/demoStore.js';
import { demoConformance } from '../../demo/store/demoConformance.js';
import { openDemoTarget } from '../../demo/store/demoTarget.js';
import { freshUri } from '../../support/mongo.js';

const uri = freshUri();
let store: Store & DemoStore;
let raw: Connection;

beforeAll(async () => {
  store = await openDemoTarget({ engine: 'mongo', uri });
  raw = await mongoose.createConnection(uri, { monitorCommands: true }).asPromise();
});
afterAll(async () => {
  await store.close();
  await raw.dropDatabase();
  await mongoose.disconnect();
});

// The suite for both engines sends every kind of command, so that a new operation is included.
const engine: Engine = {
  runs: 20,
  killedAfter: [10, 23, 41],
  create: async () => ({ engine: 'mongo', uri: freshUri() }),
  drop: async (target) => {
    if (target.engine !== 'mongo') return;
    const connection = await mongoose.createConnection(target.uri).asPromise();
    await connection.dropDatabase();
    await connection.close();
  },
};
storeConformance('MongoDB', engine);
storeProcessConformance('MongoDB', engine);
demoConformance('MongoDB', engine);

test('X11: each command of the suite used read concern majority, and write concern majority with journal', () => {
  expect(sent.faults).toEqual([]);
  expect([...sent.counts.keys()]).toEqual(
    expect.arrayContaining(['find', 'aggregate', 'insert', 'update', 'delete', 'findAndModify']),
  );
  expect(sent.counts.get('find')).toBeGreaterThan(100);
});

/** Lists and counts with each filter, each order and each position in it. */
async function listAll(): Promise<void> {
  const ws = await givenWorkspace(store);
  for (let i = 0; i < 4; i++)
    await givenKey(store, ws, { lastUsedAt: i < 2 ? null : NOW, expiresAt: i < 2 ? null : NOW + 9 });
  const filters = [{}, { status: 'ACTIVE' }, { userId: 'usr' }, { projectId: 'prj' }, { scope: 'x' }] as const;
  for (const filter of filters) {
    await store.keys.count(ws, filter, NOW);
    for (const field of KEY_ORDER_FIELDS) {
      for (const direction of ['ASC', 'DESC'] as const) {
        for (let after: KeyPosition | null = null, pages = 0; pages < 4; pages++) {
          const page = { first: 1, after, filter, order: { field, direction }, now: NOW };
          const last = (await store.keys.list(ws, page)).keys.at(-1);
          if (last !== undefined) after = keyPosition(last, field);
        }
      }
    }
  }
  for (const filter of [
    {},
    { subject: 's' },
    { actor: 'a' },
    { projectId: 'p' },
    { actions: ['key.created'] },
  ] as const) {
    for (const more of [{}, { from: 1 }, { to: 9 }, { actor: 'b', subject: 's' }]) {
      for (const before of [null, 2]) await store.audit.list(ws, { first: 5, before, filter: { ...filter, ...more } });
    }
  }
}

/** Takes places under a limit, beyond it, and by a change of scopes. */
async function placeAll(): Promise<void> {
  const ws = await givenWorkspace(store);
  for (let i = 0; i < 3; i++) await store.keys.insert(aKey(ws), null, NOW);
  const admin = aKey(ws, { scopes: ['admin'], expiresAt: NOW + 9 });
  await store.keys.insert(admin, 3, NOW);
  const outcomes: string[] = [];
  for (const limit of [5, 5, 5, 2]) {
    outcomes.push((await store.keys.insert(aKey(ws, { expiresAt: NOW + 4 }), limit, NOW)).outcome);
  }
  // Finds and releases the slots of ended families.
  outcomes.push((await store.keys.insert(aKey(ws), 5, NOW + 8)).outcome);
  const scopes = ['x:read'];
  outcomes.push((await store.keys.update(admin.id, ws, { scopes }, { at: NOW, places: 9 })).outcome);
  expect(outcomes).toEqual(['inserted', 'inserted', 'full', 'full', 'inserted', 'changed']);
}

/** A start on a store of an earlier release with more families than one read. */
async function start(): Promise<void> {
  const ws = await givenWorkspace(store);
  await givenKey(store, ws, { name: 'Café' });
  const keys = raw.collection<{ _id: string }>('latchkey_keys');
  await keys.updateMany({ workspaceId: ws }, { $unset: { folding: '', keysEnd: '', adminEnd: '' } });
  const like = await keys.findOne({ workspaceId: ws });
  const families = Array.from({ length: 1_100 }, (_, i) => {
    const id = unique('key');
    return { ...like, _id: id, familyId: id, lookupId: id, slot: 2 ** 33 + i, folding: FOLDING };
  });
  await keys.insertMany(families);
  const other = new URL(uri);
  other.pathname += '_old';
  const old = raw.useDb(other.pathname.slice(1));
  await old.collection('latchkey_usage').insertOne({ keyId: 'k', start: new Date(NOW), requests: 1 });
  await old.collection('latchkey_assets').insertOne({ workspaceId: 'ws', name: 'orders' });
  raw.getClient().on('commandStarted', noteCommand);
  await during('start', async () => (await openMongo({ connection: raw, timeout: 60_000 }, MONGO_PARTS)).close());
  await during('start', async () => (await openMongo({ connection: old, timeout: 60_000 }, MONGO_PARTS)).close());
  await old.dropDatabase();
}

const PART_OF_NAME = 'No index of MongoDB finds a part of a text. docs/how-to/operations.md says so.';
const FEW_VALUES = 'Two or three values, which no index makes few keys of. docs/how-to/operations.md says so.';
const OF_STATUS = 'The status depends on the time, so an order is read and judged. docs/how-to/operations.md says so.';
const OTHER_ORDER = 'The filter has an index in the default order only. docs/how-to/operations.md says so.';
const WITHIN_TIME =
  'A time has an index, and so has each other filter, but not both. docs/how-to/operations.md says so.';
const BEGINNING = 'The two or more characters that a lookup ID begins with are random: one key in 3,844 has them.';

function forFields(what: string, reasons: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(reasons).map(([field, reason]) => [`${what} for ${field}`, reason]));
}

/** Commands that no index serves, with the reason. A reason for a command with an index is also an error. */
const REASONS: Readonly<Record<string, string>> = {
  ...forFields('keys.list: looks through latchkey_keys', {
    $expr: PART_OF_NAME,
    environment: FEW_VALUES,
    type: FEW_VALUES,
    revokedAt: OF_STATUS,
    expiresAt: OF_STATUS,
    projectId: OTHER_ORDER,
    userId: OTHER_ORDER,
    scopes: OTHER_ORDER,
  }),
  ...forFields('keys.count: looks through latchkey_keys', {
    $expr: PART_OF_NAME,
    environment: FEW_VALUES,
    type: FEW_VALUES,
    revokedAt: OF_STATUS,
  }),
  ...forFields('audit.list: looks through latchkey_audit', {
    action: WITHIN_TIME,
    actor: WITHIN_TIME,
    projectId: WITHIN_TIME,
    subject: WITHIN_TIME,
  }),
  ...forFields('keys.search: looks through latchkey_keys', {
    projectId: BEGINNING,
    removed: BEGINNING,
    workspaceId: BEGINNING,
  }),
  ...forFields('start: looks through latchkey_keys', {
    name: 'Only keys that an earlier release wrote, which do not say how their name is folded.',
  }),
  'audit.heads: looks through latchkey_audit_heads for seq':
    'Skips only the head of a chain whose first entry is being added.',
  'start: scan of latchkey_projects': 'Read once a start, within its own time limit; workspaces have few projects.',
  'start: scan of latchkey_assets':
    'Once in a store of a release before projects. The indexes tell whether it was done.',
  'start: scan of latchkey_usage': 'Once in a store of a release before days.',
};

/** @returns the fault of the plan of a kind of command, as text */
function named({ operation, collection, sort }: SentShape, fault: Fault): readonly string[] {
  if (typeof fault === 'object')
    return fault.looksThrough.map((field) => `${operation}: looks through ${collection} for ${field}`);
  const order = Object.keys(sort)[0];
  return [`${operation}: ${fault} of ${collection}${order === undefined ? '' : ` by ${order}`}`];
}

test('X5: every operation of the store uses an index for its filter and its order', async () => {
  await listAll();
  await placeAll();
  await start();
  const missing = (
    [
      'keys',
      'workspaces',
      'projects',
      'users',
      'audit',
      'usage',
      'signingKeys',
      'guardedSchemas',
      'quotas',
      'assets',
      'events',
    ] as const
  )
    .flatMap((part) => Object.keys(store[part]).map((name) => `${part}.${name}`))
    .filter((name) => ![...shapes.values()].some(({ operation }) => operation === name));
  expect(missing).toEqual([]);

  const indexes = new Map<string, readonly Index[]>();
  const faults = new Set<string>();
  for (const shape of shapes.values()) {
    const known = indexes.get(shape.collection) ?? (await indexesOf(shape.collection));
    indexes.set(shape.collection, known);
    const fault = faultOf(shape, known);
    for (const each of fault === null ? [] : named(shape, fault)) faults.add(each);
  }
  expect([...faults].toSorted()).toEqual(Object.keys(REASONS).toSorted());
});

async function indexesOf(collection: string): Promise<readonly Index[]> {
  const found = (await raw.collection(collection).indexes()) as Index[];
  return found.map((index) => (index.name === '_id_' ? { ...index, unique: true } : index));
}
