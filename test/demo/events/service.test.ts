import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AssetService } from '../../../src/demo/assets/service.js';
import type { EventInput } from '../../../src/demo/events/input.js';
import { EventService, type EventQuery } from '../../../src/demo/events/service.js';
import { EVENT_RETENTION } from '../../../src/demo/store/demoRecords.js';
import type { Store } from '../../../src/core/store/store.js';
import type { DemoStore } from '../../../src/demo/store/demoStore.js';
import { openDemoTarget } from '../store/demoTarget.js';

const NOON = Date.UTC(2026, 2, 1, 12);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let dir: string;
let store: Store & DemoStore;
let assets: AssetService;
let events: EventService;
let clock: number;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-events-'));
  store = await openDemoTarget({ engine: 'sqlite', dir, inThisThread: true });
  clock = NOON;
  assets = new AssetService(store.assets, () => clock);
  events = new EventService(store.events, assets, () => clock);
  await assets.register('prj', { name: 'orders', allowedAge: HOUR });
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true });
});

const load = (id: string, fields: Partial<EventInput> = {}): EventInput => ({
  id,
  type: 'LOAD',
  asset: 'orders',
  ...fields,
});
const orders = async () => store.assets.find('prj', 'orders');
const page: EventQuery = { first: 100, after: null, asset: null, type: null };
const ids = async (query: Partial<EventQuery> = {}) =>
  (await events.list('prj', { ...page, ...query })).nodes.map(({ id }) => id);

test('a load updates the freshness of its asset, and closes its alert', async () => {
  await events.record('prj', [load('a', { rows: 5 })]);
  clock += 2 * HOUR;
  await assets.refreshFreshness('prj', 'orders');
  expect(await assets.openAlerts('prj', ['orders'])).toMatchObject([{ kind: 'STALE' }]);
  const answer = await events.record('prj', [load('b', { rows: 6, at: clock - MINUTE })]);
  expect(answer).toEqual({ recorded: 1, repeated: 0, problems: [] });
  expect(await orders()).toMatchObject({ lastLoadAt: clock - MINUTE, lastLoadRows: 6 });
  expect(await assets.openAlerts('prj', ['orders'])).toEqual([]);
});

test('R2: a batch reads and writes its assets once, however many it loads', async () => {
  const names = Array.from({ length: 60 }, (_, i) => `asset.${i}`);
  for (const name of names) await assets.register('prj', { name, allowedAge: HOUR });
  const calls: string[] = [];
  const counted = new Proxy(store.assets, {
    get: (target, name, receiver) => {
      calls.push(String(name));
      return Reflect.get(target, name, receiver) as unknown;
    },
  });
  const service = new EventService(store.events, new AssetService(counted, () => clock), () => clock);
  const batch = (prefix: string, at: number) => names.map((asset) => load(`${prefix}-${asset}`, { asset, at }));
  await service.record('prj', batch('fresh', NOON - MINUTE));
  expect(calls.splice(0)).toEqual(['findMany', 'recordLoads', 'openAlerts']);
  for (const name of names) expect(await store.assets.find('prj', name)).toMatchObject({ lastLoadAt: NOON - MINUTE });

  // Two hours late: an alert is opened on each.
  clock += 3 * HOUR;
  await service.record('prj', batch('late', clock - 2 * HOUR));
  expect(calls.splice(0)).toEqual(['findMany', 'recordLoads', 'openAlerts', 'changeAlerts', 'findMany']);
  expect(await store.assets.openAlerts('prj', names)).toHaveLength(60);
  await service.record('prj', batch('again', clock - MINUTE));
  expect(calls.splice(0)).toEqual(['findMany', 'recordLoads', 'openAlerts', 'changeAlerts', 'findMany']);
  expect(await store.assets.openAlerts('prj', names)).toEqual([]);
});

test('a late load never makes freshness older, and a custom event type never changes it', async () => {
  await events.record('prj', [load('a', { at: NOON - MINUTE, rows: 1 })]);
  const before = await orders();
  await events.record('prj', [load('late', { at: NOON - HOUR, rows: 2 }), load('own', { type: 'load', rows: 3 })]);
  expect(await orders()).toEqual(before);
  expect(await ids()).toEqual(['own', 'a', 'late']);
});

test('uses the latest of several loads in a batch, with its rows', async () => {
  const at = (minutes: number, rows: number) => load(`m${minutes}`, { at: NOON - minutes * MINUTE, rows });
  await events.record('prj', [at(3, 1), at(1, 2), at(2, 3)]);
  expect(await orders()).toMatchObject({ lastLoadAt: NOON - MINUTE, lastLoadRows: 2 });
});

// A client that sends a batch without times again must not give an old load a new time.
test('a repeated batch records nothing and does not change freshness', async () => {
  const batch = [load('a', { rows: 5 }), { id: 'b', type: 'job.ended' }];
  expect(await events.record('prj', batch)).toEqual({ recorded: 2, repeated: 0, problems: [] });
  const before = await orders();
  clock += HOUR;
  expect(await events.record('prj', batch)).toEqual({ recorded: 0, repeated: 2, problems: [] });
  expect(await orders()).toEqual(before);
  expect(await ids()).toHaveLength(2);
});

test('a batch whose recording was interrupted records its loads when it is sent again', async () => {
  const event = {
    projectId: 'prj',
    id: 'a',
    type: 'LOAD',
    asset: 'orders',
    at: NOON - MINUTE,
    rows: 5,
    properties: null,
  };
  await store.events.record([event], NOON);
  expect(await orders()).toMatchObject({ lastLoadAt: null });
  await events.record('prj', [load('a', { rows: 9 })]);
  expect(await orders()).toMatchObject({ lastLoadAt: NOON - MINUTE, lastLoadRows: 5 });
});

test('an ID that occurs twice in a batch counts once, and the first event is kept', async () => {
  const answer = await events.record('prj', [load('a', { rows: 1 }), load('b'), load('a', { rows: 2, type: 'own' })]);
  expect(answer).toEqual({ recorded: 2, repeated: 1, problems: [] });
  expect((await events.list('prj', { ...page, type: 'LOAD' })).nodes.find(({ id }) => id === 'a')).toMatchObject({
    rows: 1,
  });
});

test('two simultaneous calls with one batch record each event once', async () => {
  const batch = Array.from({ length: 50 }, (_, i) => load(`e${i}`, { at: NOON - i }));
  const answers = await Promise.all([events.record('prj', batch), events.record('prj', batch.toReversed())]);
  expect(answers.map(({ recorded, repeated }) => recorded + repeated)).toEqual([50, 50]);
  expect(answers.reduce((sum, { recorded }) => sum + recorded, 0)).toBe(50);
  expect(await ids()).toHaveLength(50);
});

test('keeps and reports an event for an asset that is not registered, or only in another project', async () => {
  await assets.register('other', { name: 'theirs' });
  const { recorded, problems } = await events.record('prj', [
    load('a'),
    load('b', { asset: 'theirs' }),
    load('c', { type: 'job.ended', asset: 'nobodys' }),
    load('b', { asset: 'theirs' }),
  ]);
  expect(recorded).toBe(3);
  expect(problems.map(({ index, id, kind }) => [index, id, kind])).toEqual([
    [1, 'b', 'UNKNOWN_ASSET'],
    [2, 'c', 'UNKNOWN_ASSET'],
  ]);
  expect(await ids()).toHaveLength(3);
  expect(await store.assets.find('other', 'theirs')).toMatchObject({ lastLoadAt: null });
  expect(await store.assets.find('prj', 'nobodys')).toBeNull();
});

test('a load from before the registration of its asset is recorded when it is sent again', async () => {
  const batch = [load('a', { asset: 'late', at: NOON - MINUTE })];
  expect((await events.record('prj', batch)).problems).toHaveLength(1);
  await assets.register('prj', { name: 'late' });
  expect(await events.record('prj', batch)).toEqual({ recorded: 0, repeated: 1, problems: [] });
  expect(await store.assets.find('prj', 'late')).toMatchObject({ lastLoadAt: NOON - MINUTE });
});

test('a batch with one invalid event records no event and no load', async () => {
  const before = await orders();
  await expect(events.record('prj', [load('a'), load('b', { rows: -1 })])).rejects.toMatchObject({
    details: { code: 'BAD_USER_INPUT', path: ['input', 1, 'rows'] },
  });
  expect(await ids()).toEqual([]);
  expect(await orders()).toEqual(before);
});

test('records 500 loads of 500 assets', async () => {
  const names = Array.from({ length: 500 }, (_, i) => `t${i}`);
  for (const name of names) await store.assets.register({ ...(await template()), name });
  const answer = await events.record(
    'prj',
    names.map((asset) => load(asset, { asset })),
  );
  expect(answer).toEqual({ recorded: 500, repeated: 0, problems: [] });
  const loaded = (await store.assets.findMany('prj', names)).filter(({ lastLoadAt }) => lastLoadAt === NOON);
  expect(loaded).toHaveLength(500);
});

const template = async () => {
  const asset = await orders();
  if (asset === null) throw new Error('There is no asset to copy.');
  return asset;
};

describe('the list', () => {
  test('returns the requested events, in pages', async () => {
    await events.record('prj', [
      load('a', { at: NOON - 1 }),
      load('b', { at: NOON - 2, type: 'own', asset: null }),
      load('c', { at: NOON - 3, type: 'own' }),
    ]);
    expect(await ids()).toEqual(['a', 'b', 'c']);
    expect(await ids({ asset: 'orders' })).toEqual(['a', 'c']);
    expect(await ids({ type: 'own' })).toEqual(['b', 'c']);
    expect(await ids({ type: 'own', asset: 'orders' })).toEqual(['c']);
    const first = await events.list('prj', { ...page, first: 2 });
    expect([first.nodes.map(({ id }) => id), first.hasNextPage]).toEqual([['a', 'b'], true]);
    const second = await events.list('prj', { ...page, first: 2, after: first.nodes[1] ?? null });
    expect([second.nodes.map(({ id }) => id), second.hasNextPage]).toEqual([['c'], false]);
  });

  test('does not return expired events that are not yet deleted', async () => {
    await events.record('prj', [load('a')]);
    clock += EVENT_RETENTION - 1;
    expect(await ids()).toEqual(['a']);
    clock += 1;
    expect(await ids()).toEqual([]);
    expect(await store.events.list('prj', { first: 1, after: null, filter: {}, since: 0 })).toHaveLength(1);
  });

  test.each([
    [{ first: 0 }, 'first'],
    [{ first: 101 }, 'first'],
    [{ asset: 'a b' }, 'asset'],
    [{ type: 'OTHER' }, 'type'],
  ])('refused: %j', async (query, field) => {
    await expect(events.list('prj', { ...page, ...query })).rejects.toMatchObject({
      details: { code: 'BAD_USER_INPUT', path: [field] },
    });
  });
});
