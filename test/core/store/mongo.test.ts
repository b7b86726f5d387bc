import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import mongoose, { Schema, type Connection } from 'mongoose';
import type { AuditDraft } from '../../../src/core/store/audit.js';
import { keyChanged } from '../../../src/core/store/entries.js';
import { Duplicate, StoreUnavailable, Unacknowledged } from '../../../src/core/store/storeErrors.js';
import { KEY_ORDER_FIELDS, keyPosition, ORDERED_BY, type KeyPosition } from '../../../src/core/store/ordering.js';
import type { UsagePeriod } from '../../../src/core/store/periods.js';
import type { KeyRecord } from '../../../src/core/store/records.js';
import type { Store } from '../../../src/core/store/store.js';
import { openMongoStore } from '../../../src/core/store/mongo/open.js';
import { FOLDING, usageSchemas } from '../../../src/core/store/mongo/schemas.js';
import { removeAll } from './conformance/removal.js';
import {
  aBatch,
  ADA,
  aKey,
  anHeir,
  aProject,
  aUser,
  aWorkspace,
  givenKey,
  givenWorkspace,
  listed,
  namesOf,
  NOW,
  summaryOf,
  placesFor,
} from './fixtures.js';
import { Proxy } from './proxy.js';
import { drop, freshUri } from '../../support/mongo.js';

const { MONGODB_URI } = process.env;
if (MONGODB_URI === undefined) throw new Error('These tests need a MongoDB: set MONGODB_URI.');

// Connections left open by a failed test would keep Jest from ending.
afterAll(() => mongoose.disconnect());

describe('MongoDB: changes that a process left unfinished', () => {
  const uri = freshUri();
  let store: Store;
  let raw: Connection;

  beforeAll(async () => {
    store = await openMongoStore({ uri });
    raw = await mongoose.createConnection(uri).asPromise();
  });
  afterAll(async () => {
    await store.close();
    await raw.close();
    await drop(uri);
  });

  const keys = () => raw.collection<{ _id: string }>('latchkey_keys');
  const embedded = ({ id, ...fields }: KeyRecord) => ({ _id: id, nameFolded: fields.name.toLowerCase(), ...fields });

  /** An entry as the document of a change contains it. */
  const carried = ({ id, before, after, ...fields }: AuditDraft) => ({
    _id: id,
    ...fields,
    before: before && JSON.stringify(before),
    after: after && JSON.stringify(after),
  });

  /** The state between the first write of a rotation and the second. */
  const givenHalfRotation = async (
    places: number | null = null,
    bound: Partial<Pick<KeyRecord, 'trustedDocuments'>> = {},
  ) => {
    const ws = await givenWorkspace(store);
    const old = aKey(ws, bound);
    await store.keys.insert(old, places, NOW);
    const heir = anHeir(old, bound);
    const replaced = { ...old, replacedBy: heir.id, expiresAt: NOW };
    const entry = carried(keyChanged('key.rotated', old, replaced, { at: NOW, author: undefined }));
    await keys().updateOne(
      { _id: old.id },
      { $set: { replacedBy: heir.id, expiresAt: NOW, successor: embedded(heir), entry } },
    );
    return { ws, old: replaced, heir };
  };

  const expectWhole = async ({ ws, old, heir }: Awaited<ReturnType<typeof givenHalfRotation>>) => {
    expect(await store.keys.findForVerification(heir.lookupId)).toMatchObject({ key: heir });
    expect(await keys().findOne({ _id: old.id })).not.toHaveProperty('successor');
    expect((await listed(store, ws)).map(({ id }) => id).sort()).toEqual([old.id, heir.id].sort());
  };

  test('a rotation is finished when the next process opens the store', async () => {
    const half = await givenHalfRotation();
    expect(await store.keys.findForVerification(half.heir.lookupId)).toBeNull();
    await (await openMongoStore({ uri })).close();
    await expectWhole(half);
  });

  test.each([
    ['find', ({ keys }, { old }) => keys.find(old.id, null)],
    ['list', ({ keys }, { ws }) => keys.list(ws, { first: 1, after: null, filter: {}, now: NOW })],
    ['countFamilies', ({ keys }, { ws }) => keys.countFamilies(ws, NOW)],
    ['insert', ({ keys }, { ws }) => keys.insert(aKey(ws), 1, NOW)],
    [
      'rotate',
      ({ keys }, { old }) => keys.rotate(old.id, null, { successor: anHeir(old), overlapEnd: NOW }, { at: NOW }),
    ],
    ['expire', ({ keys }, { old }) => keys.expire(old.id, null, NOW, { at: NOW })],
    ['revoke', ({ keys }, { old }) => keys.revoke(old.id, null, null, { at: NOW })],
    ['update', ({ keys }, { old }) => keys.update(old.id, null, { name: 'x' }, { at: NOW })],
  ] satisfies [string, (store: Store, half: Awaited<ReturnType<typeof givenHalfRotation>>) => Promise<unknown>][])(
    'a rotation is finished by %s, which finds it',
    async (_, meet) => {
      const half = await givenHalfRotation();
      await meet(store, half);
      await expectWhole(half);
    },
  );

  test.each([
    ['list', ({ keys }, { ws }) => keys.list(ws, { first: 1, after: null, filter: {}, now: NOW })],
    ['findMany', ({ keys }, { old }) => keys.findMany([old.id], null)],
    [
      'search',
      ({ keys }, { old }) =>
        keys.search(
          { lookupIds: [old.lookupId], beginning: null, foreignPrefix: null },
          { workspaceId: null, projectId: null },
          9,
        ),
    ],
  ] satisfies [string, (store: Store, half: Awaited<ReturnType<typeof givenHalfRotation>>) => Promise<unknown>][])(
    'R2: %s, which reads no trusted documents, finishes a rotation with those of the successor',
    async (_, meet) => {
      const trustedDocuments = ['a'.repeat(64), 'b'.repeat(64)];
      const half = await givenHalfRotation(null, { trustedDocuments });
      expect(JSON.stringify(await meet(store, half))).not.toContain('trustedDocuments');
      await expectWhole(half);
      for (const { id } of [half.old, half.heir]) {
        expect(await store.keys.find(id, null)).toMatchObject({ trustedDocuments });
        expect(await keys().findOne({ _id: id })).toMatchObject({ trustedDocuments });
        expect(await keys().findOne({ _id: id })).not.toHaveProperty('entry');
      }
      const entries = await store.audit.list(half.ws, { first: 9, before: null, filter: { subject: half.old.id } });
      expect(entries.map(({ action }) => action)).toEqual(['key.rotated', 'key.created']);
    },
  );

  test('R2: lists, searches and look-ups of several keys have the server send no trusted documents', async () => {
    const own = freshUri();
    const connection = await mongoose.createConnection(own, { monitorCommands: true }).asPromise();
    const watched = await openMongoStore({ connection });
    const ws = await givenWorkspace(watched);
    const key = await givenKey(watched, ws, { trustedDocuments: ['d0c5'.repeat(16)] });
    const replies: string[] = [];
    connection.getClient().on('commandSucceeded', ({ reply }) => replies.push(JSON.stringify(reply)));
    await watched.keys.list(ws, { first: 9, after: null, filter: {}, now: NOW });
    await watched.keys.findMany([key.id], null);
    const clues = { lookupIds: [key.lookupId], beginning: null, foreignPrefix: null };
    await watched.keys.search(clues, { workspaceId: ws, projectId: null }, 9);
    expect(replies.filter((reply) => reply.includes(key.secretHash)).length).toBe(3);
    expect(replies.filter((reply) => reply.includes('d0c5'))).toEqual([]);
    await watched.keys.documentsOf([key.id], ws);
    expect(replies.filter((reply) => reply.includes('d0c5'))).toHaveLength(1);
    await watched.close();
    await connection.close();
    await drop(own);
  });

  test('R11: keys from before separate places for admin keys are counted correctly', async () => {
    const ws = await givenWorkspace(store, { tier: 'FREE_TRIAL' });
    const admin = aKey(ws, { scopes: ['admin'] });
    await store.keys.insert(admin, 1, NOW);
    // As an earlier release placed it.
    await keys().updateOne({ _id: admin.id }, { $set: { slot: 0 } });
    const limits = placesFor(1, 1);
    const later = await openMongoStore({ uri });
    expect(await later.keys.countFamilies(ws, NOW, 'adminKeys')).toBe(1);
    expect(await later.keys.countFamilies(ws, NOW, 'keys')).toBe(0);
    expect(await later.keys.insert(aKey(ws), limits, NOW)).toEqual({ outcome: 'inserted' });
    expect(await later.keys.insert(aKey(ws), limits, NOW)).toEqual({ outcome: 'full', living: 1 });
    expect(await later.keys.insert(aKey(ws, { scopes: ['admin'] }), limits, NOW)).toEqual({
      outcome: 'full',
      living: 1,
    });
    await later.close();
  });

  /** The state between the insertion of a key and the second check of its conditions. */
  const givenUnconfirmed = async (fields: Partial<KeyRecord> = {}, tier = 'STARTER') => {
    const ws = await givenWorkspace(store, { tier: 'STARTER' });
    const user = aUser(ws);
    await store.users.add(user);
    const key = aKey(ws, { userId: user.id, ...fields });
    await store.keys.insert(key, null, NOW);
    const entry = await raw.collection<{ _id: string }>('latchkey_audit').findOneAndDelete({ subject: key.id });
    if (entry === null) throw new Error('The creation has no entry.');
    const draft = Object.fromEntries(
      Object.entries(entry).filter(([name]) => !['seq', 'previousHash', 'hash'].includes(name)),
    );
    await keys().updateOne({ _id: key.id }, { $set: { unconfirmed: tier, entry: draft } });
    return { ws, user, key };
  };

  test('R9: confirms an unconfirmed creation if all conditions still apply', async () => {
    const { ws, key } = await givenUnconfirmed();
    expect(await store.keys.find(key.id, ws)).toEqual(key);
    expect(await keys().findOne({ _id: key.id })).not.toHaveProperty('unconfirmed');
    expect(await store.audit.list(ws, { first: 9, before: null, filter: { subject: key.id } })).toHaveLength(1);
  });

  test.each([
    ['the user has left', (ws: string, userId: string) => store.users.remove(userId, ws, { at: NOW })],
    ['the tier was changed', (ws: string) => store.workspaces.setTier(ws, 'GROWTH', NOW)],
  ])('R9: withdraws an unconfirmed creation if %s', async (_, meanwhile) => {
    const { ws, user, key } = await givenUnconfirmed();
    await meanwhile(ws, user.id);
    expect(await store.keys.countFamilies(ws, NOW)).toBe(0);
    expect(await store.keys.find(key.id, ws)).toBeNull();
    expect(await store.audit.list(ws, { first: 9, before: null, filter: { subject: key.id } })).toEqual([]);
  });

  test('R9: an unfinished rotation gives no active key to a removed user', async () => {
    const half = await givenHalfRotation();
    const user = aUser(half.ws);
    await store.users.add(user);
    await keys().updateOne({ _id: half.old.id }, { $set: { userId: user.id, 'successor.userId': user.id } });
    await store.users.remove(user.id, half.ws, { at: NOW });
    expect(await store.keys.countFamilies(half.ws, NOW)).toBe(0);
    expect(await store.keys.find(half.heir.id, half.ws)).toMatchObject({ revokedAt: NOW });
    const entries = await store.audit.list(half.ws, { first: 9, before: null, filter: { subject: half.heir.id } });
    expect(entries.map(({ action }) => action)).toEqual(['key.revoked']);
  });

  test('cleans up a rotation whose second write was made, and restores nothing', async () => {
    const { ws, old, heir } = await givenHalfRotation();
    await store.keys.find(old.id, ws);
    await store.keys.revoke(heir.id, ws, 'leaked', { at: NOW });
    await keys().updateOne({ _id: old.id }, { $set: { successor: embedded(heir) } });
    await store.keys.find(old.id, ws);
    expect(await keys().findOne({ _id: old.id })).not.toHaveProperty('successor');
    expect(await store.keys.find(heir.id, ws)).toMatchObject({ revokedAt: NOW, revokedReason: 'leaked' });
  });

  const removedOf = ({ id, lookupId }: KeyRecord) => ({ _id: id, lookupId, removed: true, folding: FOLDING });

  test('X11: of a removed key only its IDs are left, and indexes of workspaces have none of it', async () => {
    const ws = await givenWorkspace(store);
    const [revoked, expired] = [await givenKey(store, ws), await givenKey(store, ws, { expiresAt: NOW })];
    await store.keys.saveDigest(revoked.id, 'digest');
    await store.keys.revoke(revoked.id, ws, 'leaked', { at: NOW, author: ADA });
    await removeAll(store, NOW);
    await store.keys.touch(new Map([[revoked.id, NOW]]));
    expect(await keys().findOne({ _id: revoked.id })).toEqual(removedOf(revoked));
    expect(await keys().findOne({ _id: expired.id })).toEqual(removedOf(expired));
    expect(await keys().countDocuments({ workspaceId: ws })).toBe(0);
  });

  test('X11: a rotation is finished before its old key is removed', async () => {
    const half = await givenHalfRotation(1);
    await removeAll(store, NOW);
    expect(await keys().findOne({ _id: half.old.id })).toEqual(removedOf(half.old));
    expect(await listed(store, half.ws)).toEqual([summaryOf(half.heir)]);
    expect(await store.keys.insert(aKey(half.ws), 1, NOW)).toEqual({ outcome: 'full', living: 1 });
    const entries = await store.audit.list(half.ws, { first: 9, before: null, filter: { subject: half.old.id } });
    expect(entries.map(({ action }) => action)).toEqual(['key.rotated', 'key.created']);
  });

  test('X11: a process that is late to finish a rotation does not bring back a removed successor', async () => {
    const { ws, old, heir } = await givenHalfRotation();
    await store.keys.find(old.id, ws);
    await store.keys.revoke(heir.id, ws, 'leaked', { at: NOW - 1 });
    await removeAll(store, NOW - 1);
    expect(await keys().findOne({ _id: heir.id })).toEqual(removedOf(heir));
    await keys().updateOne({ _id: old.id }, { $set: { successor: embedded(heir) } });
    await store.keys.find(old.id, ws);
    expect(await keys().findOne({ _id: heir.id })).toEqual(removedOf(heir));
    expect(await store.keys.findForVerification(heir.lookupId)).toBeNull();
    expect(await keys().findOne({ _id: old.id })).not.toHaveProperty('successor');
  });

  test('X11: a removal that ended after the place of the family was given away is completed', async () => {
    const { ws, old, heir } = await givenHalfRotation(1);
    await store.keys.find(old.id, ws);
    // The ends are outdated, too: the next removal must write them again.
    await keys().updateOne({ _id: heir.id }, { $set: { slot: 2 ** 40, keysEnd: NOW + 5, adminEnd: 0, turn: 1 } });
    await removeAll(store, NOW);
    await removeAll(store, NOW);
    expect(await keys().findOne({ _id: old.id })).toEqual(removedOf(old));
    expect(await keys().countDocuments({ workspaceId: ws, slot: { $gte: 0 } })).toBe(1);
    expect(await store.keys.countFamilies(ws, NOW + 99)).toBe(1);
    expect(await store.keys.insert(aKey(ws), 1, NOW)).toEqual({ outcome: 'full', living: 1 });
  });

  test('a family stays active through a successor that is not written yet', async () => {
    const { ws, heir } = await givenHalfRotation(1);
    expect(await store.keys.insert(aKey(ws), 1, NOW)).toEqual({ outcome: 'full', living: 1 });
    await store.keys.revoke(heir.id, ws, null, { at: NOW });
    expect(await store.keys.insert(aKey(ws), 1, NOW)).toEqual({ outcome: 'inserted' });
  });

  test.each<[string, (store: Store, key: KeyRecord) => Promise<unknown>]>([
    ['the next process opens', async () => (await openMongoStore({ uri })).close()],
    ['its log is read', ({ audit }, { workspaceId }) => audit.read(workspaceId, 0, 9)],
    [
      'its log is listed',
      ({ audit }, { workspaceId }) => audit.list(workspaceId, { first: 9, before: null, filter: {} }),
    ],
    ['it is changed again', ({ keys }, { id }) => keys.update(id, null, { name: 'again' }, { at: NOW })],
    ['it is found', ({ keys }, { id }) => keys.find(id, null)],
  ])('adds the entry of a change to the audit log when %s', async (_, meet) => {
    const ws = await givenWorkspace(store);
    const key = await givenKey(store, ws);
    const before = await store.audit.head(ws);
    const draft = keyChanged('key.updated', key, { ...key, name: 'other' }, { at: NOW, author: ADA });
    await keys().updateOne({ _id: key.id }, { $set: { name: 'other', entry: carried(draft) } });
    await meet(store, key);
    expect(await keys().findOne({ _id: key.id })).not.toHaveProperty('entry');
    const [made] = await store.audit.read(ws, before?.seq ?? 0, 1);
    expect(made).toMatchObject({ ...draft, previousHash: before?.hash });
  });

  test('a workspace gets its first key when the next process opens the store, or reads the workspace', async () => {
    for (const meet of [
      async () => (await openMongoStore({ uri })).close(),
      async (id: string) => store.workspaces.find(id),
      async () => store.workspaces.list(10_000),
      async (id: string) => listed(store, id),
    ]) {
      const { id, ...fields } = aWorkspace();
      const key = aKey(id);
      await raw
        .collection<{ _id: string; firstKey: object }>('latchkey_workspaces')
        .insertOne({ _id: id, ...fields, firstKey: { ...embedded(key), slot: 2 ** 40 } });
      expect(await store.keys.findForVerification(key.lookupId)).toBeNull();
      await meet(id);
      expect(await store.keys.findForVerification(key.lookupId)).toEqual({ key, tier: fields.tier, user: null });
      expect(await store.keys.insert(aKey(id), 1, NOW)).toEqual({ outcome: 'full', living: 1 });
      expect(await store.workspaces.find(id)).toEqual({ id, ...fields });
    }
  });
});

describe('MongoDB: a connection passed by the caller', () => {
  const uri = freshUri();
  let connection: Connection;
  const commands: { readonly commandName: string; readonly command: Record<string, unknown> }[] = [];

  beforeAll(async () => {
    // As an owner might configure it: with sanitized filters, buffering and models of similar names.
    connection = mongoose.createConnection(uri, { monitorCommands: true, sanitizeFilter: true });
    await connection.asPromise();
    connection.model('Key', new Schema({ mine: String }));
    connection.getClient().on('commandStarted', (event) => {
      commands.push({ commandName: event.commandName, command: { ...event.command } });
    });
  });
  afterAll(async () => {
    await connection.close();
    await drop(uri);
  });

  test('works, stays open, and can be passed again', async () => {
    const first = await openMongoStore({ connection });
    const ws = await givenWorkspace(first);
    const key = await givenKey(first, ws);
    await first.close();
    await expect(first.ping()).rejects.toBeInstanceOf(StoreUnavailable);
    expect(connection.readyState).toBe(mongoose.ConnectionStates.connected);

    const second = await openMongoStore({ connection });
    expect(await second.keys.find(key.id, ws)).toEqual(key);
    await second.close();
    expect(connection.modelNames().sort()).toEqual([
      'Key',
      'LatchkeyAudit',
      'LatchkeyAuditHead',
      'LatchkeyCredits',
      'LatchkeyGuardedSchema',
      'LatchkeyKey',
      'LatchkeyLimitOverride',
      'LatchkeyProbe',
      'LatchkeyProject',
      'LatchkeyQuotaCounter',
      'LatchkeySigningKey',
      'LatchkeyUsage',
      'LatchkeyUsageBatch',
      'LatchkeyUsageDay',
      'LatchkeyUsageMinute',
      'LatchkeyUsageReport',
      'LatchkeyUsageState',
      'LatchkeyUsedFields',
      'LatchkeyUser',
      'LatchkeyWorkspace',
    ]);
  });

  test('X4: concurrent creations in one workspace need no more commands for each than single ones', async () => {
    // The engine of CI takes seconds for writes at once (target.ts).
    const store = await openMongoStore({ connection, timeout: 120_000 });
    const ws = await givenWorkspace(store);
    const CREATIONS = 32;
    const commandsWith = async (callers: number): Promise<number> => {
      commands.length = 0;
      let left = CREATIONS;
      const call = async (): Promise<void> => {
        while (left-- > 0) {
          expect(await store.keys.insert(aKey(ws), 1_000, NOW)).toEqual({ outcome: 'inserted' });
        }
      };
      await Promise.all(Array.from({ length: callers }, call));
      return commands.length;
    };
    const alone = await commandsWith(1);
    expect(alone).toBeLessThanOrEqual(11 * CREATIONS);
    expect(await commandsWith(CREATIONS)).toBeLessThanOrEqual(alone);
    const entries = await store.audit.read(ws, 0, 1_000);
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i + 1));
    expect(entries).toHaveLength(2 * CREATIONS + 1);
    await store.close();
  });

  test('acknowledges every write by the majority, with journal', async () => {
    const store = await openMongoStore({ connection });
    commands.length = 0;
    const workspace = aWorkspace();
    const key = aKey(workspace.id);
    const { keys, workspaces, usage } = store;
    await workspaces.create(workspace, key);
    await workspaces.ensure(aWorkspace());
    await workspaces.setTier(workspace.id, 'GROWTH', NOW);
    await keys.insert(aKey(workspace.id, { expiresAt: NOW }), 5, NOW);
    await keys.insert(aKey(workspace.id), 5, NOW);
    await keys.rotate(key.id, null, { successor: anHeir(key), overlapEnd: NOW + 10 }, { at: NOW });
    await keys.expire(key.id, null, NOW + 5, { at: NOW });
    await keys.update(key.id, null, { name: 'New' }, { at: NOW });
    await keys.revoke(key.id, null, null, { at: NOW });
    await keys.saveDigest(key.id, 'digest');
    await keys.touch(new Map([[key.id, NOW]]));
    await usage.add(aBatch([{ keyId: key.id, start: NOW, requests: 1, cost: 1, limited: 0, forbidden: 0 }]), NOW);
    const writes = commands.filter(({ commandName }) => ['insert', 'update', 'findAndModify'].includes(commandName));
    expect(writes.length).toBeGreaterThan(14);
    for (const { commandName, command } of writes) {
      expect({ commandName, concern: command.writeConcern }).toEqual({
        commandName,
        concern: { w: 'majority', j: true },
      });
    }
    await store.close();
  });

  test('is read once for a verification', async () => {
    const store = await openMongoStore({ connection });
    const key = await givenKey(store, await givenWorkspace(store));
    commands.length = 0;
    expect(await store.keys.findForVerification(key.lookupId)).toMatchObject({ key });
    expect(commands.map(({ commandName }) => commandName)).toEqual(['aggregate']);
    await store.close();
  });

  test('creates no collections of the built-in domain', async () => {
    const own = freshUri();
    const plain = await mongoose.createConnection(own).asPromise();
    const store = await openMongoStore({ connection: plain });
    await givenKey(store, await givenWorkspace(store));
    expect(Object.keys(store)).not.toEqual(expect.arrayContaining(['assets']));
    const collections = (await plain.listCollections()).map(({ name }) => name);
    expect(collections.sort()).toEqual([
      'latchkey_audit',
      'latchkey_audit_heads',
      'latchkey_credits',
      'latchkey_guarded_schemas',
      'latchkey_keys',
      'latchkey_limit_overrides',
      'latchkey_projects',
      'latchkey_quota_counters',
      'latchkey_signing_keys',
      'latchkey_usage',
      'latchkey_usage_batches',
      'latchkey_usage_days',
      'latchkey_usage_minutes',
      'latchkey_usage_report',
      'latchkey_usage_state',
      'latchkey_used_fields',
      'latchkey_users',
      'latchkey_workspaces',
    ]);
    await store.close();
    await plain.close();
    await drop(own);
  });
});

test('F13: MongoDB: names of an earlier release are unique and found in any normalization', async () => {
  const own = freshUri();
  const plain = await mongoose.createConnection(own).asPromise();
  const first = await openMongoStore({ uri: own });
  const ws = await givenWorkspace(first);
  const [cafe, other] = [
    await givenKey(first, ws, { name: 'Cafe\u0301' }),
    await givenKey(first, ws, { name: 'plain' }),
  ];
  const names = ['Cafe\u0301', '\u212bngstro\u0308m', 'Ze\u0301', 'Z\u00e9', '☕\ufe0f'];
  for (const [i, name] of names.entries()) await first.projects.create(aProject(ws, { name, createdAt: NOW + i }));
  await first.close();
  // As the earlier release folded it.
  const keys = plain.collection<{ _id: string }>('latchkey_keys');
  await keys.updateMany({}, { $unset: { folding: '' } });
  await keys.updateOne({ _id: cafe.id }, { $set: { nameFolded: 'cafe\u0301' } });
  for (let opened = 0; opened < 2; opened++) {
    const store = await openMongoStore({ uri: own });
    const projects = await store.projects.list(ws, { first: 9, after: null });
    expect(projects.map(({ name }) => name)).toEqual(['Caf\u00e9', '\u00c5ngstr\u00f6m', 'Ze\u0301', 'Z\u00e9', '☕']);
    for (const name of ['Caf\u00e9', 'Z\u00e9'])
      await expect(store.projects.create(aProject(ws, { name }))).rejects.toThrow(Duplicate);
    expect(namesOf(await listed(store, ws, { nameContains: 'CAF\u00c9' }))).toEqual([cafe.name]);
    expect(namesOf(await listed(store, ws, { nameContains: 'PLAIN' }))).toEqual([other.name]);
    await store.close();
  }
  // Folded once, and not at each start.
  expect(await keys.countDocuments({ folding: FOLDING })).toBe(1);
  await plain.close();
  await drop(own);
});

test('MongoDB: reads use the primary, whatever the URI says', async () => {
  const uri = new URL(freshUri());
  uri.searchParams.set('readPreference', 'secondaryPreferred');
  const connection = await mongoose.createConnection(uri.href).asPromise();
  const store = await openMongoStore({ connection });
  const models = Object.values(connection.models);
  expect(models).toHaveLength(19);
  for (const { schema } of models) expect(schema.get('read')).toBe('primary');
  await store.close();
  await connection.dropDatabase();
  await connection.close();
});

describe('MongoDB: indexes', () => {
  test('exist when the store is open, and unique ones are unique', async () => {
    const uri = freshUri();
    const store = await openMongoStore({ uri });
    const raw = await mongoose.createConnection(uri).asPromise();
    const uniques = async (name: string) =>
      (await raw.collection(name).indexes()).filter((index) => index.unique).map(({ key }) => key as object);
    expect(await uniques('latchkey_keys')).toEqual([{ lookupId: 1 }, { workspaceId: 1, slot: 1 }]);
    expect(await uniques('latchkey_usage')).toEqual([{ keyId: 1, start: 1 }]);
    await raw.close();
    await store.close();
    await drop(uri);
  });
});

describe('MongoDB: plans', () => {
  test('U4: reads each order of keys from its index, from the first key and after any other', async () => {
    const uri = freshUri();
    const connection = await mongoose.createConnection(uri, { monitorCommands: true }).asPromise();
    const { db } = connection;
    if (db === undefined) throw new Error('The connection has no database.');
    const store = await openMongoStore({ connection });
    const ws = await givenWorkspace(store);
    for (let i = 0; i < 40; i += 1) {
      await givenKey(store, ws, { lastUsedAt: i % 2 === 0 ? null : NOW, expiresAt: i % 2 === 0 ? null : NOW + i });
    }
    const lists: { readonly command: Record<string, unknown>; readonly column: string }[] = [];
    connection.getClient().on('commandStarted', ({ commandName, command }) => {
      const { find, sort, filter, limit } = command as Record<string, unknown>;
      if (commandName !== 'find' || find !== 'latchkey_keys' || limit !== 2) return;
      const [column = ''] = sort instanceof Map ? [...sort.keys()].map(String) : Object.keys(sort ?? {});
      lists.push({ command: { find, filter, sort, limit }, column });
    });
    for (const field of KEY_ORDER_FIELDS) {
      for (const direction of ['ASC', 'DESC'] as const) {
        const order = { field, direction };
        const list = (after: KeyPosition | null) =>
          store.keys.list(ws, { first: 1, after, filter: {}, order, now: NOW });
        const [first] = (await list(null)).keys;
        if (first === undefined) throw new Error('There are keys.');
        await list(keyPosition(first, field));
        if (ORDERED_BY[field] !== 'createdAt' && field !== 'NAME') {
          await list({ value: null, id: direction === 'ASC' ? '' : '~' });
        }
      }
    }
    expect(lists.length).toBe(2 * (2 + 2 + 3 + 3));
    for (const { command, column } of lists) {
      const { queryPlanner, postgres } = (await db.command({
        explain: command,
        verbosity: 'queryPlanner',
      })) as { queryPlanner: { winningPlan: object }; postgres?: object };
      const plan = JSON.stringify(queryPlanner.winningPlan);
      expect([column, plan]).toEqual([column, expect.stringMatching(new RegExp(`"workspaceId_1_${column}_-?1__id_`))]);
      expect(plan).not.toContain('COLLSCAN');
      // Engines on PostgreSQL sort what they read from any index.
      if (postgres === undefined) expect(plan).not.toContain('"SORT"');
    }
    await store.close();
    await connection.close();
    await drop(uri);
  });

  test('X9: aborts reads on the server too, and finds unfinished changes by a separate index', async () => {
    const uri = freshUri();
    const connection = await mongoose.createConnection(uri, { monitorCommands: true }).asPromise();
    const { db } = connection;
    if (db === undefined) throw new Error('The connection has no database.');
    const store = await openMongoStore({ connection, timeout: 1_500 });
    const ws = await givenWorkspace(store);
    const key = await givenKey(store, ws);
    const reads: Record<string, unknown>[] = [];
    connection.getClient().on('commandStarted', ({ commandName, command }) => {
      if (['find', 'aggregate'].includes(commandName)) reads.push(command);
    });
    await store.keys.findForVerification(key.lookupId);
    await store.keys.list(ws, { first: 1, after: null, filter: {}, now: NOW });
    await store.audit.list(ws, { first: 1, before: null, filter: {} });
    await store.keys.insert(aKey(ws), 5, NOW);
    expect(reads.length).toBeGreaterThan(10);
    expect(new Set(reads.map(({ maxTimeMS }) => maxTimeMS))).toEqual(new Set([1_500]));

    const searches = reads.filter(({ hint }) => hint === 'under_way');
    expect(new Set(searches.map(({ find }) => find))).toEqual(
      new Set(['latchkey_credits', 'latchkey_keys', 'latchkey_limit_overrides', 'latchkey_projects', 'latchkey_users']),
    );
    for (const { find, filter, hint } of searches) {
      const { queryPlanner } = await db.command({ explain: { find, filter, hint }, verbosity: 'queryPlanner' });
      expect(JSON.stringify(queryPlanner)).toContain('"under_way"');
    }
    await store.close();
    await connection.close();
    await drop(uri);
  });
});

describe('MongoDB: usage counts', () => {
  const HOUR = 3_600_000;
  const DAY = 24 * HOUR;
  // Uses the real time, because the server expires counts by its own clock.
  const start = Math.floor(Date.now() / HOUR) * HOUR;
  const counts = (keyId: string, requests: number) => ({
    keyId,
    start,
    requests,
    cost: requests,
    limited: 0,
    forbidden: 0,
  });

  test('expire at the documented time after the start of their period', async () => {
    const uri = freshUri();
    const store = await openMongoStore({ uri });
    const raw = await mongoose.createConnection(uri).asPromise();
    for (const [name, days] of [
      ['latchkey_usage_minutes', 2],
      ['latchkey_usage', 90],
      ['latchkey_usage_days', 730],
      ['latchkey_used_fields', 90],
    ] as const) {
      const expiring = (await raw.collection(name).indexes()).filter(
        ({ expireAfterSeconds }) => expireAfterSeconds !== undefined,
      );
      expect(expiring).toMatchObject([{ key: { start: 1 }, expireAfterSeconds: days * 24 * 60 * 60 }]);
    }
    await raw.close();
    await store.close();
    await drop(uri);
  });

  test('of a release before days are summed to days once, with cost equal to requests', async () => {
    const uri = freshUri();
    const connection = await mongoose.createConnection(uri).asPromise();
    const today = Math.floor(Date.now() / DAY) * DAY;
    const old = (keyId: string, at: number, requests: number) => ({
      keyId,
      start: new Date(at),
      requests,
      limited: 2,
      forbidden: 1,
    });
    const hours = [old('key_a', today - DAY, 1), old('key_a', today, 10), old('key_a', today + HOUR, 20)];
    await connection.collection('latchkey_usage').insertMany([...hours, old('key_b', today, 5)]);
    const days = async (store: Store) =>
      (await store.usage.read(['key_a', 'key_b'], { from: today - DAY, to: today + DAY, by: 'DAY' }))
        .map(({ keyId, start: at, requests, cost, limited }) => [keyId, at - today, requests, cost, limited])
        .sort();
    for (let opened = 0; opened < 3; opened++) {
      const store = await openMongoStore({ connection });
      expect(await days(store)).toEqual([
        ['key_a', -DAY, 1, 1, 2],
        ['key_a', 0, 30 + opened, 30 + 4 * opened, 4],
        ['key_b', 0, 5, 5, 2],
      ]);
      await store.usage.add(
        aBatch([{ keyId: 'key_a', start: today, requests: 1, cost: 4, limited: 0, forbidden: 0 }]),
        today,
      );
      const [hour] = await store.usage.read(['key_a'], { from: today, to: today + HOUR, by: 'HOUR' });
      expect(hour).toMatchObject({ requests: 11 + opened, cost: 14 + 4 * opened });
      await store.close();
    }
    await connection.close();
    await drop(uri);
  });

  test('an addition that was interrupted is completed by the next store, and nothing is added twice', async () => {
    const uri = freshUri();
    const connection = await mongoose.createConnection(uri).asPromise();
    const store = await openMongoStore({ connection });
    const { HOUR: hours } = usageSchemas;
    const model = Object.values(connection.models).find(({ schema }) => schema === hours);
    if (model === undefined) throw new Error('There is no model of hours.');
    const bulkWrite = model.bulkWrite.bind(model);
    const unsent = Object.assign(new Error('No server.'), { name: 'MongoServerSelectionError' });
    model.bulkWrite = () => Promise.reject(unsent);
    const today = Math.floor(Date.now() / DAY) * DAY;
    const requests = async (by: UsagePeriod) =>
      (await store.usage.read(['key_a'], { from: today, to: today + DAY, by })).map((row) => row.requests);
    // The batch is stored as a whole, so the caller need not repeat it.
    const batch = aBatch([{ ...counts('key_a', 3), start: today }]);
    await store.usage.add(batch, today);
    expect([await requests('DAY'), await requests('HOUR')]).toEqual([[3], []]);
    model.bulkWrite = bulkWrite;
    const second = await openMongoStore({ uri });
    await second.usage.add(aBatch([{ ...counts('key_a', 10), start: today }]), today);
    await store.usage.add(batch, today);
    expect([await requests('DAY'), await requests('HOUR'), await requests('MINUTE')]).toEqual([[13], [13], [13]]);
    expect(await connection.collection('latchkey_usage_batches').countDocuments({ additions: { $exists: true } })).toBe(
      0,
    );
    await second.close();
    await store.close();
    await connection.close();
    await drop(uri);
  });

  test('distinguishes sent writes without a response from writes that were not sent', async () => {
    const target = new URL(freshUri());
    const proxy = await Proxy.to(target.hostname, Number(target.port));
    const proxied = new URL(target.href);
    proxied.port = String(proxy.port);
    const store = await openMongoStore({ uri: proxied.href });
    proxy.silence();
    await expect(store.usage.add(aBatch([counts('key_a', 1)]), start)).rejects.toBeInstanceOf(Unacknowledged);
    await proxy.mend();
    await store.close();
    const refusal: unknown = await store.usage
      .add(aBatch([counts('key_a', 1)]), start)
      .catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(StoreUnavailable);
    expect(refusal).not.toBeInstanceOf(Unacknowledged);
    await proxy.cut();
    await drop(target.href);
  });
});

describe('MongoDB: unavailable', () => {
  /**
   * The store gives up after two seconds, the driver after thirty: the difference is the tolerance for a busy machine.
   */
  const expectUnavailableInTime = async (call: () => Promise<unknown>): Promise<void> => {
    const began = performance.now();
    await expect(call()).rejects.toBeInstanceOf(StoreUnavailable);
    expect(performance.now() - began).toBeLessThan(15_000);
  };

  const everyKind = (store: Store, ws: string, key: KeyRecord): (() => Promise<unknown>)[] => [
    () => store.ping(),
    () => store.keys.findForVerification(key.lookupId),
    () => store.keys.find(key.id, ws),
    () => store.keys.insert(aKey(ws), 5, NOW),
    () => store.keys.list(ws, { first: 5, after: null, filter: {}, now: NOW }),
    () => store.keys.countFamilies(ws, NOW),
    () => store.keys.rotate(key.id, ws, { successor: anHeir(key), overlapEnd: NOW }, { at: NOW }),
    () => store.keys.revoke(key.id, ws, null, { at: NOW }),
    () => store.keys.touch(new Map([[key.id, NOW]])),
    () => store.usage.add(aBatch([{ keyId: key.id, start: NOW, requests: 1, cost: 1, limited: 0, forbidden: 0 }]), NOW),
    () => store.usage.read([key.id], { from: 0, to: 3_600_000, by: 'HOUR' }),
    () => store.workspaces.create(aWorkspace(), aKey(ws)),
    () => store.workspaces.list(1),
  ];

  test('from the start: opening rejects with StoreUnavailable in time', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    await expectUnavailableInTime(() => openMongoStore({ uri: `mongodb://127.0.0.1:${port}/none` }));
    const connection = mongoose.createConnection(`mongodb://127.0.0.1:${port}/none`, {
      serverSelectionTimeoutMS: 2300,
    });
    connection.asPromise().catch(() => undefined);
    await expectUnavailableInTime(() => openMongoStore({ connection }));
    await connection.destroy();
  });

  test('from the start, but listening: opening rejects with StoreUnavailable in time', async () => {
    const target = new URL(freshUri());
    const proxy = await Proxy.to(target.hostname, Number(target.port));
    proxy.silence();
    target.port = String(proxy.port);
    await expectUnavailableInTime(() => openMongoStore({ uri: target.href }));
    await proxy.cut();
  });

  test('rejects an invalid URI with the reason', async () => {
    const refusal = await openMongoStore({ uri: 'http://user:hidden@127.0.0.1' }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(Error);
    expect(refusal).not.toBeInstanceOf(StoreUnavailable);
    expect(String(refusal)).toContain('The MongoDB URI cannot be used');
    expect(String(refusal)).not.toContain('hidden');
  });

  for (const [how, handedIn] of [
    ['cut', false],
    ['silence', false],
    ['cut', true],
    ['silence', true],
  ] as const) {
    const whose = handedIn ? 'with a connection that was handed in' : 'with its own connection';
    test(`in the middle (${how}), ${whose}: calls are StoreUnavailable in time, and work again at once`, async () => {
      const target = new URL(freshUri());
      const proxy = await Proxy.to(target.hostname, Number(target.port));
      const proxied = new URL(target.href);
      proxied.port = String(proxy.port);
      const connection = handedIn ? await mongoose.createConnection(proxied.href).asPromise() : null;
      const store = await openMongoStore(connection ? { connection } : { uri: proxied.href });
      const ws = await givenWorkspace(store);
      const key = await givenKey(store, ws);

      await proxy[how]();
      const calls = everyKind(store, ws, key);
      await Promise.all(calls.map((call) => expectUnavailableInTime(call)));

      await proxy.mend();
      const began = performance.now();
      expect(await store.keys.findForVerification(key.lookupId)).toMatchObject({ tier: 'STARTER' });
      await store.ping();
      // The driver checks a server every ten seconds.
      expect(performance.now() - began).toBeLessThan(9_000);

      await store.close();
      await connection?.destroy();
      await proxy.cut();
      await drop(target.href);
    });
  }
});
