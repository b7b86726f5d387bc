import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { createKey, freshMongoUri, OPERATOR_KEY, startService, type TestService } from '../support/service.js';
import { at, DAY, HOUR } from './frozen.js';

const MINUTE = 60_000;
import { act, refusalOf } from './operations.js';

// Uses the real date, because MongoDB expires counts by its own clock.
const NOON = Math.floor(Date.now() / DAY) * DAY + 12 * HOUR;

const clock = { now: NOON };
const directories: string[] = [];
const services: TestService[] = [];

/** The store that several services of one test share: a directory, or a database. */
function place(): Parameters<typeof startService>[0] {
  const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-'));
  directories.push(dataDir);
  const uri = freshMongoUri();
  return {
    dataDir,
    now: () => clock.now,
    env: { ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'GROWTH', ...(uri !== undefined && { MONGODB_URI: uri }) },
  };
}

async function start(where = place()): Promise<TestService> {
  const service = await startService(where);
  services.push(service);
  return service;
}

let latchkey: TestService;
let admin: { token: string; id: string };
/** A key of another workspace, with all permissions there. */
let stranger: { token: string };
beforeAll(async () => {
  latchkey = await start();
  const { token, apiKey } = await act(latchkey, 'createWorkspace', { name: 'Mine', tier: 'ENTERPRISE' }, OPERATOR_KEY);
  admin = { token, id: apiKey.id };
  stranger = await act(latchkey, 'createWorkspace', { name: 'Theirs', tier: 'ENTERPRISE' }, OPERATOR_KEY);
});
beforeEach(() => void (clock.now = NOON));
afterEach(() => jest.restoreAllMocks());
afterAll(async () => {
  for (const service of services) await service.close();
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

const USAGE = `query ($id: ID!, $from: DateTime, $to: DateTime, $by: UsagePeriod) {
  apiKey(id: $id) { usage(from: $from, to: $to, by: $by) { start requests cost limited forbidden } }
}`;

const ask = (id: string, variables: object = {}, token = admin.token, service = latchkey) =>
  service.query(USAGE, { variables: { id, ...variables }, token });

/** From the current hour. */
const thisHour = () => ({ from: at(clock.now) });

const usageOf = async (...call: Parameters<typeof ask>) => (await ask(...call)).body.data.apiKey.usage;

const entry = (start: number, [requests, cost, limited, forbidden] = [0, 0, 0, 0]) => ({
  start: at(start),
  requests,
  cost,
  limited,
  forbidden,
});

const VIEWER = '{ viewer { scopes } }';
/** The number of requests in one, as the limits count them. */
const many = (n: number): string => `{ ${Array.from({ length: n }, (_, i) => `v${i}: viewer { scopes }`).join(' ')} }`;

test('counts admitted requests with their cost, and refusals by limits and guard, by minute, hour and day', async () => {
  const key = await createKey(latchkey, { scopes: ['read:assets'] }, admin.token);
  const asked = async (query: string) => (await latchkey.query(query, { token: key.token })).status;
  expect(await asked(VIEWER)).toBe(200);
  expect(await asked(many(3))).toBe(200);
  expect(await asked('{ apiKeys { totalCount } }')).toBe(403);
  expect(await asked(many(101))).toBe(400);
  expect(await asked(many(94))).toBe(200);
  expect(await asked(VIEWER)).toBe(429);
  clock.now = NOON + MINUTE;
  expect(await asked(VIEWER)).toBe(200);
  clock.now = NOON + HOUR;
  expect(await asked(VIEWER)).toBe(200);
  // Nothing runs, and each counts as one.
  expect(await asked('{ nothing }')).toBe(400);
  expect(await asked('query ($a: Int!) { viewer { scopes } }')).toBe(400);

  await latchkey.service.latchkey.usage.flush();
  expect(await usageOf(key.id, { from: at(NOON - 1) })).toEqual([
    entry(NOON - HOUR),
    entry(NOON, [4, 99, 2, 1]),
    entry(NOON + HOUR, [3, 3, 0, 0]),
  ]);
  expect(await usageOf(key.id, { from: at(NOON - DAY), by: 'DAY' })).toEqual([
    entry(NOON - 36 * HOUR),
    entry(NOON - 12 * HOUR, [7, 102, 2, 1]),
  ]);
  expect(await usageOf(key.id, { from: at(NOON), to: at(NOON + 3 * MINUTE), by: 'MINUTE' })).toEqual([
    entry(NOON, [3, 98, 2, 1]),
    entry(NOON + MINUTE, [1, 1, 0, 0]),
    entry(NOON + 2 * MINUTE),
  ]);
});

test('returns 24 hours by default, and a key can see its own usage', async () => {
  const key = await createKey(latchkey, {}, admin.token);
  await latchkey.query(VIEWER, { token: key.token });
  await latchkey.service.latchkey.usage.flush();
  const own = await latchkey.query(
    '{ viewer { credential { apiKey { usage { start requests cost limited forbidden } } } } }',
    {
      token: key.token,
    },
  );
  const { usage } = own.body.data.viewer.credential.apiKey;
  expect(usage).toHaveLength(24);
  expect(usage.at(-1)).toEqual(entry(NOON, [1, 1, 0, 0]));
  expect(await usageOf(key.id, { from: null, to: null, by: null })).toEqual(usage);
});

test('the schema route counts as one request', async () => {
  const key = await createKey(latchkey, {}, admin.token);
  const get = async () => {
    const headers = { authorization: `Bearer ${key.token}` };
    return (await fetch(`${latchkey.origin}/schema.graphql`, { headers })).status;
  };
  expect(await get()).toBe(200);
  expect((await latchkey.query(many(99), { token: key.token })).status).toBe(200);
  expect(await get()).toBe(429);
  await latchkey.service.latchkey.usage.flush();
  expect(await usageOf(key.id, thisHour())).toEqual([entry(NOON, [2, 100, 1, 0])]);
});

test('a key and its successor are counted separately', async () => {
  const key = await createKey(latchkey, {}, admin.token);
  await latchkey.query(VIEWER, { token: key.token });
  const { apiKey, token } = await act(latchkey, 'rotateApiKey', { id: key.id }, admin.token);
  await latchkey.query(many(2), { token });
  await latchkey.service.latchkey.usage.flush();
  expect(await usageOf(key.id, thisHour())).toEqual([entry(NOON, [1, 1, 0, 0])]);
  expect(await usageOf(apiKey.id, thisHour())).toEqual([entry(NOON, [1, 2, 0, 0])]);
});

describe('who may read it', () => {
  const readUsage = () => jest.spyOn(latchkey.service.store.usage, 'read');

  test('a key with admin: yes', async () => {
    const read = readUsage();
    expect((await ask(admin.id, {}, admin.token)).body.errors).toBeUndefined();
    expect(read).toHaveBeenCalledTimes(1);
  });

  test.each(['read:assets', 'read:all', 'write:all'])(
    'a key with %s: FORBIDDEN, and nothing is read',
    async (scope) => {
      const key = await createKey(latchkey, { scopes: [scope] }, admin.token);
      const read = readUsage();
      for (const answer of [
        await ask(key.id, {}, key.token),
        await latchkey.query('{ apiKeys { nodes { usage { requests } } } }', { token: key.token }),
      ]) {
        expect(answer.status).toBe(403);
        expect(refusalOf(answer)).toMatchObject({ code: 'FORBIDDEN', missing: ['admin'] });
      }
      expect(read).not.toHaveBeenCalled();
    },
  );

  test('no anonymous caller, and nothing is read', async () => {
    const read = readUsage();
    expect((await latchkey.query(USAGE, { variables: { id: admin.id }, token: null })).status).toBe(401);
    expect(read).not.toHaveBeenCalled();
  });

  test('an admin of another workspace finds no such key, and nothing is read', async () => {
    const read = readUsage();
    const foreign = await ask(admin.id, {}, stranger.token);
    const unknown = await ask('key_0000000000000000', {}, stranger.token);
    expect([foreign.status, foreign.text]).toEqual([unknown.status, unknown.text]);
    expect(foreign.body.data).toEqual({ apiKey: null });
    expect(read).not.toHaveBeenCalled();
  });
});

test.each([
  ['from', 'what is no longer kept', { from: NOON - 91 * DAY }, /kept for 90 days/],
  ['from', 'minutes no longer kept', { from: NOON - 3 * DAY, by: 'MINUTE' }, /kept for 48 hours/],
  ['from', 'more than one answer has', { from: NOON - 47 * HOUR, by: 'MINUTE' }, /2821 minutes apart, .* at most 1500/],
  ['to', 'what ends before it begins', { from: NOON, to: NOON - HOUR }, /Set from before to/],
] as const)('%s: %s is bad input, and nothing is read', async (path, _, { from, ...more }, words) => {
  const variables = { from: at(from), ...more, ...('to' in more && { to: at(more.to) }) };
  const read = jest.spyOn(latchkey.service.store.usage, 'read');
  const answer = await ask(admin.id, variables);
  expect(refusalOf(answer)).toMatchObject({ code: 'BAD_USER_INPUT', path: [path] });
  expect(answer.body.errors[0].message).toMatch(words);
  expect(read).not.toHaveBeenCalled();
});

describe('a page of keys', () => {
  beforeAll(async () => {
    for (let i = 0; i < 30; i++) {
      clock.now += 1;
      await createKey(latchkey, { name: `page ${i}` }, admin.token);
    }
  });

  test('with usage under several names needs one read for each range', async () => {
    clock.now = NOON + 2 * HOUR;
    const read = jest.spyOn(latchkey.service.store.usage, 'read');
    const { body } = await latchkey.query(
      '{ apiKeys(first: 30) { nodes { usage { start } again: usage { requests } days: usage(by: DAY) { start } } } }',
      { token: admin.token },
    );
    expect(body.errors).toBeUndefined();
    for (const node of body.data.apiKeys.nodes) expect(node.usage).toHaveLength(24);
    expect(read.mock.calls.map(([keyIds]) => keyIds.length)).toEqual([30, 30]);
  });

  test('is refused with more periods than one request may have', async () => {
    clock.now = NOON + 2 * HOUR;
    const fields = ['a', 'b', 'c', 'd']
      .map((name) => `${name}: usage(from: "${at(NOON - 165 * HOUR)}") { start }`)
      .join(' ');
    const answer = await latchkey.query(`{ apiKeys(first: 30) { nodes { ${fields} } } }`, { token: admin.token });
    expect(answer.body.data).toEqual({ apiKeys: null });
    expect(answer.body.errors[0].extensions).toMatchObject({ code: 'BAD_USER_INPUT', path: ['from'] });
  });

  test('with limits reads no workspace: the caller’s tier is known', async () => {
    clock.now = NOON + 2 * HOUR;
    const find = jest.spyOn(latchkey.service.store.workspaces, 'find');
    const reads = async (fields: string): Promise<number> => {
      find.mockClear();
      const { body } = await latchkey.query(`{ apiKeys(first: 30) { nodes { ${fields} } } }`, { token: admin.token });
      expect(body.data.apiKeys.nodes).toHaveLength(30);
      return find.mock.calls.length;
    };
    const without = await reads('id');
    expect(await reads('limits { tier } more: limits { rate { limit } }')).toBe(without);
  });

  test('a tier that changes within a request is returned with its new value', async () => {
    const made = await act(latchkey, 'createWorkspace', { name: 'Moving', tier: 'STARTER' }, OPERATOR_KEY);
    const id = made.apiKey.id;
    const { body } = await latchkey.query(
      `mutation ($id: ID!, $workspaceId: ID!) {
        before: updateApiKey(input: { id: $id, name: "a" }) { apiKey { limits { tier } } }
        setWorkspaceTier(input: { workspaceId: $workspaceId, tier: GROWTH }) { workspace { tier } }
        after: updateApiKey(input: { id: $id, name: "b" }) { apiKey { limits { tier } } }
      }`,
      { variables: { id, workspaceId: made.workspace.id }, token: OPERATOR_KEY },
    );
    expect(body.data.before.apiKey.limits.tier).toBe('STARTER');
    expect(body.data.after.apiKey.limits.tier).toBe('GROWTH');
  });

  test('shows the new tier after the caller changes its own workspace’s tier', async () => {
    const { workspace } = (await latchkey.query('{ workspace { id tier } }', { token: OPERATOR_KEY })).body.data;
    const key = await createKey(latchkey, { scopes: ['read:all'] }, OPERATOR_KEY);
    const other = workspace.tier === 'ENTERPRISE' ? 'PROFESSIONAL' : 'ENTERPRISE';
    const set = (tier: string) => ({ workspaceId: workspace.id, tier });
    const { body } = await latchkey.query(
      `mutation ($id: ID!, $there: SetWorkspaceTierInput!, $back: SetWorkspaceTierInput!) {
        there: setWorkspaceTier(input: $there) { workspace { tier } }
        updateApiKey(input: { id: $id, name: "a" }) { apiKey { limits { tier } } }
        back: setWorkspaceTier(input: $back) { workspace { tier } }
      }`,
      { variables: { id: key.id, there: set(other), back: set(workspace.tier) }, token: OPERATOR_KEY },
    );
    expect(body.errors).toBeUndefined();
    expect(body.data.updateApiKey.apiKey.limits.tier).toBe(other);
  });
});

test('requests do not write: a hundred of them cause one write of times and one of counts', async () => {
  clock.now = NOON + 3 * HOUR;
  const key = await createKey(latchkey, {}, admin.token);
  await latchkey.service.latchkey.usage.flush();
  const { keys, usage, workspaces } = latchkey.service.store;
  const add = jest.spyOn(usage, 'add');
  const writes = [
    ...(['insert', 'rotate', 'expire', 'revoke', 'update', 'saveDigest', 'touch'] as const).map((name) =>
      jest.spyOn(keys, name),
    ),
    ...(['create', 'ensure', 'setTier'] as const).map((name) => jest.spyOn(workspaces, name)),
    add,
  ];
  const written = () => writes.map(({ mock }) => mock.calls.length).reduce((sum, n) => sum + n, 0);
  // The timer writes every five seconds, which may happen in between on a slow machine.
  const byTheClock = jest.spyOn(latchkey.service.latchkey.usage, 'flush').mockResolvedValue();
  for (let i = 0; i < 100; i++) await latchkey.query(i % 10 === 0 ? '{ apiKeys { totalCount } }' : VIEWER, key);
  const during = written();
  byTheClock.mockRestore();
  await latchkey.service.latchkey.usage.flush();
  expect([during, written()]).toEqual([0, 2]);
  expect(add).toHaveBeenCalledTimes(1);
  expect(await usageOf(key.id, thisHour())).toEqual([entry(clock.now, [90, 90, 0, 10])]);
});

test('a restart keeps the earlier counts', async () => {
  const where = place();
  const first = await startService(where);
  const key = await createKey(first, {}, OPERATOR_KEY);
  await first.query(many(2), { token: key.token });
  await first.service.close();
  const second = await start(where);
  await second.query(VIEWER, { token: key.token });
  await second.service.latchkey.usage.flush();
  expect(await usageOf(key.id, thisHour(), OPERATOR_KEY, second)).toEqual([entry(NOON, [2, 3, 0, 0])]);
});

test('two services on one store add up', async () => {
  const where = place();
  const [one, other] = [await start(where), await start(where)];
  const key = await createKey(one, {}, OPERATOR_KEY);
  await one.query(many(2), { token: key.token });
  await other.query(many(3), { token: key.token });
  await other.query('{ apiKeys { totalCount } }', { token: key.token });
  await Promise.all([one, other].map(({ service }) => service.latchkey.usage.flush()));
  for (const service of [one, other]) {
    expect(await usageOf(key.id, thisHour(), OPERATOR_KEY, service)).toEqual([entry(NOON, [2, 5, 0, 1])]);
  }
});

test("the operator's requests are not counted", async () => {
  await latchkey.service.latchkey.usage.flush();
  const add = jest.spyOn(latchkey.service.store.usage, 'add');
  await latchkey.query(VIEWER, { token: OPERATOR_KEY });
  await latchkey.service.latchkey.usage.flush();
  expect(add).not.toHaveBeenCalled();
});
