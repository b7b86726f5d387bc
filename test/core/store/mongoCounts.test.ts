import mongoose, { type Connection } from 'mongoose';
import { Documents, eq } from '../../../src/core/store/mongo/documents.js';
import { repairFamilies } from '../../../src/core/store/mongo/repairFamilies.js';
import { Gate } from '../../../src/core/store/mongo/gate.js';
import { openMongoStore } from '../../../src/core/store/mongo/open.js';
import { KEY_UNIQUE } from '../../../src/core/store/mongo/places.js';
import { keySchema, type KeyDocument } from '../../../src/core/store/mongo/schemas.js';
import type { Store } from '../../../src/core/store/store.js';
import { until } from '../../support/until.js';
import { aKey, anHeir, givenKey, givenWorkspace, NOW, unique } from './fixtures.js';

const { MONGODB_URI = '' } = process.env;

/** The commands that a call sends to the server. */
interface Asked {
  readonly commands: number;
  readonly documents: number;
}

let connection: Connection;
let store: Store;
let asked: { commands: number; documents: number };
/** The largest number of concurrent insertions of keys. */
let insertions: { most: number };

beforeAll(async () => {
  const uri = new URL(MONGODB_URI);
  uri.pathname = `/${unique('latchkey_test')}`;
  connection = await mongoose.createConnection(uri.href, { monitorCommands: true }).asPromise();
  const client = connection.getClient();
  const isInsertion = ({ command }: { command: object }) => 'insert' in command && command.insert === 'latchkey_keys';
  const insertionIds = new Set<number>();
  client.on('commandStarted', (event) => {
    if (!isInsertion(event)) return;
    insertionIds.add(event.requestId);
    insertions.most = Math.max(insertions.most, insertionIds.size);
  });
  for (const end of ['commandSucceeded', 'commandFailed'] as const) {
    client.on(end, ({ requestId }: { requestId: number }) => insertionIds.delete(requestId));
  }
  client.on('commandSucceeded', ({ reply }) => {
    asked.commands += 1;
    const { cursor } = reply as { cursor?: { firstBatch?: unknown[]; nextBatch?: unknown[] } };
    asked.documents += (cursor?.firstBatch ?? cursor?.nextBatch ?? []).length;
  });
  asked = { commands: 0, documents: 0 };
  insertions = { most: 0 };
  store = await openMongoStore({ connection, timeout: 60_000 });
});
afterAll(async () => {
  await store.close();
  await connection.dropDatabase();
  await connection.close();
});

async function askedBy(call: () => Promise<unknown>): Promise<Asked> {
  asked = { commands: 0, documents: 0 };
  await call();
  return asked;
}

const raw = () => connection.collection<{ _id: string }>('latchkey_keys');

/** Active families, as creations without a limit write them. */
async function givenFamilies(ws: string, count: number): Promise<void> {
  await givenKey(store, ws);
  const like = await raw().findOne({ workspaceId: ws });
  const families = Array.from({ length: count - 1 }, (_, i) => {
    const id = unique('key');
    return { ...like, _id: id, familyId: id, lookupId: id, slot: 2 ** 33 + i };
  });
  await raw().insertMany(families);
}

test('X9: counts and creations use the same commands for 5 families and for 500', async () => {
  const [few, many] = [await givenWorkspace(store), await givenWorkspace(store)];
  await givenFamilies(few, 5);
  await givenFamilies(many, 500);
  const of = async (ws: string) => [
    await askedBy(() => store.keys.countFamilies(ws, NOW, 'keys')),
    await askedBy(() => store.keys.insert(aKey(ws), null, NOW)),
    await askedBy(() => store.keys.insert(aKey(ws), 3, NOW)),
    await askedBy(() => store.keys.list(ws, { first: 3, after: null, filter: {}, now: NOW })),
    await askedBy(() => store.audit.list(ws, { first: 1, before: null, filter: {} })),
  ];
  const expected = await of(few);
  expect(await of(many)).toEqual(expected);
  const [count, unlimited] = expected;
  // Six to find unfinished changes, one of which reads the workspace; and the count.
  expect(count).toEqual({ commands: 7, documents: 2 });
  expect(unlimited?.commands).toBeLessThanOrEqual(9);
});

test('revoking 80 keys, half of them after a rotation, takes as many commands as revoking 4', async () => {
  const of = async (count: number): Promise<number> => {
    const ws = await givenWorkspace(store);
    const ids: string[] = [];
    for (let i = 0; i < count / 2; i += 1) {
      const key = await givenKey(store, ws);
      const heir = anHeir(await givenKey(store, ws));
      await store.keys.rotate(heir.replaces ?? '', ws, { successor: heir, overlapEnd: NOW }, { at: NOW });
      ids.push(key.id, heir.id);
    }
    const { commands } = await askedBy(async () => {
      expect(await store.keys.revokeMany(ids, ws, 'left', { at: NOW + 1 })).toHaveLength(count);
    });
    expect(await store.keys.countFamilies(ws, NOW + 1)).toBe(0);
    return commands;
  };
  const few = await of(4);
  expect(few).toBeLessThanOrEqual(14);
  expect(await of(80)).toBe(few);
}, 300_000);

test('X9: a creation under a limit uses the same number of commands, however many places are taken', async () => {
  const ws = await givenWorkspace(store);
  for (const living of [0, 40]) {
    while ((await store.keys.countFamilies(ws, NOW)) < living) await store.keys.insert(aKey(ws), 1_000_000, NOW);
    const { commands, documents } = await askedBy(() => store.keys.insert(aKey(ws), 1_000_000, NOW));
    expect(commands).toBeLessThanOrEqual(11);
    expect(documents).toBeLessThanOrEqual(4);
  }
});

test('X9: after a downgrade a creation returns full immediately, and takes a place when families end', async () => {
  const ws = await givenWorkspace(store);
  await givenFamilies(ws, 300);
  const full = await askedBy(async () =>
    expect(await store.keys.insert(aKey(ws), 10, NOW)).toEqual({ outcome: 'full', living: 300 }),
  );
  expect(full.documents).toBeLessThan(40);
  const keys = (await store.keys.list(ws, { first: 300, after: null, filter: {}, now: NOW })).keys;
  await raw().updateMany(
    { _id: { $in: keys.slice(8).map(({ id }) => id) } },
    {
      $set: { expiresAt: NOW, keysEnd: NOW },
    },
  );
  expect(await store.keys.countFamilies(ws, NOW)).toBe(8);
  expect(await store.keys.insert(aKey(ws), 10, NOW)).toEqual({ outcome: 'inserted' });
  expect(await store.keys.insert(aKey(ws), 10, NOW)).toEqual({ outcome: 'inserted' });
  expect(await store.keys.insert(aKey(ws), 10, NOW)).toEqual({ outcome: 'full', living: 10 });
});

test('X9: a start repairs values that an earlier release did not write, or changed while running beside this one', async () => {
  const ws = await givenWorkspace(store);
  const [old, revoked, expiring, admin, rotated] = [
    await givenKey(store, ws),
    await givenKey(store, ws),
    await givenKey(store, ws, { expiresAt: NOW + 5 }),
    await givenKey(store, ws, { scopes: ['admin'] }),
    await givenKey(store, ws),
  ];
  await store.keys.rotate(rotated.id, ws, { successor: anHeir(rotated), overlapEnd: NOW }, { at: NOW });
  await raw().updateMany(
    { workspaceId: ws, _id: { $ne: old.id } },
    {
      $unset: { keysEnd: '', adminEnd: '', turn: '' },
    },
  );
  // By a process of the earlier release, which writes no ends.
  await raw().updateMany({ _id: { $in: [old.id, revoked.id] } }, { $set: { revokedAt: NOW } });
  await (await openMongoStore({ connection, timeout: 60_000 })).close();
  const counted = async (now: number) => [
    await store.keys.countFamilies(ws, now, 'keys'),
    await store.keys.countFamilies(ws, now, 'adminKeys'),
  ];
  expect(await counted(NOW)).toEqual([2, 1]);
  expect(await counted(NOW + 5)).toEqual([1, 1]);
  expect([expiring.id, admin.id]).toHaveLength(2);
});

test('X9: the stored ends match the keys after concurrent changes in two processes', async () => {
  const ws = await givenWorkspace(store);
  const other = await openMongoStore({ connection, timeout: 60_000 });
  const family = await givenKey(store, ws);
  const heir = anHeir(family);
  await store.keys.rotate(family.id, ws, { successor: heir, overlapEnd: NOW + 50 }, { at: NOW });
  const next = anHeir(heir);
  await Promise.all([
    store.keys.rotate(heir.id, ws, { successor: next, overlapEnd: NOW + 40 }, { at: NOW }),
    other.keys.expire(family.id, ws, NOW + 20, { at: NOW }),
    other.keys.insert(aKey(ws, { expiresAt: NOW + 30 }), 50, NOW),
    store.keys.insert(aKey(ws, { scopes: ['admin'] }), 50, NOW),
  ]);
  await Promise.all([
    store.keys.revoke(next.id, ws, null, { at: NOW }),
    other.keys.revoke(heir.id, ws, null, { at: NOW }),
  ]);
  const counted = async (now: number) => [
    await store.keys.countFamilies(ws, now, 'keys'),
    await other.keys.countFamilies(ws, now, 'adminKeys'),
  ];
  expect(await counted(NOW)).toEqual([2, 1]);
  expect(await counted(NOW + 20)).toEqual([1, 1]);
  expect(await counted(NOW + 30)).toEqual([0, 1]);
});

test('X9: closing a store waits for its repair, which ends early', async () => {
  const ws = await givenWorkspace(store);
  await givenFamilies(ws, 2_500);
  let underWay = 0;
  let pages = 0;
  const began = ({ command }: { readonly command: object }) => {
    underWay += 1;
    if ('hint' in command && command.hint === 'workspaceId_1_slot_1') pages += 1;
  };
  const ended = () => {
    underWay -= 1;
  };
  const client = connection.getClient();
  client.on('commandStarted', began).on('commandSucceeded', ended).on('commandFailed', ended);
  const opened = await openMongoStore({ connection, timeout: 60_000 });
  await until(() => pages === 2);
  await opened.close();
  expect({ underWay, pages }).toEqual({ underWay: 0, pages: 2 });
  client.off('commandStarted', began).off('commandSucceeded', ended).off('commandFailed', ended);
});

describe('a repair of all families', () => {
  interface SlotRead {
    readonly filter: Readonly<Record<string, unknown>>;
    readonly sort: ReadonlyMap<string, 1>;
    readonly limit: number;
  }

  /** One family in each of 1,200 workspaces, then 6,300 families in one, then one rotated family in each of 1,200. */
  async function givenWorkspaces(other: Connection): Promise<number> {
    const key = await givenKey(store, await givenWorkspace(store));
    const like = await raw().findOne({ _id: key.id });
    const families = Array.from({ length: 8_700 }, (_, i) => {
      const id = unique('key');
      const own = { ...like, _id: id, familyId: id, lookupId: id, slot: 2 ** 33 + i };
      const wrong = i % 100 === 0 && { keysEnd: NOW };
      if (i < 1_200) return { ...own, ...wrong, workspaceId: `a_${i}` };
      return i < 7_500
        ? { ...own, ...wrong, workspaceId: 'b' }
        : { ...own, ...wrong, workspaceId: `c_${i}`, replaces: 'r' };
    });
    await other.collection<{ _id: string }>('latchkey_keys').insertMany(families);
    return families.length;
  }

  /** Returns the number of index entries that MongoDB reads: from the start of the range to the last key of the page. */
  async function examinedBy({ filter, sort, limit }: SlotRead, other: Connection): Promise<number> {
    const keys = other.collection<{ _id: string }>('latchkey_keys');
    const { $or: _, ...range } = filter;
    const sorted = (where: object) =>
      keys
        .find(where)
        .sort([...sort])
        .project({ slot: 1 })
        .hint('workspaceId_1_slot_1');
    const found = await sorted(filter).limit(limit).toArray();
    const inRange = await sorted(range).toArray();
    return found.length < limit ? inRange.length : inRange.findIndex(({ _id }) => _id === found.at(-1)?._id) + 1;
  }

  it('reads each slot once, in few round trips, whether workspaces have many families or one', async () => {
    const other = connection.useDb(unique('latchkey_test'));
    const gate = new Gate(60_000);
    const documents = new Documents<KeyDocument>(other, gate, { name: 'Key', schema: keySchema, unique: KEY_UNIQUE });
    await documents.buildIndexes(60_000);
    const families = await givenWorkspaces(other);
    const reads: SlotRead[] = [];
    let others = 0;
    const began = ({ command }: { readonly command: object }) => {
      if ('hint' in command && command.hint === 'workspaceId_1_slot_1') reads.push(command as unknown as SlotRead);
      else if (!('getMore' in command)) others += 1;
    };
    const client = connection.getClient();
    client.on('commandStarted', began);
    await (
      await repairFamilies(documents)
    ).done;
    client.off('commandStarted', began);
    expect(await documents.count({ keysEnd: eq(NOW) })).toBe(0);
    let examined = 0;
    for (const read of reads) examined += await examinedBy(read, other);
    await other.dropDatabase();
    // Nine writes, of 1,000 families each, and reads of the rotated families, of 100 workspaces each.
    expect({ reads: reads.length, others, examined }).toEqual({ reads: 5, others: 9 + 12, examined: families });
  }, 60_000);
});

describe('concurrent insertions wait for each other', () => {
  it('if they insert the same key', async () => {
    const [ws, before] = [await givenWorkspace(store), aKey('')];
    const same = () => ({ ...aKey(ws), lookupId: before.lookupId });
    insertions.most = 0;
    const outcomes = await Promise.allSettled([same(), same(), same()].map((key) => store.keys.insert(key, null, NOW)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(insertions.most).toBe(1);
  });

  it('if they insert at the same place', async () => {
    const ws = await givenWorkspace(store);
    insertions.most = 0;
    const outcomes = await Promise.all([1, 2, 3].map(() => store.keys.insert(aKey(ws), 1, NOW)));
    expect(outcomes.map(({ outcome }) => outcome).toSorted()).toEqual(['full', 'full', 'inserted']);
    expect(insertions.most).toBe(1);
  });

  it('but not if they insert different keys at different places', async () => {
    const ws = await givenWorkspace(store);
    insertions.most = 0;
    await Promise.all(Array.from({ length: 6 }, () => store.keys.insert(aKey(ws), null, NOW)));
    expect(insertions.most).toBeGreaterThan(1);
  });
});
