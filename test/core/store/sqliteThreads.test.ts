import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { jest } from '@jest/globals';
import { Duplicate, NotWritten, StoreUnavailable, Unacknowledged } from '../../../src/core/store/storeErrors.js';
import { Connection } from '../../../src/core/store/sqlite/connection.js';
import { LOCKED } from '../../../src/core/store/sqlite/driverErrors.js';
import { openSqliteStore } from '../../../src/core/store/sqlite/open.js';
import { StoreThread } from '../../../src/core/store/sqlite/storeThread.js';
import { serveThread } from '../../../src/core/store/sqlite/thread.js';
import type { WireError } from '../../../src/core/store/sqlite/wireErrors.js';
import { Threads, type ThreadsOptions } from '../../../src/core/store/sqlite/threads.js';
import { aBatch, aKey, givenKey, givenWorkspace, NOW, placesFor, summaryOf } from './fixtures.js';
import { startChild } from './processes.js';

const root = mkdtempSync(join(tmpdir(), 'latchkey-threads-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let made = 0;
const freshDir = (): string => join(root, String(made++));

test('R2: concurrent pages do not delay a lookup', async () => {
  const store = await openSqliteStore({ dir: freshDir() });
  const workspaceId = await givenWorkspace(store);
  const key = await givenKey(store, workspaceId);
  const done: string[] = [];
  const pages = Array.from({ length: 25 }, async () => {
    await store.audit.list(workspaceId, { first: 10, before: null, filter: {} });
    done.push('page');
  });
  const lookup = store.keys.findForVerification(key.lookupId).then(() => done.push('look-up'));
  await Promise.all([...pages, lookup]);
  expect(done[0]).toBe('look-up');
  await store.close();
});

test('X1: a slow read does not delay the lookup of a key', async () => {
  const store = await openSqliteStore({ dir: freshDir() });
  const workspaceId = await givenWorkspace(store);
  const key = await givenKey(store, workspaceId);
  const DAYS = 730;
  const fields = new Map(Array.from({ length: 300 }, (_, i) => [`Query.field${i}`, 1]));
  const additions = Array.from({ length: DAYS }, (_, day) => ({
    ...{ keyId: key.id, start: day * 86_400_000, fields },
    ...{ requests: 1, cost: 1, limited: 0, forbidden: 0 },
  }));
  await store.usage.add(aBatch(additions), 0);

  const done: string[] = [];
  const long = store.usage.fields(key.id, 0, DAYS * 86_400_000).then(() => done.push('read'));
  for (let i = 0; i < 3; i += 1) {
    await turn();
    await store.keys.findForVerification(key.lookupId);
    done.push('look-up');
  }
  await long;
  expect(done).toEqual(['look-up', 'look-up', 'look-up', 'read']);
  await store.close();
});

describe('brief reads', () => {
  /** Returns the thread of each operation that `run` asks for, numbered in the order of their first operations. */
  const threadsOf = async (run: () => Promise<unknown>): Promise<number[]> => {
    const ask = jest.spyOn(StoreThread.prototype, 'askAll');
    try {
      await run();
      const threads = [...new Set(ask.mock.contexts)];
      return ask.mock.contexts.map((thread) => threads.indexOf(thread));
    } finally {
      ask.mockRestore();
    }
  };

  test('run in the writer until there is a reader', async () => {
    const store = await openSqliteStore({ dir: freshDir() });
    const run = async (): Promise<void> => {
      const ws = await givenWorkspace(store);
      await store.audit.read(ws, 0, 1);
      await store.keys.list(ws, { first: 9, after: null, filter: {}, now: NOW });
      await store.audit.read(ws, 0, 1);
      await givenWorkspace(store);
    };
    expect(await threadsOf(run)).toEqual([0, 0, 1, 1, 0]);
    await store.close();
  });

  test('run in a reader after 20 of them', async () => {
    const store = await openSqliteStore({ dir: freshDir() });
    const run = async (): Promise<void> => {
      for (let i = 0; i < 22; i += 1) await store.workspaces.list(9);
    };
    expect(await threadsOf(run)).toEqual([...Array.from({ length: 20 }, () => 0), 1, 1]);
    await store.close();
  });

  test('do not wait for a writer that is busy', async () => {
    const dir = freshDir();
    const store = await openSqliteStore({ dir, busyTimeout: 120_000 });
    const ws = await givenWorkspace(store);
    const holder = await startChild(null, { kind: 'hold', file: join(dir, 'latchkey.db') });
    const inserted = store.keys.insert(aKey(ws), null, NOW);
    expect(await store.audit.read(ws, 0, 9)).toHaveLength(1);
    holder.go();
    await holder.end();
    await inserted;
    await store.close();
  });

  test('run in a reader if the writer ends', async () => {
    const store = await openSqliteStore({ dir: freshDir() });
    const ws = await givenWorkspace(store);
    const ask = jest.spyOn(StoreThread.prototype, 'askAll').mockImplementationOnce(function (this: StoreThread, asked) {
      ask.mockRestore();
      const answers = this.askAll(asked);
      void this.end();
      return answers;
    });
    expect(await store.audit.read(ws, 0, 9)).toHaveLength(1);
    await store.close();
  });
});

describe('X1: while another program has the write lock', () => {
  const locked = async (busyTimeout: number) => {
    const dir = freshDir();
    const store = await openSqliteStore({ dir, busyTimeout });
    const workspaceId = await givenWorkspace(store);
    const key = await givenKey(store, workspaceId);
    const holder = await startChild(null, { kind: 'hold', file: join(dir, 'latchkey.db') });
    const release = async () => {
      holder.go();
      await holder.end();
    };
    return { store, workspaceId, key, release };
  };

  test('reads work, the store is not ready and gives the reason, and changes are made afterwards', async () => {
    const { store, workspaceId, key, release } = await locked(120_000);
    const inserted = store.keys.insert(aKey(workspaceId), null, NOW);
    const touched = store.keys.touch(new Map([[key.id, NOW]]));

    expect(await store.keys.findForVerification(key.lookupId)).toMatchObject({ key });
    expect((await store.keys.list(workspaceId, { first: 9, after: null, filter: {}, now: NOW })).keys).toEqual([
      summaryOf(key),
    ]);
    expect(await store.audit.list(workspaceId, { first: 9, before: null, filter: {} })).toHaveLength(2);
    await expect(store.ping()).rejects.toMatchObject({ reason: LOCKED });
    await expect(store.ping()).rejects.toMatchObject({ reason: LOCKED });

    await release();
    expect(await inserted).toEqual({ outcome: 'inserted' });
    await touched;
    await expect(store.ping()).resolves.toBeUndefined();
    expect(await store.keys.find(key.id, null)).toMatchObject({ lastUsedAt: NOW });
    await store.close();
  });

  test('all changes that waited too long are refused and not made', async () => {
    const { store, workspaceId, release } = await locked(300);
    const refusals = await Promise.all(
      Array.from({ length: 20 }, () =>
        store.keys.insert(aKey(workspaceId), null, NOW).catch((error: unknown) => error),
      ),
    );
    for (const refusal of refusals) {
      expect(refusal).toBeInstanceOf(NotWritten);
      expect(refusal).toMatchObject({ reason: LOCKED, message: 'The store could not write a change.' });
    }
    await release();
    expect(await store.keys.count(workspaceId, {}, NOW)).toBe(1);
    await store.close();
  });
});

describe('changes that wait at the same time', () => {
  const COUNT = 50;
  /** Returns the numbers of operations that the threads received together while `run` ran. */
  const groupsOf = async (run: () => Promise<unknown>): Promise<number[]> => {
    const ask = jest.spyOn(StoreThread.prototype, 'askAll');
    try {
      await run();
      return ask.mock.calls.map(([asked]) => asked.length);
    } finally {
      ask.mockRestore();
    }
  };

  test('share transactions of at most 20, in the order of their workspaces, and are all made', async () => {
    const store = await openSqliteStore({ dir: freshDir() });
    const [one, other] = [await givenWorkspace(store), await givenWorkspace(store)];
    const keys = Array.from({ length: COUNT }, (_, i) => aKey(i % 2 === 0 ? one : other));
    const groups = await groupsOf(() => Promise.all(keys.map((key) => store.keys.insert(key, null, NOW))));
    // The first does not wait.
    expect(groups).toEqual([1, 20, 20, 9]);
    expect(await store.keys.count(one, {}, NOW)).toBe(COUNT / 2);
    const entries = await store.audit.read(other, 0, 2 * COUNT);
    expect(entries.slice(-COUNT / 2).map(({ subject }) => subject)).toEqual(
      keys.filter(({ workspaceId }) => workspaceId === other).map(({ id }) => id),
    );
    await store.close();
  });

  test('are limited as if each had come by itself', async () => {
    const store = await openSqliteStore({ dir: freshDir() });
    const ws = await givenWorkspace(store);
    const keys = Array.from({ length: COUNT }, () => aKey(ws));
    const places = placesFor(30, 30);
    const outcomes = await Promise.all(keys.map((key) => store.keys.insert(key, places, NOW)));
    expect(outcomes.filter(({ outcome }) => outcome === 'inserted')).toHaveLength(30);
    expect(outcomes.filter(({ outcome }) => outcome === 'full')).toHaveLength(20);
    await store.close();
  });

  test('do not fail because one of them does', async () => {
    const store = await openSqliteStore({ dir: freshDir() });
    const ws = await givenWorkspace(store);
    const keys = Array.from({ length: COUNT }, () => aKey(ws));
    const taken = await givenKey(store, ws);
    keys[25] = { ...aKey(ws), id: taken.id };
    const results = await Promise.allSettled(keys.map((key) => store.keys.insert(key, null, NOW)));
    expect(results.flatMap(({ status }, i) => (status === 'rejected' ? i : []))).toEqual([25]);
    expect(results[25]).toMatchObject({ reason: expect.any(Duplicate) as Duplicate });
    expect(await store.keys.count(ws, {}, NOW)).toBe(COUNT);
    // One entry for each key, and that of the workspace.
    expect(await store.audit.read(ws, 0, 2 * COUNT)).toHaveLength(COUNT + 1);
    await store.close();
  });

  test('do not share a transaction with operations that change the connection', async () => {
    const store = await openSqliteStore({ dir: freshDir() });
    const ws = await givenWorkspace(store);
    const key = await givenKey(store, ws);
    const insert = () => store.keys.insert(aKey(ws), null, NOW);
    const groups = await groupsOf(() =>
      Promise.all([insert(), insert(), insert(), store.keys.touch(new Map([[key.id, NOW]])), insert(), insert()]),
    );
    expect(groups).toEqual([1, 1, 1, 3]);
    expect(await store.keys.find(key.id, ws)).toMatchObject({ lastUsedAt: NOW });
    await store.close();
  });
});

test('transactions that run together are all written or none', async () => {
  const connection = new Connection(join(root, 'together.db'), 100);
  connection.exec('CREATE TABLE t (id INTEGER PRIMARY KEY)');
  const insert = connection.prepare('INSERT INTO t VALUES ($id)');
  const all = connection.prepare<{ id: number }>('SELECT id FROM t ORDER BY id');
  const together = (...ids: number[]) =>
    connection.together(async () => {
      for (const id of ids) await Promise.resolve(connection.transaction(() => insert.run({ id })));
      return ids;
    });
  expect(await together(1, 2)).toEqual([1, 2]);
  expect(await together(3, 1)).toBeNull();
  expect(all.all({}).map(({ id }) => id)).toEqual([1, 2]);
  expect(await together(3, 4)).toEqual([3, 4]);
  expect(all.all({}).map(({ id }) => id)).toEqual([1, 2, 3, 4]);
  connection.close();
});

test('operations that run together wait once for the lock of another program', async () => {
  const dir = freshDir();
  mkdirSync(dir);
  const file = join(dir, 'locked.db');
  const { port1, port2 } = new MessageChannel();
  const reasons = (): Promise<readonly unknown[]> =>
    new Promise((resolve) => {
      port1.on('message', ({ answers }: { readonly answers?: readonly { readonly error?: WireError }[] }) => {
        if (answers !== undefined) resolve(answers.map(({ error }) => error?.fields.reason));
      });
    });
  await serveThread(port2, { role: 'writer', dir, file, busyTimeout: 100 });
  const other = new Connection(file, 100);
  other.exec('BEGIN IMMEDIATE');
  const executed = jest.spyOn(Connection.prototype, 'exec');
  const given = ['none', null, null, { at: NOW }];
  const revoke = { part: 'keys', operation: 'revoke', given };
  const asked = Array.from({ length: 20 }, (_, i) => ({ ...revoke, patience: i === 7 ? 150 : 0 }));
  const answered = reasons();
  port1.postMessage(asked);
  expect(await answered).toEqual(asked.map(() => LOCKED));
  // Once for all of them, and again for the one that may wait longer. Each wait is a few short ones.
  expect(executed.mock.calls.filter(([sql]) => sql.startsWith('BEGIN')).length).toBeLessThan(asked.length);
  executed.mockRestore();
  other.close();
  const close = { part: 'thread', operation: 'close', given: [], patience: 0 };
  const closed = reasons();
  port1.postMessage([close]);
  await closed;
  port1.close();
});

test('refuses a write that has waited long enough, just after another one failed because of the lock', async () => {
  const started: ((error: Error) => void)[] = [];
  // The moment before the next operation reports the lock is too short for a real thread.
  const thread = {
    hasEnded: false,
    isLocked: false,
    askAll: (asked: readonly unknown[]) => asked.map(() => new Promise((_, reject) => void started.push(reject))),
  } as unknown as StoreThread;
  const clock = jest.spyOn(performance, 'now').mockReturnValue(0);
  const threads = new Threads({ start: () => thread, most: 1, queued: 60_000, patience: 100, limit: null });
  const revoke = { part: 'keys', operation: 'revokeMany', given: [] };
  const first = threads.ask('w', revoke);
  void threads.ask('w', revoke);
  const third = threads.ask('w', revoke);
  started[0]?.(new NotWritten(new Error('locked'), LOCKED));
  await expect(first).rejects.toThrow(NotWritten);
  await turn();
  // The second one runs now, and may wait longer.
  expect(started).toHaveLength(2);
  await expect(third).rejects.toMatchObject({ reason: LOCKED });
  clock.mockRestore();
});

describe('X1: the threads', () => {
  const given = async (options: Partial<ThreadsOptions>) => {
    const dir = freshDir();
    const store = await openSqliteStore({ dir });
    const workspaceId = await givenWorkspace(store);
    const started: StoreThread[] = [];
    const start = (role: 'reader' | 'writer'): StoreThread => {
      const thread = new StoreThread({ role, dir, file: join(dir, 'latchkey.db'), busyTimeout: 100 }, 'sqliteThread');
      started.push(thread);
      return thread;
    };
    const threads = new Threads({
      ...{ start: () => start('reader'), most: 1, queued: 60_000, limit: 60_000, patience: 0 },
      ...options,
    });
    const end = async () => {
      await threads.close({ part: 'thread', operation: 'close', given: [] });
      await store.close();
    };
    const heads = { part: 'audit', operation: 'heads', given: ['', 9] };
    return { threads, started, workspaceId, heads, end, start, dir };
  };

  test('reject an operation that takes too long, and run the next one', async () => {
    const { threads, heads, end } = await given({ limit: 0 });
    await expect(threads.ask('ws', heads)).rejects.toMatchObject({ reason: 'the store is busy' });
    await end();
  });

  test('reject an operation that waits too long, and never run it', async () => {
    const { threads, heads, end, started } = await given({ queued: 1 });
    // The thread has not started when its second operation has waited too long.
    const first = threads.ask('ws', heads);
    await expect(threads.ask('ws', heads)).rejects.toMatchObject({ reason: 'the store is busy' });
    expect(await first).toHaveLength(1);
    expect(started).toHaveLength(1);
    await end();
  });

  test('reject more than a thousand operations of one workspace, and none of another', async () => {
    const { threads, heads, end } = await given({});
    const answers = Array.from({ length: 1_100 }, () => threads.ask('ws', heads).catch((error: unknown) => error));
    const other = threads.ask('another', heads);
    expect(await other).toHaveLength(1);
    const refused = (await Promise.all(answers)).filter((answer) => answer instanceof StoreUnavailable);
    // The thread runs one of them.
    expect(refused).toHaveLength(99);
    await end();
  });

  test('take turns between workspaces', async () => {
    const { threads, heads, end } = await given({});
    const done: string[] = [];
    const ask = (turnOf: string) => threads.ask(turnOf, heads).then(() => done.push(turnOf));
    await Promise.all([...Array.from({ length: 50 }, () => ask('many')), ask('one')]);
    expect(done.indexOf('one')).toBeLessThan(3);
    await end();
  });

  test('are replaced if one ends, which reports that its change may have been made', async () => {
    const { threads, started, end, start, heads, dir } = await given({ limit: null });
    const writers = new Threads({
      start: () => start('writer'),
      most: 1,
      queued: 60_000,
      limit: null,
      patience: 120_000,
    });
    await writers.ask('ws', heads);
    const holder = await startChild(null, { kind: 'hold', file: join(dir, 'latchkey.db') });
    const lost = writers.ask('ws', { part: 'keys', operation: 'saveDigest', given: ['key', 'x'] });
    // Threads only end between two statements.
    const ended = started.at(-1)?.end();
    holder.go();
    await holder.end();
    await ended;
    await expect(lost).rejects.toBeInstanceOf(Unacknowledged);
    expect(await writers.ask('ws', heads)).toHaveLength(1);
    await writers.close({ part: 'thread', operation: 'close', given: [] });
    expect(await threads.ask('ws', heads)).toHaveLength(1);
    await end();
  });

  test('run nothing once they are closed', async () => {
    const { threads, heads, end } = await given({});
    await end();
    await expect(threads.ask('ws', heads)).rejects.toBeInstanceOf(StoreUnavailable);
  });
});
