import { jest } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { StoreState } from '../../../src/core/store/breaker.js';
import { breakingStore, withBreaker } from '../../../src/core/store/breaking.js';
import { Duplicate, NotWritten, StoreUnavailable, Unacknowledged } from '../../../src/core/store/storeErrors.js';
import { openSqliteStore } from '../../../src/core/store/sqlite/open.js';
import type { KeyRecord } from '../../../src/core/store/records.js';
import type { Store } from '../../../src/core/store/store.js';
import { blockThread } from '../../support/blockThread.js';
import { aKey, aWorkspace, NOW } from './fixtures.js';

/** A working store, until a test makes it unavailable. Counts the calls that reach it. */
let dir: string;
let plain: Store;
let store: Store;
let breaker: { readonly state: StoreState };
let states: StoreState[];
let failures: StoreUnavailable[];
let reached: string[];
/** The fault of the store; 'silent': it does not respond until `speak` is called. */
let fault: Error | 'silent' | null;
let speak: () => void;
let now = 0;
let key: KeyRecord;
let another: () => Promise<unknown>;

const AWAY = () => new StoreUnavailable(new Error('connect ECONNREFUSED'), 'the store does not answer');

async function answer<T>(name: string, operation: () => Promise<T>): Promise<T> {
  reached.push(name);
  if (fault === 'silent') await new Promise<void>((resolve) => (speak = resolve));
  if (fault instanceof Error) throw fault;
  return operation();
}

beforeEach(async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'performance', 'nextTick', 'queueMicrotask', 'Date'] });
  dir = mkdtempSync(join(tmpdir(), 'latchkey-breaker-'));
  plain = await openSqliteStore({ dir });
  [states, failures, reached, fault] = [[], [], [], null];
  const faulty: Store = {
    ...plain,
    keys: { ...plain.keys, find: (...given) => answer('find', () => plain.keys.find(...given)) },
    workspaces: {
      ...plain.workspaces,
      create: (...given) => answer('create', () => plain.workspaces.create(...given)),
    },
    // Not the engine's own ping, which runs in another thread and takes real time.
    ping: () => answer('ping', async () => undefined),
  };
  ({ store, breaker } = breakingStore(faulty, {
    onState: (state) => void states.push(state),
    onFailure: (error) => void failures.push(error),
    clock: () => now,
  }));
  const workspace = aWorkspace();
  key = aKey(workspace.id);
  await store.workspaces.create(workspace, key);
  const second = aWorkspace();
  another = () => store.workspaces.create(second, aKey(second.id));
  reached = [];
});
afterEach(async () => {
  jest.useRealTimers();
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

/** Advances the clock, and waits for the work that becomes due. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 50) {
    now += 50;
    await jest.advanceTimersByTimeAsync(50);
    await turn();
    await turn();
  }
}

const find = () => store.keys.find(key.id, null);
const pings = () => reached.filter((name) => name === 'ping').length;

async function lose(): Promise<void> {
  fault = AWAY();
  await expect(find()).rejects.toBe(fault);
  await turn();
  expect(breaker.state).toBe('away');
}

test('X10: while the store is unavailable, only pings reach it, and operations are refused immediately', async () => {
  await lose();
  reached = [];
  const refused = await Promise.allSettled(Array.from({ length: 1_000 }, find));
  expect(refused.every((each) => each.status === 'rejected' && each.reason instanceof StoreUnavailable)).toBe(true);
  await expect(another()).rejects.toBeInstanceOf(StoreUnavailable);
  await expect(store.ping()).rejects.toMatchObject({ reason: 'the store does not answer' });
  expect(reached).toEqual([]);
  await pass(10_000);
  expect(new Set(reached)).toEqual(new Set(['ping']));
  // The pauses grow to about 0.4 s.
  expect(pings()).toBeGreaterThanOrEqual(20);
  expect(pings()).toBeLessThanOrEqual(36);
  expect(states).toEqual(['away']);
});

test('X10: recovers within a second, and waiting requests find the store available', async () => {
  await lose();
  await pass(60_000);
  fault = null;
  await pass(1_000);
  expect(breaker.state).toBe('available');
  expect(states).toEqual(['away', 'available']);
  reached = [];
  const found = await Promise.all(Array.from({ length: 100 }, find));
  expect(found.every((each) => each?.id === key.id)).toBe(true);
  expect(reached).toHaveLength(100);
});

test('X10: sends one ping at a time, even if there is no response', async () => {
  fault = 'silent';
  const waiting = [find(), find(), find()].map((each) => each.catch((error: unknown) => error));
  await pass(250);
  expect(pings()).toBe(0);
  await pass(100);
  expect(pings()).toBe(1);
  await pass(2_500);
  expect(pings()).toBe(1);
  await pass(1_000);
  expect(breaker.state).toBe('away');
  // Running operations are not awaited. It is unknown whether they were written.
  for (const error of await Promise.all(waiting)) expect(error).toBeInstanceOf(Unacknowledged);
  fault = null;
  speak();
  await pass(1_000);
  expect(breaker.state).toBe('available');
});

test('X10: pings that are never answered do not keep it away, and a late answer counts', async () => {
  await lose();
  fault = 'silent';
  await pass(1_000);
  const answerFirst = speak;
  const sent = pings();
  await pass(1_500);
  // The first was given up after a second.
  expect(pings()).toBe(sent + 1);
  expect(breaker.state).toBe('away');
  answerFirst();
  await pass(50);
  expect(breaker.state).toBe('available');
  // The second is given up as well, which shows nothing any more.
  await pass(1_000);
  expect(states).toEqual(['away', 'available']);
  expect(pings()).toBe(sent + 1);
});

test('X10: it is back although a ping from before is still unanswered', async () => {
  await lose();
  fault = 'silent';
  await pass(1_000);
  fault = null;
  await pass(1_500);
  expect(breaker.state).toBe('available');
});

test.each([
  ['a value that is taken', () => new Duplicate('key.id', new Error('E11000'))],
  ['a broken rule of the schema', () => new Error('The record breaks a rule of the schema')],
  ['a query that is too large to end in time', () => new Unacknowledged(new Error('MaxTimeMSExpired'))],
  ['a lock that another program holds', () => new StoreUnavailable(new Error('SQLITE_BUSY'))],
])('X10: %s does not open the breaker', async (_, error) => {
  const mistake = error();
  plain.keys.findMany = () => Promise.reject(mistake);
  const { store: own, breaker: itsBreaker } = breakingStore(plain, { onState: (state) => void states.push(state) });
  for (let i = 0; i < 100; i += 1) {
    await expect(own.keys.findMany([], null)).rejects.toBe(mistake);
    await turn();
  }
  expect(itsBreaker.state).toBe('available');
  expect((await own.keys.find(key.id, null))?.id).toBe(key.id);
  expect(states).toEqual([]);
});

test('X10: reports one failed operation in ten seconds while the store responds', async () => {
  const mistake = new Unacknowledged(new Error('MaxTimeMSExpired'));
  const { keys } = plain;
  const slow = breakingStore<Store>(
    { ...plain, keys: { ...keys, find: () => Promise.reject(mistake) } },
    {
      onState: () => undefined,
      onFailure: (error) => void failures.push(error),
      clock: () => now,
    },
  ).store;
  for (let i = 0; i < 25; i += 1) {
    await slow.keys.find('a', null).catch(() => undefined);
    await pass(1_000);
  }
  expect(failures).toEqual([mistake, mistake, mistake]);
});

test('X10: a busy process does not mistake its own delay for a silent store', async () => {
  jest.useRealTimers();
  const asked = store.keys.find(key.id, null);
  const slow = store.audit.list(key.workspaceId, { first: 1, before: null, filter: {} });
  blockThread(1_000);
  await Promise.all([asked, slow]);
  await new Promise((resolve) => setTimeout(resolve, 350));
  expect(pings()).toBe(0);
  expect(states).toEqual([]);
});

test('X10: reads from a store that rejects changes, and becomes writable automatically', async () => {
  fault = new NotWritten(new Error('SQLITE_FULL'), 'the disk of the store is full');
  await expect(another()).rejects.toBe(fault);
  await turn();
  expect(breaker.state).toBe('read-only');
  await expect(store.ping()).rejects.toMatchObject({ reason: 'the disk of the store is full' });
  expect(await store.keys.countFamilies(key.workspaceId, NOW)).toBe(1);
  // Writes reach the store: a successful one shows that there is room.
  reached = [];
  await expect(another()).rejects.toBe(fault);
  expect(reached).toEqual(['create']);
  fault = null;
  await pass(1_000);
  expect(states).toEqual(['read-only', 'available']);
});

test('X10: marks errors that were logged, but not those of a store without a log', async () => {
  await lose();
  await expect(find()).rejects.toMatchObject({ isReported: true });
  expect(fault).toMatchObject({ isReported: true });
  const error = AWAY();
  const { store: silent } = withBreaker({
    ...plain,
    ping: () => Promise.reject(AWAY()),
    keys: { ...plain.keys, find: () => Promise.reject(error) },
  });
  expect(withBreaker(silent).store).toBe(silent);
  await expect(silent.keys.find('a', null)).rejects.toBe(error);
  expect(error.isReported).toBe(false);
  await turn();
  // A thousand more failures report nothing new.
  await expect(silent.keys.find('a', null)).rejects.toMatchObject({ isReported: true });
  await silent.close();
});
