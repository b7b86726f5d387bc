import mongoose from 'mongoose';
import { openMongo, type MongoOptions } from '../../../src/core/store/mongo/open.js';
import type { Store } from '../../../src/core/store/store.js';
import { StoreUnavailable } from '../../../src/core/store/storeErrors.js';
import type { DemoStore } from '../../../src/demo/store/demoStore.js';
import { MONGO_PARTS } from '../../../src/demo/store/mongo/mongoParts.js';
import { NOW, unique } from '../../core/store/fixtures.js';
import { anAlert, anAsset, anEvent } from './demoFixtures.js';
import { drop, freshUri } from '../../support/mongo.js';

const { MONGODB_URI } = process.env;
if (MONGODB_URI === undefined) throw new Error('These tests need a MongoDB: set MONGODB_URI.');

const open = (options: MongoOptions): Promise<Store & DemoStore> => openMongo(options, MONGO_PARTS);

// Connections left open by a failed test would keep Jest from ending.
afterAll(() => mongoose.disconnect());

// test/core/store/mongoPlans.test.ts runs the suite for both engines, to compare its commands with the indexes.

test('MongoDB: assets of a release before projects belong to the default project', async () => {
  const own = freshUri();
  const plain = await mongoose.createConnection(own).asPromise();
  const { projectId, ...asset } = anAsset(unique('ws'));
  const { id, projectId: workspaceId, ...alert } = anAlert(projectId, asset.name);
  const assets = plain.getClient().db(plain.name).collection('latchkey_assets');
  const alerts = plain.collection<{ _id: string }>('latchkey_alerts');
  await assets.createIndexes([{ key: { workspaceId: 1, name: 1 }, unique: true }]);
  await assets.insertOne({ workspaceId: projectId, ...asset });
  await alerts.insertOne({ _id: id, workspaceId, ...alert, open: true } as never);
  for (let opened = 0; opened < 2; opened++) {
    const store = await open({ uri: own });
    expect(await store.assets.find(projectId, asset.name)).toEqual({ projectId, ...asset });
    expect(await store.assets.openAlerts(projectId, [asset.name])).toEqual([{ id, projectId, ...alert }]);
    // The old index would have allowed a name only once in a workspace, whatever the project.
    await store.assets.register(anAsset(unique('prj'), { name: asset.name }));
    await store.close();
  }
  await plain.close();
  await drop(own);
});

describe('MongoDB: events', () => {
  test('expire 90 days after they happened', async () => {
    const uri = freshUri();
    const store = await open({ uri });
    const raw = await mongoose.createConnection(uri).asPromise();
    const expiring = (await raw.collection('latchkey_events').indexes()).filter(
      ({ expireAfterSeconds }) => expireAfterSeconds !== undefined,
    );
    expect(expiring).toMatchObject([{ key: { at: 1 }, expireAfterSeconds: 90 * 24 * 60 * 60 }]);
    await raw.close();
    await store.close();
    await drop(uri);
  });

  test('are written with one command, and read once only for IDs that exist', async () => {
    const uri = freshUri();
    const connection = await mongoose.createConnection(uri, { monitorCommands: true }).asPromise();
    const store = await open({ connection });
    const names: string[] = [];
    connection.getClient().on('commandStarted', ({ commandName, command }) => {
      // The store may look for counts of usage at the same time.
      if (command[commandName] === 'latchkey_events') names.push(commandName);
    });
    const events = Array.from({ length: 500 }, () => anEvent('prj'));
    await store.events.record(events.slice(0, 100), NOW);
    expect(names.splice(0)).toEqual(['insert']);
    const kept = await store.events.record(events, NOW);
    expect(names).toEqual(['insert', 'find']);
    expect(kept.map(({ added }) => added)).toEqual(events.map((_, i) => i >= 100));
    await store.close();
    await connection.close();
    await drop(uri);
  });
});

test('MongoDB: an alert that many requests open concurrently is inserted once', async () => {
  const uri = freshUri();
  const connection = await mongoose.createConnection(uri, { monitorCommands: true }).asPromise();
  const store = await open({ connection });
  const names: string[] = [];
  connection.getClient().on('commandStarted', ({ commandName, command }) => {
    // The store may look for counts of usage at the same time.
    if (command[commandName] === 'latchkey_alerts') names.push(commandName);
  });
  const alerts = Array.from({ length: 10 }, () => anAlert('prj', 'orders'));
  const other = anAlert('prj', 'customers');
  const answers = await Promise.all([...alerts, other].map((alert) => store.assets.openAlert(alert)));
  expect(answers).toEqual([...alerts.map(() => alerts[0]), other]);
  expect(names).toEqual(['insert', 'insert']);
  await store.close();
  await connection.close();
  await drop(uri);
});

test('MongoDB: the unique indexes exist when the store is open, and models read the primary', async () => {
  const uri = freshUri();
  const connection = await mongoose.createConnection(uri).asPromise();
  const store = await open({ connection });
  const uniques = async (name: string) =>
    (await connection.collection(name).indexes()).filter((index) => index.unique).map(({ key }) => key as object);
  expect(await uniques('latchkey_assets')).toEqual([{ projectId: 1, name: 1 }]);
  expect(await uniques('latchkey_alerts')).toEqual([{ projectId: 1, asset: 1, kind: 1 }]);
  expect(await uniques('latchkey_events')).toEqual([{ projectId: 1, id: 1 }]);
  const models = ['LatchkeyAlert', 'LatchkeyAsset', 'LatchkeyEvent'];
  expect(connection.modelNames()).toEqual(expect.arrayContaining(models));
  for (const name of models) expect(connection.model(name).schema.get('read')).toBe('primary');
  await store.close();
  await connection.close();
  await drop(uri);
});

test('MongoDB: acknowledges every write by the majority, with journal', async () => {
  const uri = freshUri();
  const connection = await mongoose.createConnection(uri, { monitorCommands: true }).asPromise();
  const store = await open({ connection });
  const { assets, events } = store;
  const writes: unknown[] = [];
  connection.getClient().on('commandStarted', ({ commandName, command }) => {
    if (['insert', 'update', 'findAndModify'].includes(commandName)) writes.push(command.writeConcern);
  });
  const asset = await assets.register(anAsset('prj'));
  await assets.register(asset);
  await assets.recordLoad('prj', asset.name, NOW, 1);
  await assets.saveColumns('prj', asset.name, 1, []);
  await assets.openAlert(anAlert('prj', asset.name));
  await assets.closeAlert('prj', asset.name, 'STALE', NOW);
  await events.record([anEvent('prj')], NOW);
  expect(writes.length).toBeGreaterThan(6);
  for (const concern of writes) expect(concern).toEqual({ w: 'majority', j: true });
  await store.close();
  await connection.close();
  await drop(uri);
});

test('MongoDB: operations of a store that was closed are refused', async () => {
  const uri = freshUri();
  const store = await open({ uri });
  await store.close();
  const calls = [
    () => store.assets.register(anAsset('ws')),
    () => store.assets.openAlerts('ws', ['a']),
    () => store.events.record([anEvent('ws')], NOW),
    () => store.events.list('ws', { first: 5, after: null, filter: {}, since: 0 }),
  ];
  for (const call of calls) await expect(call()).rejects.toBeInstanceOf(StoreUnavailable);
  await drop(uri);
});
