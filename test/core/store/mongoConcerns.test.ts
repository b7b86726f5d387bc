import mongoose, { type Connection } from 'mongoose';
import { StoreUnavailable } from '../../../src/core/store/storeErrors.js';
import { openStore } from '../../../src/core/store/open.js';
import { checkUri } from '../../../src/core/store/mongo/concerns.js';
import { openMongoStore } from '../../../src/core/store/mongo/open.js';
import { concernFault, type SentCommand } from './commands.js';
import { ADA, aUser, anHeir, givenKey, givenWorkspace, NOW, unique } from './fixtures.js';
import { ReplyRewriter } from './replyRewriter.js';

const { MONGODB_URI } = process.env;
if (MONGODB_URI === undefined) throw new Error('These tests need a MongoDB: set MONGODB_URI.');

const name = unique('latchkey_test');
function uriWith(options: Readonly<Record<string, string>>, port?: number): string {
  const uri = new URL(MONGODB_URI ?? '');
  uri.pathname = `/${name}`;
  if (port !== undefined) uri.port = String(port);
  for (const [option, value] of Object.entries(options)) uri.searchParams.set(option, value);
  return uri.href;
}

const open: Connection[] = [];
async function connect(uri: string): Promise<{ connection: Connection; commands: SentCommand[] }> {
  const connection = await mongoose.createConnection(uri, { monitorCommands: true }).asPromise();
  open.push(connection);
  const commands: SentCommand[] = [];
  connection.getClient().on('commandStarted', (event) => commands.push(event));
  return { connection, commands };
}

afterAll(async () => {
  await open[0]?.dropDatabase();
  for (const connection of open) await connection.close();
});

const levels = (commands: readonly SentCommand[], of: string): unknown[] =>
  commands
    .filter(({ commandName }) => commandName === of)
    .map(({ command }) => (command as { readConcern?: { level?: unknown } }).readConcern?.level);

test('X11: a connection with weaker options still reads and writes by majority, from its opening on', async () => {
  const weak = uriWith({ readPreference: 'secondaryPreferred', readConcernLevel: 'local', w: '1', journal: 'false' });
  const { connection, commands } = await connect(weak);
  const store = await openMongoStore({ connection });
  const ws = await givenWorkspace(store);
  const user = aUser(ws);
  await store.users.add(user, ADA);
  const key = await givenKey(store, ws, { userId: user.id });
  await store.keys.rotate(
    key.id,
    ws,
    { successor: anHeir(key, { userId: user.id }), overlapEnd: NOW + 9 },
    { at: NOW, author: ADA },
  );
  expect(await store.keys.findForVerification(key.lookupId)).toMatchObject({ user });
  await store.keys.list(ws, { first: 9, after: null, filter: {}, now: NOW });
  await store.close();
  expect(commands.length).toBeGreaterThan(40);
  expect(commands.map(concernFault).filter((fault) => fault !== null)).toEqual([]);
});

test('X11: readConcernLevel=linearizable applies to reads of keys and users for verification, and to nothing else', async () => {
  const { connection, commands } = await connect(uriWith({ readConcernLevel: 'linearizable' }));
  const store = await openMongoStore({ connection });
  const ws = await givenWorkspace(store);
  const user = aUser(ws);
  await store.users.add(user, ADA);
  const key = await givenKey(store, ws, { userId: user.id });
  expect(levels(commands, 'find').filter((level) => level !== 'majority')).toEqual(['linearizable']);
  commands.length = 0;
  expect(await store.keys.findForVerification(key.lookupId)).toMatchObject({ key, user });
  expect([levels(commands, 'aggregate'), levels(commands, 'find')]).toEqual([['linearizable'], ['linearizable']]);
  await store.close();
});

test.each([
  ['readPreference=secondary', 'a secondary may not know yet that a key was revoked. Remove readPreference'],
  ['readPreference=nearest&readPreferenceTags=dc:ny', 'readPreference=nearest'],
  ['readPreference=primaryPreferred', 'readPreference=primaryPreferred'],
  ['readConcernLevel=local', 'readConcernLevel=local'],
  ['readConcernLevel=available', 'Remove readConcernLevel, or set it to majority or linearizable.'],
  ['w=1', 'w=1, but changes are acknowledged by the majority'],
  ['w=0', 'w=0'],
  ['w=dc2', 'w="dc2"'],
  ['journal=false', 'journal=false'],
])('X11: MONGODB_URI with %s is rejected before anything is sent', async (option, what) => {
  // Nothing listens there: an attempt to connect would be reported.
  const uri = `mongodb://user:hunter2@127.0.0.1:1,127.0.0.1:2/db?replicaSet=rs0&${option}`;
  const opening = openStore({ mongodbUri: uri, dataDir: '' });
  await expect(opening).rejects.toThrow(/^MONGODB_URI sets /);
  await expect(opening).rejects.toThrow(what);
  await expect(opening).rejects.not.toThrow('hunter2');
});

test.each([
  'mongodb://a,b,c/db?replicaSet=rs0&readPreference=primary&w=majority&journal=true&readConcernLevel=majority',
  'mongodb+srv://cluster.example.com/db?retryWrites=true&w=majority',
  'mongodb://a/db?readConcernLevel=linearizable&retryWrites=false',
  'mongodb://a/db',
  'this is no URI, which connecting says',
])('X11: accepts the options of %s', (uri) => {
  expect(() => checkUri(uri)).not.toThrow();
});

describe('X11: a member of a replica set', () => {
  let rewriter: ReplyRewriter;
  beforeAll(async () => {
    const { hostname, port } = new URL(MONGODB_URI);
    rewriter = await ReplyRewriter.to(hostname, Number(port));
  });
  afterAll(() => rewriter.close());

  test('is rejected with directConnection=true, because another member may become the primary', async () => {
    rewriter.rewrite = (reply) =>
      'isWritablePrimary' in reply ? { ...reply, setName: 'rs0', hosts: ['a:1', 'b:1'], me: 'a:1' } : reply;
    const uri = uriWith({ directConnection: 'true' }, rewriter.port);
    await expect(openStore({ mongodbUri: uri, dataDir: '' })).rejects.toThrow(
      /^MONGODB_URI sets directConnection=true and names a member of the replica set "rs0".* Remove directConnection\.$/,
    );
    // The only member of its set is always the primary, if any.
    rewriter.rewrite = (reply) =>
      'isWritablePrimary' in reply ? { ...reply, setName: 'rs0', hosts: ['a:1'], me: 'a:1' } : reply;
    await (await openMongoStore({ uri })).close();
  });

  test('returns cluster times, and each read carries the newest time that the process has seen', async () => {
    let second = 100;
    rewriter.rewrite = (reply) =>
      'isWritablePrimary' in reply
        ? reply
        : { ...reply, operationTime: new mongoose.mongo.Timestamp({ t: (second += 1), i: 1 }) };
    const { connection, commands } = await connect(uriWith({ directConnection: 'true' }, rewriter.port));
    const store = await openMongoStore({ connection });
    const ws = await givenWorkspace(store);
    const key = await givenKey(store, ws);
    for (const read of [
      () => store.keys.findForVerification(key.lookupId),
      () => store.keys.find(key.id, ws),
      () => store.keys.revoke(key.id, ws, null, { at: NOW, author: ADA }),
    ]) {
      const before = second;
      commands.length = 0;
      await read();
      expect(commands[0]?.command).toMatchObject({
        readConcern: { level: 'majority', afterClusterTime: { t: before } },
      });
    }
    await store.close();
  });

  test('is rejected if the URI requires linearizable reads that it does not support', async () => {
    rewriter.rewrite = (reply, command) =>
      JSON.stringify(command).includes('linearizable')
        ? { ok: 0, code: 123, codeName: 'NotAReplicaSet', errmsg: 'node needs to be a replica set member' }
        : reply;
    const uri = uriWith({ directConnection: 'true', readConcernLevel: 'linearizable' }, rewriter.port);
    await expect(openStore({ mongodbUri: uri, dataDir: '' })).rejects.toThrow(
      /^MONGODB_URI sets readConcernLevel=linearizable, which the server refuses/,
    );
    await expect(openMongoStore({ uri })).rejects.not.toThrow(StoreUnavailable);
  });
});

test('X11: lookups fail while a linearizable read gets no response', async () => {
  const { hostname, port } = new URL(MONGODB_URI);
  const rewriter = await ReplyRewriter.to(hostname, Number(port));
  const uri = uriWith({ directConnection: 'true', readConcernLevel: 'linearizable' }, rewriter.port);
  const store = await openMongoStore({ uri, timeout: 300 });
  const key = await givenKey(store, await givenWorkspace(store));
  // Without a majority, there is no response until maxTimeMS.
  rewriter.rewrite = (reply, command) => (JSON.stringify(command).includes('linearizable') ? null : reply);
  await expect(store.keys.findForVerification(key.lookupId)).rejects.toThrow(StoreUnavailable);
  expect(await store.keys.find(key.id, null)).toMatchObject({ id: key.id });
  await store.close();
  await rewriter.close();
});
