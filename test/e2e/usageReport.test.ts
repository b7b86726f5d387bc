import { createKey, OPERATOR_KEY, startService, type TestService } from '../support/service.js';
import { at, DAY, HOUR } from './frozen.js';
import { act, refusalOf } from './operations.js';

// Uses the real date, because MongoDB expires counts by its own clock.
const NOON = Math.floor(Date.now() / DAY) * DAY + 12 * HOUR;
const clock = { now: NOON };

let latchkey: TestService;
let admin: { token: string; id: string };
let workspaceId: string;
let project: { readonly id: string };
let owner: { readonly id: string };
/** A key of the owner in the project, and one of the workspace. */
let bound: { token: string; id: string };
let free: { token: string; id: string };

beforeAll(async () => {
  latchkey = await startService({
    now: () => clock.now,
    env: { ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'GROWTH' },
  });
  const made = await act(latchkey, 'createWorkspace', { name: 'Mine', tier: 'ENTERPRISE' }, OPERATOR_KEY);
  admin = { token: made.token, id: made.apiKey.id };
  workspaceId = made.workspace.id;
  ({ project } = await act(latchkey, 'createProject', { name: 'Shop' }, admin.token));
  ({ user: owner } = await act(latchkey, 'addUser', { name: 'Ada', roles: ['viewer'] }, admin.token));
  bound = await createKey(
    latchkey,
    { name: '=cmd|a,"b"', scopes: ['read:assets'], projectId: project.id, userId: owner.id },
    admin.token,
  );
  free = await createKey(latchkey, { name: 'free', scopes: ['read:assets'] }, admin.token);
  const ask = (query: string, { token }: { readonly token: string }) => latchkey.query(query, { token });
  for (let i = 0; i < 3; i++) await ask('query Stock { viewer { scopes } }', bound);
  await ask('query Both { viewer { scopes } tiers { tier } a: viewer { scopes } }', bound);
  await ask('query Stock { viewer { scopes } }', free);
  await ask('{ viewer { scopes } }', free);
  await ask('query Keys { apiKeys { totalCount } }', free);
  await latchkey.service.latchkey.usage.flush();
});
afterAll(() => latchkey.close());

const ROWS = 'nodes { start value name requests cost limited forbidden } pageInfo { hasNextPage endCursor }';
const FIELDS =
  '$groupBy: UsageGroup!, $by: UsageReportPeriod, $from: DateTime, $to: DateTime, $first: Int, $after: String, $workspaceId: ID';
const GIVEN =
  'groupBy: $groupBy, by: $by, from: $from, to: $to, first: $first, after: $after, workspaceId: $workspaceId';

const ask = (groupBy: string, more: object = {}, token = admin.token) =>
  latchkey.query(`query Report(${FIELDS}) { usage(${GIVEN}) { ${ROWS} } }`, { variables: { groupBy, ...more }, token });

const exported = (groupBy: string, more: object = {}, token = admin.token) =>
  latchkey.query(
    `query Export(${FIELDS}, $format: UsageFormat) { usageExport(${GIVEN}, format: $format) { text endCursor hasNextPage } }`,
    { variables: { groupBy, ...more }, token },
  );

interface Row {
  readonly value: string;
  readonly name: string | null;
  readonly requests: number;
  readonly cost: number;
  readonly forbidden: number;
}

/** The rows without the administrator's rows, whose number depends on the test. */
const rowsOf = async (groupBy: string, more: object = {}) => {
  const { body } = await ask(groupBy, more);
  expect(body.errors).toBeUndefined();
  return (body.data.usage.nodes as Row[])
    .filter(({ value }) => value !== admin.id)
    .map(({ value, name, requests, cost, forbidden }) => [value, name, requests, cost, forbidden]);
};

test('by key and by owner, with their names', async () => {
  expect(await rowsOf('KEY')).toEqual(
    [
      [bound.id, '=cmd|a,"b"', 4, 5, 0],
      [free.id, 'free', 2, 2, 1],
    ].toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  );
  const owners = await rowsOf('OWNER');
  expect(owners).toContainEqual([owner.id, 'Ada', 4, 5, 0]);
  expect(owners.map(([value]) => value)).toEqual(['(none)', owner.id]);
});

test('by the external ID of a customer, whose keys and users are counted together', async () => {
  const own = await act(latchkey, 'createWorkspace', { name: 'Vendor', tier: 'ENTERPRISE' }, OPERATOR_KEY);
  const { user } = await act(latchkey, 'addUser', { name: 'Bo', roles: ['viewer'], externalId: 'cus_1' }, own.token);
  const keys = [
    await createKey(latchkey, { scopes: ['read:assets'], externalId: 'cus_1' }, own.token),
    await createKey(latchkey, { scopes: ['read:assets'], userId: user.id }, own.token),
    await createKey(latchkey, { scopes: ['read:assets'], externalId: 'cus_2', userId: user.id }, own.token),
  ];
  for (const { token } of keys) await latchkey.query('{ viewer { scopes } }', { token });
  await latchkey.service.latchkey.usage.flush();
  const { body } = await ask('OWNER', {}, own.token);
  const rows = (body.data.usage.nodes as Row[]).map(({ value, requests }) => [value, requests]);
  expect(rows.filter(([value]) => value !== '(none)')).toEqual([
    ['cus_1', 2],
    ['cus_2', 1],
  ]);
});

test('the cost of operations by the lists that were returned, and not by the estimate', async () => {
  const own = await act(latchkey, 'createWorkspace', { name: 'Costs', tier: 'ENTERPRISE' }, OPERATOR_KEY);
  const { token, id } = await createKey(latchkey, { scopes: ['read:assets', 'write:assets'] }, own.token);
  const costs = async (): Promise<number[]> => {
    await latchkey.service.latchkey.usage.flush();
    const report = `{ usage(groupBy: KEY) { nodes { value queryCost } } }`;
    const { body } = await latchkey.query(report, { token: own.token });
    const rows = body.data.usage.nodes as { readonly value: string; readonly queryCost: number }[];
    return rows.filter(({ value }) => value === id).map(({ queryCost }) => queryCost);
  };
  const reported = async (query: string) => {
    const { body } = await latchkey.query(query, { token, headers: { 'latchkey-cost': 'report' } });
    expect(body.errors).toBeUndefined();
    return body.extensions.cost as { readonly estimate: number; readonly actual: number };
  };
  const empty = await reported('{ assetsConnection(first: 50) { nodes { name } } }');
  expect(empty.actual).toBeLessThan(empty.estimate);
  expect(await costs()).toEqual([empty.actual]);
  // Refused: it costs nothing.
  await latchkey.query('{ apiKeys { totalCount } }', { token });
  expect(await costs()).toEqual([empty.actual]);
});

test('by project and workspace', async () => {
  const projects = await rowsOf('PROJECT');
  expect(projects).toContainEqual([project.id, 'Shop', 4, 5, 0]);
  const [[value, name, requests] = []] = await rowsOf('WORKSPACE');
  const sum = projects.reduce((total, [, , count]) => total + Number(count), 0);
  expect([value, name, requests]).toEqual([workspaceId, null, sum]);
});

test('by operation name, summed over the projects, with refusals', async () => {
  const rows = new Map((await rowsOf('OPERATION')).map(([value, , ...counts]) => [value, counts]));
  expect(rows.get('Stock')).toEqual([4, 4, 0]);
  expect(rows.get('Both')).toEqual([1, 2, 0]);
  expect(rows.get('Keys')).toEqual([0, 0, 1]);
  expect(rows.has('(none)')).toBe(true);
});

test('by root field: a request counts for each of its root fields', async () => {
  const rows = new Map((await rowsOf('ROOT_FIELD')).map(([value, , ...counts]) => [value, counts]));
  expect(rows.get('Query.tiers')).toEqual([1, 2, 0]);
  expect(rows.get('Query.viewer')).toEqual([6, 7, 0]);
  expect(rows.get('Query.apiKeys')).toEqual([0, 0, 1]);
});

test.each(['HOUR', 'DAY', 'MONTH'])('by %s', async (by) => {
  const { body } = await ask('OWNER', { by });
  const start = new Date(NOON);
  const expected = {
    HOUR: NOON,
    DAY: NOON - 12 * HOUR,
    MONTH: Date.UTC(start.getUTCFullYear(), start.getUTCMonth()),
  }[by];
  expect(new Set(body.data.usage.nodes.map((row: { readonly start: string }) => row.start))).toEqual(
    new Set([at(expected ?? 0)]),
  );
});

test('pages neither repeat nor miss a row', async () => {
  const all = (await ask('OPERATION')).body.data.usage.nodes;
  const found: unknown[] = [];
  for (let after: string | null = null; ;) {
    const { body } = await ask('OPERATION', { first: 1, after });
    found.push(...body.data.usage.nodes);
    const { hasNextPage, endCursor } = body.data.usage.pageInfo;
    if (!hasNextPage) break;
    after = endCursor;
  }
  expect(found).toEqual(all);
});

test('only the given range is returned', async () => {
  expect(await rowsOf('KEY', { from: at(NOON - 3 * DAY), to: at(NOON - 2 * DAY) })).toEqual([]);
  expect(await rowsOf('KEY', { by: 'HOUR', from: at(NOON + HOUR), to: at(NOON + 2 * HOUR) })).toEqual([]);
  expect(await rowsOf('KEY', { by: 'HOUR', from: at(NOON), to: at(NOON + 1) })).toHaveLength(2);
});

describe('the export', () => {
  test('is CSV with a header, in which no name is a formula', async () => {
    const { text, hasNextPage } = (await exported('KEY')).body.data.usageExport;
    const lines = text.split('\n');
    expect(lines[0]).toBe('start,value,name,requests,cost,queryCost,limited,forbidden,cursor');
    expect(lines.at(-1)).toBe('');
    expect(lines.find((line: string) => line.includes(bound.id))).toMatch(
      new RegExp(`^${at(NOON - 12 * HOUR).replaceAll('.', '\\.')},${bound.id},"'=cmd\\|a,""b""",4,5,20,0,0,[\\w-]+$`),
    );
    expect(hasNextPage).toBe(false);
  });

  test('is JSON Lines', async () => {
    const { text } = (await exported('KEY', { format: 'JSON_LINES' })).body.data.usageExport;
    const rows = text
      .trimEnd()
      .split('\n')
      .map((line: string) => JSON.parse(line) as Row);
    expect(rows.find(({ value }: Row) => value === bound.id)).toEqual({
      ...{ start: at(NOON - 12 * HOUR), value: bound.id, name: '=cmd|a,"b"' },
      ...{ requests: 4, cost: 5, queryCost: 20, limited: 0, forbidden: 0, cursor: expect.any(String) },
    });
  });

  test('continues after the cursor of any line, without another header', async () => {
    const whole = (await exported('OPERATION')).body.data.usageExport.text;
    const lines = whole.trimEnd().split('\n');
    for (const [i, line] of lines.entries()) {
      if (i === 0) continue;
      const after = line.slice(line.lastIndexOf(',') + 1);
      const { text } = (await exported('OPERATION', { after })).body.data.usageExport;
      // The export itself is counted while it is read.
      expect(text.split('\n').filter((each: string) => !each.includes('Export'))).toEqual(
        [...lines.slice(i + 1), ''].filter((each: string) => !each.includes('Export')),
      );
    }
  });
});

describe('who may read it', () => {
  test.each(['read:all', 'write:all'])('a key with %s: FORBIDDEN', async (scope) => {
    const key = await createKey(latchkey, { scopes: [scope] }, admin.token);
    for (const answer of [await ask('KEY', {}, key.token), await exported('KEY', {}, key.token)]) {
      expect(answer.status).toBe(403);
      expect(refusalOf(answer)).toMatchObject({ code: 'FORBIDDEN', missing: ['admin'] });
    }
  });

  test('an admin of a project reads only the usage of the project', async () => {
    const own = await createKey(latchkey, { scopes: ['admin'], projectId: project.id }, admin.token);
    const values = async (groupBy: string) =>
      (await ask(groupBy, {}, own.token)).body.data.usage.nodes.map(({ value, requests }: Row) => [value, requests]);
    expect(await values('KEY')).toEqual([[bound.id, 4]]);
    expect(await values('PROJECT')).toEqual([[project.id, 4]]);
    expect(await values('WORKSPACE')).toEqual([[workspaceId, 4]]);
    expect(await values('OPERATION')).toEqual([
      ['Both', 1],
      ['Stock', 3],
    ]);
    expect((await exported('KEY', {}, own.token)).body.data.usageExport.text).not.toContain(free.id);
  });

  test('an admin of another workspace finds nothing, and only platform reads other workspaces', async () => {
    const stranger = await act(latchkey, 'createWorkspace', { name: 'Theirs', tier: 'ENTERPRISE' }, OPERATOR_KEY);
    expect((await ask('KEY', {}, stranger.token)).body.data.usage.nodes).toEqual([]);
    expect(refusalOf(await ask('KEY', { workspaceId }, stranger.token))).toMatchObject({ code: 'NOT_FOUND' });
    const { body } = await ask('OWNER', { workspaceId }, OPERATOR_KEY);
    expect(body.data.usage.nodes).toContainEqual(expect.objectContaining({ value: owner.id, requests: 4, name: null }));
  });
});

test.each([
  ['first', { first: 0 }],
  ['first', { first: 1_001 }],
  ['after', { after: 'nonsense' }],
  ['after', { after: Buffer.from('key 0000000000000001 a b').toString('base64url') }],
  ['after', { after: Buffer.from('owner 0000000000000000 a b').toString('base64url') }],
  ['after', { after: Buffer.from('key 0000000000000000 %E0%A4%A b').toString('base64url') }],
  ['to', { from: at(NOON), to: at(NOON - DAY) }],
])('%s: %j is bad input', async (path, variables) => {
  expect(refusalOf(await ask('KEY', variables))).toMatchObject({ code: 'BAD_USER_INPUT', path: [path] });
});
