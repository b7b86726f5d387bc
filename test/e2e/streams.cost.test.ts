import { setTimeout as delay } from 'node:timers/promises';
import { createKey, OPERATOR_KEY, startService, type TestService, demoOf } from '../support/service.js';
import { openStream, type Reading } from '../support/streams.js';
import { until } from '../support/until.js';
import { parseExposition } from '../server/metrics/exposition.js';
import { tierTable } from '../../src/core/limits/tierTable.js';
import { act } from './operations.js';

const CHANGED = 'subscription { assetChanged { name downstream { name } } }';
const QUIET = 'subscription { keyEvents { type } }';

let latchkey: TestService;
let admin: string;
beforeAll(async () => {
  // The threads of a service report changes of other processes without a read.
  latchkey = await startService({
    storeThreads: true,
    env: { ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'ENTERPRISE' },
  });
  admin = (await act(latchkey, 'createWorkspace', { name: 'w', tier: 'ENTERPRISE' }, OPERATOR_KEY)).token;
});
const others: TestService[] = [];
afterEach(async () => {
  for (const other of others.splice(0)) await other.close();
});
afterAll(() => latchkey.close());

const another = async (options: Parameters<typeof startService>[0]): Promise<TestService> => {
  const service = await startService({ storeThreads: true, ...options });
  others.push(service);
  return service;
};

const metric = async (service: TestService, name: string, labels: Record<string, string>): Promise<number> =>
  parseExposition(await service.service.metrics.text()).value(name, labels);
const storeReads = (operation: string, service = latchkey) =>
  metric(service, 'latchkey_store_operations_total', { operation, outcome: 'ok' });
const lookups = async (service = latchkey) =>
  (await metric(service, 'latchkey_key_lookups_total', { outcome: 'hit' })) +
  (await metric(service, 'latchkey_key_lookups_total', { outcome: 'miss' }));

const register = async (name: string, token = admin, service = latchkey): Promise<void> => {
  const { body } = await service.query(`mutation { registerAsset(input: { name: "${name}" }) { name } }`, { token });
  expect(body.errors).toBeUndefined();
};
const openMany = async (count: number, query: string, token: string, service = latchkey, variables = {}) => {
  const streams = await Promise.all(
    Array.from({ length: count }, () => openStream(service.origin, query, { token, variables })),
  );
  expect(streams.map(({ status }) => status)).toEqual(Array(count).fill(200));
  return streams;
};
const openOne = async (query: string, token: string, service = latchkey): Promise<Reading> => {
  const stream = await openStream(service.origin, query, { token });
  expect(stream.status).toBe(200);
  return stream;
};
const close = (streams: readonly Reading[]): void => {
  for (const stream of streams) stream.close();
};
const named = (streams: readonly Reading[], name: string) =>
  Promise.all(
    streams.map(async (stream) => (await stream.first(1)).map(({ data }) => data.assetChanged.name as string)),
  ).then((names) => expect(names).toEqual(Array(streams.length).fill([name])));

describe('lookups', () => {
  test('R3: ten quiet streams of a key are looked up once after a change of another key, not each of them', async () => {
    const { token } = await createKey(latchkey, { scopes: ['admin'] }, admin);
    const streams = await openMany(10, QUIET, token);
    const { id } = await createKey(latchkey, {}, admin);
    const [reads, before] = [await storeReads('keys.findForVerification'), await lookups()];
    // Not announced, so that it is noticed by the version of the store.
    await latchkey.service.store.keys.revoke(id, null, null, { at: Date.now() });
    await until(async () => (await storeReads('keys.findForVerification')) > reads);
    expect((await lookups()) - before).toBeLessThan(streams.length);
    close(streams);
  });

  test('R3: quiet streams are not looked up while no key is changed', async () => {
    const { token } = await createKey(latchkey, { scopes: ['admin'] }, admin);
    const streams = await openMany(10, QUIET, token);
    const reads = await storeReads('keys.findForVerification');
    await delay(3_000);
    expect(await storeReads('keys.findForVerification')).toBe(reads);
    close(streams);
  });

  test('R3: a change of one key causes no lookup of another, and the streams of that key end', async () => {
    const own = await another({ env: { ADMIN_API_KEY: OPERATOR_KEY, AUTH_CACHE_TTL: '60000' } });
    const owner = (await act(own, 'createWorkspace', { name: 'w', tier: 'ENTERPRISE' }, OPERATOR_KEY)).token;
    const keys = [];
    for (let i = 0; i < 8; i += 1) keys.push(await createKey(own, { scopes: ['admin'] }, owner));
    const streams = await Promise.all(keys.map(({ token }) => openStream(own.origin, QUIET, { token })));
    const [revoked] = streams;
    const before = await lookups(own);
    await act(own, 'revokeApiKey', { id: keys[0]?.id }, owner);
    expect((await revoked?.last())?.errors[0].extensions).toEqual({ code: 'UNAUTHENTICATED', reason: 'revoked' });
    // The request itself, and the key that it revoked.
    expect((await lookups(own)) - before).toBeLessThanOrEqual(2);
    expect(streams.slice(1).some((stream) => stream.over())).toBe(false);
    close(streams);
  });

  test('R3: an unannounced revocation ends a quiet stream', async () => {
    const { token, id } = await createKey(latchkey, { scopes: ['admin'] }, admin);
    const kept = await openOne(QUIET, (await createKey(latchkey, { scopes: ['admin'] }, admin)).token);
    const stream = await openOne(QUIET, token);
    await latchkey.service.store.keys.revoke(id, null, null, { at: Date.now() });
    expect((await stream.last()).errors[0].extensions).toEqual({ code: 'UNAUTHENTICATED', reason: 'revoked' });
    expect(kept.over()).toBe(false);
    close([kept]);
  });
});

describe('identical subscriptions of a key', () => {
  test('R3: are executed once for each event, and all receive it', async () => {
    const { token } = await createKey(latchkey, {}, admin);
    const streams = await openMany(10, CHANGED, token);
    const before = await storeReads('assets.findDownstream');
    await register('shared');
    await named(streams, 'shared');
    expect((await storeReads('assets.findDownstream')) - before).toBe(1);
    close(streams);
  });

  test('R3: another key, other variables and another document are executed separately', async () => {
    const query = 'subscription ($name: String) { assetChanged(name: $name) { name downstream { name } } }';
    const [one, two] = [await createKey(latchkey, {}, admin), await createKey(latchkey, {}, admin)];
    const streams = [
      ...(await openMany(2, query, one.token, latchkey, { name: 'apart' })),
      ...(await openMany(2, query, one.token)),
      ...(await openMany(2, query, two.token)),
      ...(await openMany(2, `${query} `, two.token)),
    ];
    const before = await storeReads('assets.findDownstream');
    await register('apart');
    await named(streams, 'apart');
    expect((await storeReads('assets.findDownstream')) - before).toBe(4);
    close(streams);
  });

  test('R3: one that ends leaves the others open, and one that joins later receives only later events', async () => {
    const { token } = await createKey(latchkey, {}, admin);
    const [first, second] = [await openOne(CHANGED, token), await openOne(CHANGED, token)];
    await register('early');
    await named([first, second], 'early');
    first.close();
    const late = await openOne(CHANGED, token);
    await register('later');
    expect((await second.first(2))[1].data.assetChanged.name).toBe('later');
    await named([late], 'later');
    close([second, late]);
  });
});

describe('the cost of events', () => {
  const tiers = tierTable({ GROWTH: { rate: 8, burst: 8 }, STARTER: { rate: 100, burst: 1 } });

  test('R3: each event costs and counts in usage once, for any number of identical streams', async () => {
    const { token, id } = await createKey(latchkey, {}, admin);
    const streams = await openMany(5, CHANGED, token);
    for (const name of ['one', 'two', 'three']) await register(name);
    await Promise.all(streams.map((stream) => stream.first(3)));
    const query = '{ viewer { limits { rate { limit remaining } } } }';
    const { limit, remaining } = (await latchkey.query(query, { token })).body.data.viewer.limits.rate;
    // Five openings, three events, and this request.
    expect(limit - remaining).toBe(9);
    await latchkey.service.latchkey.usage.flush();
    const usage = `{ apiKey(id: "${id}") { usage(by: HOUR) { requests cost } } }`;
    const { body } = await latchkey.query(usage, { token: admin });
    expect(body.errors).toBeUndefined();
    const periods = body.data.apiKey.usage as { requests: number; cost: number }[];
    expect(periods.reduce((sum, { requests }) => sum + requests, 0)).toBe(9);
    close(streams);
  });

  test("R3: a stream ends with RATE_LIMITED when its key's rate is used up; one of another key continues", async () => {
    const own = await another({ env: { ADMIN_API_KEY: OPERATOR_KEY }, tiers });
    const owner = (await act(own, 'createWorkspace', { name: 'w', tier: 'ENTERPRISE' }, OPERATOR_KEY)).token;
    const few = await createKey(own, {}, owner);
    const stream = await openOne(CHANGED, few.token, own);
    const other = await openOne(CHANGED, (await createKey(own, {}, owner)).token, own);
    const { body } = await own.query('{ viewer { workspace { id } } }', { token: owner });
    const { id: workspaceId } = body.data.viewer.workspace;
    await act(own, 'setWorkspaceTier', { workspaceId, tier: 'GROWTH' }, OPERATOR_KEY);
    for (let i = 0; i < 4; i += 1) await own.query('{ viewer { scopes } }', { token: few.token });
    // The owner has used three units.
    for (const name of ['a', 'b', 'c', 'd']) await register(name, owner, own);
    const last = await stream.last();
    expect(last.errors[0].extensions).toEqual({
      code: 'RATE_LIMITED',
      limit: 8,
      window: 60,
      retryAfter: expect.any(Number),
    });
    expect(stream.completed()).toBe(true);
    // One opened it, four requests, and three events.
    expect(stream.results.length).toBe(4);
    expect((await other.first(4)).map(({ data }) => data.assetChanged.name)).toEqual(['a', 'b', 'c', 'd']);
    close([other]);
  });

  test('R3: a burst of events waits for the second, and none is lost', async () => {
    const own = await another({ env: { ADMIN_API_KEY: OPERATOR_KEY }, tiers });
    const made = await act(own, 'createWorkspace', { name: 'w', tier: 'STARTER' }, OPERATOR_KEY);
    const stream = await openOne('subscription { assetChanged { name } }', made.token, own);
    const { projectId } = { projectId: made.workspace.id as string };
    for (const name of ['x', 'y', 'z']) await demoOf(own).assets.register(projectId, { name });
    expect((await stream.first(3)).map(({ data }) => data.assetChanged.name)).toEqual(['x', 'y', 'z']);
    close([stream]);
  });
});

describe('the memory of an open subscription', () => {
  const padded = (bytes: number) => `${CHANGED} #${'x'.repeat(bytes)}`;

  test('R3: is limited for the process, by the memory that documents keep alive; ended ones make room', async () => {
    const own = await another({ env: { MAX_STREAM_BYTES: '4194304', DEFAULT_TIER: 'ENTERPRISE' } });
    const { token } = await createKey(own, {});
    const streams: Reading[] = [];
    const open = async (i: number) => openStream(own.origin, `${padded(100_000)}${i}`, { token });
    let refused: Reading | null = null;
    for (let i = 0; i < 30 && refused === null; i += 1) {
      const stream = await open(i);
      if (stream.status === 200) streams.push(stream);
      else refused = stream;
    }
    expect([refused?.status, refused?.body.errors[0].extensions]).toEqual([
      503,
      { code: 'UNAVAILABLE', retryAfter: 5 },
    ]);
    expect(streams.length).toBeLessThan(21);
    close(streams);
    await until(async () => {
      const again = await open(20);
      again.close();
      return again.status === 200;
    });
  });
});
