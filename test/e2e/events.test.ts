import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKey, OPERATOR_KEY, startService, type TestService, demoOf } from '../support/service.js';
import { act, attempt, refusalOf } from './operations.js';

let dir: string;
let latchkey: TestService;
let mine: string;
let theirs: string;
let shop: string;
let page: string;
/** Calls of the store's operations on events. */
let calls: string[];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-events-'));
  const file = join(dir, 'latchkey.yaml');
  writeFileSync(file, 'key_types: { CLIENT: { scopes: [write:events] } }');
  const env = { ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'ENTERPRISE', LATCHKEY_CONFIG: file };
  latchkey = await startService({ env });
  const workspace = async (name: string) =>
    (await act(latchkey, 'createWorkspace', { name, tier: 'ENTERPRISE' }, OPERATOR_KEY)).token as string;
  mine = await workspace('Mine');
  theirs = await workspace('Theirs');
  shop = (await act(latchkey, 'createProject', { name: 'Shop' }, mine)).project.id;
  page = (await createKey(latchkey, { type: 'CLIENT', scopes: ['write:events'], projectId: shop }, mine)).token;
  calls = [];
  counted('record');
  counted('list');
});
beforeEach(() => void calls.splice(0));
afterAll(async () => {
  await latchkey.close();
  rmSync(dir, { recursive: true });
});

const RECORD = `mutation ($input: [EventInput!]!, $p: ID) {
  recordEvents(input: $input, project: $p) { recorded repeated problems { index id kind message } }
}`;
const LIST = `query ($first: Int, $after: String, $asset: String, $type: String, $p: ID) {
  events(first: $first, after: $after, asset: $asset, type: $type, project: $p) {
    nodes { id type asset at rows properties } pageInfo { hasNextPage endCursor }
  }
}`;

const send = (token: string | null, input: unknown, p?: string) =>
  latchkey.query(RECORD, { token, variables: { input, p } });
const list = (token: string | null, variables: object = {}) => latchkey.query(LIST, { token, variables });
const idsOf = async (token: string, variables: object = {}): Promise<string[]> =>
  (await list(token, variables)).body.data.events.nodes.map(({ id }: { id: string }) => id);
/** Records the calls of the operation, and passes them to the store. */
function counted(name: 'record' | 'list'): void {
  const events = demoOf(latchkey).store.events as unknown as Record<string, (...given: unknown[]) => unknown>;
  const operation = events[name];
  events[name] = (...given) => {
    calls.push(name);
    return operation?.(...given);
  };
}
/** A project that no other test has filled, and an admin key that is bound to it. */
const freshProject = async (name: string) => {
  const { id } = (await act(latchkey, 'createProject', { name }, mine)).project;
  return (await createKey(latchkey, { name, scopes: ['admin'], projectId: id }, mine)).token;
};

const EVENT = { id: 'run-1', type: 'job.ended' };

describe('who may use events', () => {
  test.each([
    [['write:events'], 200, 403],
    [['write:all'], 200, 403],
    [['read:events'], 403, 200],
    [['read:all'], 403, 200],
    [['read:assets', 'write:assets'], 403, 403],
    [['read:events', 'write:events'], 200, 200],
    [['admin'], 200, 200],
  ])('a key with %j', async (scopes, writes, reads) => {
    const { token } = await createKey(latchkey, { scopes }, mine);
    const written = await send(token, [EVENT]);
    expect([written.status, calls.splice(0)]).toEqual([writes, writes === 200 ? ['record'] : []]);
    const read = await list(token);
    expect([read.status, calls]).toEqual([reads, reads === 200 ? ['list'] : []]);
    for (const [answer, missing] of [
      [written, 'write:events'],
      [read, 'read:events'],
    ] as const) {
      if (answer.status === 403) expect(refusalOf(answer)).toMatchObject({ code: 'FORBIDDEN', missing: [missing] });
    }
  });

  test('refuses requests without a key, and nothing runs', async () => {
    for (const answer of [await send(null, [EVENT]), await list(null)]) {
      expect([answer.status, 'data' in answer.body]).toEqual([401, false]);
    }
    expect(calls).toEqual([]);
  });

  test("a CLIENT key can write events, but can read neither events nor its project's assets", async () => {
    expect((await send(page, [EVENT])).body.data.recordEvents).toEqual({ recorded: 1, repeated: 0, problems: [] });
    calls.splice(0);
    for (const query of [LIST, '{ assets { name } }', '{ apiKeys { totalCount } }']) {
      expect((await latchkey.query(query, { token: page })).status).toBe(403);
    }
    const both = 'mutation { recordEvents(input: []) { recorded } recordLoad(input: { asset: "a" }) { name } }';
    const answer = await latchkey.query(both, { token: page });
    expect([answer.status, refusalOf(answer).missing]).toEqual([403, ['write:assets']]);
    expect(calls).toEqual([]);
  });

  test("the scopes of CLIENT can be limited to write:events; then keys with read scopes can't be created", async () => {
    for (const scope of ['read:events', 'read:all', 'write:all', 'write:assets']) {
      const refused = await attempt(latchkey, 'createApiKey', { name: 'x', type: 'CLIENT', scopes: [scope] }, mine);
      expect(refusalOf(refused)).toMatchObject({ code: 'BAD_USER_INPUT', path: ['input', 'scopes', 0] });
    }
    const readOnly = { name: 'x', type: 'READ_ONLY', scopes: ['write:events'] };
    expect(refusalOf(await attempt(latchkey, 'createApiKey', readOnly, mine)).code).toBe('BAD_USER_INPUT');
  });
});

test('events are returned as they were sent, with any properties', async () => {
  const token = await freshProject('As sent');
  const at = new Date(Date.now() - 60_000).toISOString();
  const properties = { $set: { 'a.b': [1, null, { constructor: 'x' }] }, 'é\0': '\ud800', toJSON: 1.5 };
  await send(token, [{ id: 'a', type: 'LOAD', asset: 'orders', at, rows: 3, properties }]);
  const { body } = await list(token);
  expect(body.data.events.nodes).toEqual([{ id: 'a', type: 'LOAD', asset: 'orders', at, rows: 3, properties }]);
  expect(JSON.stringify(body.data.events.nodes[0].properties)).toBe(JSON.stringify(properties));
});

test('a load changes the freshness of its asset', async () => {
  const token = await freshProject('Fresh');
  const state = '{ asset(name: "orders") { freshness { status lastLoadRows } alerts { kind } } }';
  await latchkey.query('mutation { registerAsset(input: { name: "orders", allowedAge: "PT1H" }) { name } }', { token });
  const { body } = await send(token, [
    { id: 'a', type: 'LOAD', asset: 'orders', rows: 12 },
    { id: 'b', type: 'LOAD', asset: 'nobodys' },
  ]);
  expect(body.data.recordEvents).toMatchObject({
    recorded: 2,
    problems: [{ index: 1, id: 'b', kind: 'UNKNOWN_ASSET', message: expect.stringContaining('register the asset') }],
  });
  const { data } = (await latchkey.query(state, { token })).body;
  expect(data.asset).toEqual({ freshness: { status: 'FRESH', lastLoadRows: 12 }, alerts: [] });
});

test('two concurrent requests with one batch record each event once', async () => {
  const token = await freshProject('At once');
  const batch = Array.from({ length: 100 }, (_, i) => ({ id: `e${i}`, type: 'tick' }));
  const answers = await Promise.all([send(token, batch), send(token, batch)]);
  const told: { recorded: number; repeated: number }[] = answers.map(({ body }) => body.data.recordEvents);
  expect(told.map(({ recorded, repeated }) => recorded + repeated)).toEqual([100, 100]);
  expect(told.reduce((sum, { recorded }) => sum + recorded, 0)).toBe(100);
  expect(await idsOf(token, { first: 100 })).toHaveLength(100);
});

test('the list has cursors and filters', async () => {
  const token = await freshProject('Paged');
  const event = (i: number) => ({
    id: `e/${i}`,
    type: i % 2 ? 'LOAD' : 'own',
    asset: i % 3 ? 'x' : 'y',
    at: new Date(Date.now() - i * 1000).toISOString(),
  });
  await send(token, [0, 1, 2, 3, 4].map(event));
  const first = (await list(token, { first: 3 })).body.data.events;
  expect(first.nodes.map(({ id }: { id: string }) => id)).toEqual(['e/0', 'e/1', 'e/2']);
  expect(first.pageInfo.hasNextPage).toBe(true);
  const second = (await list(token, { first: 3, after: first.pageInfo.endCursor })).body.data.events;
  expect(second.nodes.map(({ id }: { id: string }) => id)).toEqual(['e/3', 'e/4']);
  expect(second.pageInfo.hasNextPage).toBe(false);
  expect(await idsOf(token, { type: 'LOAD' })).toEqual(['e/1', 'e/3']);
  expect(await idsOf(token, { asset: 'y' })).toEqual(['e/0', 'e/3']);
  expect(await idsOf(token, { asset: 'y', type: 'LOAD' })).toEqual(['e/3']);
  expect((await list(token, { after: 'x' })).body.errors[0].extensions).toEqual({
    code: 'BAD_USER_INPUT',
    path: ['after'],
  });
});

/** Sends a body as text, for values that JSON.stringify would not write. */
const sendText = async (token: string, properties: string, rows = 'null') => {
  const variables = `{"input":[{"id":"n","type":"tick","rows":${rows},"properties":${properties}}]}`;
  const answer = await fetch(latchkey.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: `{"query":${JSON.stringify(RECORD)},"variables":${variables}}`,
  });
  return { status: answer.status, text: await answer.text() };
};

test('F9: keeps rows beyond 32 bits, and refuses them beyond 2^53 - 1', async () => {
  const token = await freshProject('rows');
  const rows = 3_000_000_000;
  await send(token, [{ id: 'a', type: 'tick', rows }]);
  const literal = `mutation { recordEvents(input: [{ id: "b", type: "tick", rows: ${2 ** 53 - 1} }]) { recorded } }`;
  expect((await latchkey.query(literal, { token })).body.data.recordEvents.recorded).toBe(1);
  const { nodes } = (await list(token)).body.data.events;
  expect(nodes.map((event: { rows: number }) => event.rows).sort()).toEqual([rows, 2 ** 53 - 1].sort());
  await latchkey.query('mutation { registerAsset(input: { name: "big" }) { name } }', { token });
  const load =
    'mutation ($rows: Count) { recordLoad(input: { asset: "big", rows: $rows }) { freshness { lastLoadRows } } }';
  const loaded = await latchkey.query(load, { token, variables: { rows } });
  expect(loaded.body.data.recordLoad.freshness.lastLoadRows).toBe(rows);
  calls.splice(0);
  for (const wrong of ['9007199254740992', '9007199254740993', '1e400', '-1', '1.5', '"3"']) {
    const { status, text } = await sendText(token, '{}', wrong);
    expect([wrong, status, text]).toEqual([wrong, 400, expect.stringContaining('A Count is a whole number from 0 to')]);
  }
  expect(calls).toEqual([]);
});

test('F10: refuses an altered number in the variables of a GET request as well', async () => {
  const query = 'query ($v: JSON) { explainAccess(keyId: "key_none", document: "{a}", variables: $v) { cost } }';
  const ask = async (number: string) => {
    const variables = `{"v":{"a":[${number}]}}`;
    const response = await fetch(`${latchkey.origin}/graphql?${new URLSearchParams({ query, variables }).toString()}`, {
      headers: { authorization: `Bearer ${mine}`, accept: 'application/json' },
    });
    return `${response.status} ${await response.text()}`;
  };
  for (const wrong of ['0.1000000000000000001', '123456789.12345678901', '1e-400']) {
    expect(await ask(wrong)).toContain(`400 {"errors":[{"message":"Variable`);
    expect(await ask(wrong)).toContain(`JSON cannot keep the number ${wrong} exactly`);
  }
  expect(await ask('0.1')).toMatch(/^200 .*"explainAccess":null/);
});

test('F10: keeps a number in properties exactly, or refuses it', async () => {
  const token = await freshProject('numbers');
  // Twice: a known document takes another path.
  for (const tries of [1, 2]) {
    for (const wrong of [
      '9007199254740993',
      '12345678901234567890',
      '1e400',
      '-1e400',
      '1e-400',
      '0.1000000000000000001',
    ]) {
      const { status, text } = await sendText(token, `{"a":{"b":[1,{"c":${wrong}}]}}`);
      expect([tries, wrong, status]).toEqual([tries, wrong, 400]);
      expect(text).toMatch(/JSON cannot keep the number .* Send it as a string/);
    }
    const { status } = await latchkey.query(
      'mutation { recordEvents(input: [{ id: "n", type: "tick", properties: { a: [1e400] } }]) { recorded } }',
      { token },
    );
    expect(status).toBe(400);
    await send(token, [{ ...EVENT, id: `seen${tries}` }]);
  }
  expect(calls).toEqual(['record', 'record']);
  const kept =
    '{"whole":9007199254740991,"least":-9007199254740991,"part":0.30000000000000004,"text":"9007199254740993"}';
  expect((await sendText(token, kept)).text).toContain('"recorded":1');
  const answer = await list(token, { type: 'tick' });
  expect(JSON.stringify(answer.body.data.events.nodes[0].properties)).toBe(kept);
});

describe('a refused batch records nothing', () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => ({ id: `e${i}`, type: 'tick' }));
  test.each<[string, object[], (string | number)[]]>([
    ['none', [], ['input']],
    ['501', many(501), ['input']],
    ['one of two', [EVENT, { ...EVENT, id: 'a b' }], ['input', 1, 'id']],
    ['one from the future', [EVENT, { id: 'b', type: 'x', at: '2099-01-01T00:00:00Z' }], ['input', 1, 'at']],
    ['large properties', [{ ...EVENT, properties: { a: 'x'.repeat(5000) } }], ['input', 0, 'properties']],
  ])('%s', async (_, batch, path) => {
    const answer = await send(page, batch);
    expect([answer.status, answer.body.data]).toEqual([200, { recordEvents: null }]);
    expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path });
    expect(calls).toEqual([]);
  });

  test('refuses a body beyond the limit before reading it as a batch', async () => {
    const answer = await send(
      page,
      many(500).map((event) => ({ ...event, properties: { a: 'x'.repeat(600) } })),
    );
    expect(answer.status).toBe(413);
    expect(calls).toEqual([]);
  });
});

describe('projects and workspaces are separate', () => {
  test('one ID is a separate event in each, visible only to its own keys', async () => {
    const [a, b] = [await freshProject('A'), await freshProject('B')];
    for (const [token, type] of [
      [a, 'of.a'],
      [b, 'of.b'],
      [mine, 'of.mine'],
      [theirs, 'of.theirs'],
    ] as const) {
      expect((await send(token, [{ id: 'same', type }])).body.data.recordEvents.recorded).toBe(1);
    }
    for (const [token, type] of [
      [a, 'of.a'],
      [b, 'of.b'],
      [mine, 'of.mine'],
      [theirs, 'of.theirs'],
    ] as const) {
      const { nodes } = (await list(token)).body.data.events;
      expect(
        nodes.filter(({ id }: { id: string }) => id === 'same').map((node: { type: string }) => node.type),
      ).toEqual([type]);
    }
  });

  test("a key that is not bound can name a project, and a bound key can't name another one", async () => {
    const { workspace } = (await latchkey.query('{ viewer { workspace { id } } }', { token: mine })).body.data.viewer;
    const bound = (await createKey(latchkey, { scopes: ['admin'], projectId: shop }, mine)).token;
    expect((await send(mine, [{ id: 'named', type: 'x' }], shop)).body.data.recordEvents.recorded).toBe(1);
    expect(await idsOf(bound)).toContain('named');
    expect(await idsOf(mine)).not.toContain('named');
    expect(await idsOf(mine, { p: shop })).toContain('named');
    for (const [token, p] of [
      [bound, workspace.id],
      [theirs, shop],
      [theirs, workspace.id],
    ] as const) {
      calls.splice(0);
      for (const [query, variables] of [
        [RECORD, { input: [EVENT] }],
        [LIST, {}],
      ] as const) {
        const refused = await latchkey.query(query, { token, variables: { ...variables, p } });
        const never = await latchkey.query(query, { token, variables: { ...variables, p: 'prj_0000000000000000' } });
        expect(refusalOf(refused).code).toBe('NOT_FOUND');
        expect([refused.status, refused.text]).toEqual([never.status, never.text]);
      }
      expect(calls).toEqual([]);
    }
  });
});
