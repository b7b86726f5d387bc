import mongoose, { type Connection } from 'mongoose';
import { checkHead, verifyAudit } from '../../../src/management/audit/verifyAudit.js';
import { draftEntry, GENESIS, SYSTEM, type AuditDraft } from '../../../src/core/store/audit.js';
import { Unacknowledged } from '../../../src/core/store/storeErrors.js';
import { openMongoStore } from '../../../src/core/store/mongo/open.js';
import type { Store } from '../../../src/core/store/store.js';
import { aKey, aUser, givenKey, givenWorkspace, NOW, unique } from './fixtures.js';
import { Proxy } from './proxy.js';

const { MONGODB_URI = '' } = process.env;
/** Even a busy machine is faster than this, in ms. */
const TIMEOUT = 60_000;

const uri = new URL(MONGODB_URI);
uri.pathname = `/${unique('latchkey_test')}`;
const closing: (() => Promise<unknown>)[] = [];
let raw: Connection;
let store: Store;

beforeAll(async () => {
  raw = await mongoose.createConnection(uri.href).asPromise();
  store = await openMongoStore({ connection: raw, timeout: TIMEOUT });
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(async () => {
  await store.close();
  await raw.dropDatabase();
  await raw.close();
});

interface HeadDocument {
  readonly _id: string;
  readonly seq: number;
  readonly hash: string;
  readonly lockedBy?: string;
}
const heads = () => raw.collection<HeadDocument>('latchkey_audit_heads');

/** The commands of a process, and those that failed or collided with a unique value. */
interface Member {
  readonly store: Store;
  readonly connection: Connection;
  readonly commands: string[];
  readonly failed: string[];
}

/** A store with its own connection, like that of another process. */
async function aMember(address = uri.href, timeout = TIMEOUT): Promise<Member> {
  const connection = await mongoose.createConnection(address, { monitorCommands: true }).asPromise();
  closing.push(() => connection.destroy());
  const [commands, failed]: [string[], string[]] = [[], []];
  const client = connection.getClient();
  client.on('commandStarted', ({ commandName, command }) => {
    commands.push(`${commandName} ${(command as Record<string, string>)[commandName]}`);
  });
  client.on('commandFailed', ({ commandName, failure }) => failed.push(`${commandName}: ${failure.message}`));
  client.on('commandSucceeded', ({ commandName, reply }) => {
    const { writeErrors = [] } = reply as { writeErrors?: readonly { errmsg: string }[] };
    failed.push(...writeErrors.map(({ errmsg }) => `${commandName}: ${errmsg}`));
  });
  const opened = await openMongoStore({ connection, timeout });
  closing.push(() => opened.close());
  commands.length = 0;
  failed.length = 0;
  return { store: opened, connection, commands, failed };
}

const expectWhole = async (ws: string, entries: number): Promise<void> => {
  expect(await verifyAudit(store.audit, ws)).toMatchObject({ outcome: 'whole', entries });
  expect(await store.audit.head(ws)).toMatchObject({ seq: entries });
};

const aDraft = (workspaceId: string): AuditDraft =>
  draftEntry(
    { workspaceId, projectId: null, at: NOW, action: 'key.refused', subject: 'key', before: null, after: null },
    SYSTEM,
  );

test.each([2, 3])('X4: %i processes create keys in one workspace without collisions', async (processes) => {
  const [CALLERS, CREATIONS] = [8, 24];
  const ws = await givenWorkspace(store);
  const members: Member[] = [];
  for (let i = 0; i < processes; i++) members.push(await aMember());
  const create = async (member: Member): Promise<void> => {
    let left = CREATIONS;
    const call = async (): Promise<void> => {
      while (left-- > 0) expect(await member.store.keys.insert(aKey(ws), null, NOW)).toEqual({ outcome: 'inserted' });
    };
    await Promise.all(Array.from({ length: CALLERS }, call));
  };
  await Promise.all(members.map(create));
  expect(members.flatMap(({ failed }) => failed)).toEqual([]);
  const commands = members.flatMap((member) => member.commands);
  // As many as a single process may use.
  expect(commands.length).toBeLessThanOrEqual(9 * processes * CREATIONS);
  // In groups, including the attempts while another process adds entries.
  expect(commands.filter((command) => command.includes('latchkey_audit')).length).toBeLessThan(
    3 * processes * CREATIONS,
  );
  await expectWhole(ws, processes * CREATIONS + 1);
});

test('X4: three processes that find the same unfinished changes add each entry once', async () => {
  const CHANGES = 12;
  const ws = await givenWorkspace(store);
  const members = [await aMember(), await aMember(), await aMember()];
  const drafts = Array.from({ length: CHANGES }, () => aDraft(ws));
  await Promise.all(members.flatMap((member) => drafts.map((draft) => member.store.audit.append(draft))));
  // At most one command of each process was refused, because it tried to add entries that exist.
  for (const { failed } of members) expect(failed.length).toBeLessThanOrEqual(1);
  for (const { commands } of members) expect(commands.length).toBeLessThan(CHANGES * 3);
  await expectWhole(ws, CHANGES + 1);
});

describe('X4: a process that ended while it added entries', () => {
  test.each([
    ['before it wrote any', false],
    ['before it moved the head', true],
  ])('%s: the next process continues', async (_, isBehind) => {
    const ws = await givenWorkspace(store);
    await givenKey(store, ws);
    const [first] = await store.audit.read(ws, 0, 1);
    if (first === undefined) throw new Error('The chain is empty.');
    const behind = { seq: first.seq, hash: first.hash };
    await heads().updateOne({ _id: ws }, { $set: { lockedBy: 'ended', ...(isBehind && behind) } });
    const member = await aMember();
    expect(await member.store.keys.insert(aKey(ws), null, NOW)).toEqual({ outcome: 'inserted' });
    expect(member.commands.length).toBeLessThan(60);
    await expectWhole(ws, 3);
    expect(await heads().findOne({ _id: ws })).not.toHaveProperty('lockedBy');
  });

  test('before the first entry of a chain: the chain is empty, and the next process begins it', async () => {
    const ws = unique('ws');
    await heads().insertOne({ _id: ws, seq: 0, hash: GENESIS, lockedBy: 'ended' });
    expect(await store.audit.head(ws)).toBeNull();
    expect(await checkHead(store.audit, ws)).toBeNull();
    const all = await store.audit.heads('', 10_000);
    expect(all.filter(({ workspaceId }) => workspaceId === ws)).toEqual([]);
    await store.audit.append(aDraft(ws));
    await expectWhole(ws, 1);
  });

  test('and continues after another process took its lock: adds no second entry at a position', async () => {
    const ws = await givenWorkspace(store);
    const proxy = await Proxy.to(uri.hostname, Number(uri.port));
    closing.push(() => proxy.cut());
    const proxied = new URL(uri.href);
    proxied.port = String(proxy.port);
    const late = await aMember(proxied.href, 500);
    // Its entry is sent, but reaches the engine only after the connection works again.
    late.connection.getClient().on('commandStarted', ({ commandName, command }) => {
      if (commandName === 'insert' && (command as { insert: string }).insert === 'latchkey_audit') proxy.silence();
    });
    const user = aUser(ws);
    await expect(late.store.users.add(user)).rejects.toBeInstanceOf(Unacknowledged);
    expect(await heads().findOne({ _id: ws })).toHaveProperty('lockedBy');
    const other = await aMember();
    await other.store.audit.append(aDraft(ws));
    late.connection.getClient().removeAllListeners('commandStarted');
    await proxy.mend();
    await late.store.audit.append(aDraft(ws));
    // A reader adds the entry of the change that was not confirmed, unless the late command did.
    await store.audit.list(ws, { first: 1, before: null, filter: {} });
    await expectWhole(ws, 4);
    const added = await store.audit.list(ws, { first: 9, before: null, filter: { subject: user.id } });
    expect(added).toHaveLength(1);
  });
});
