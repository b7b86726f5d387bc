import { tierTable } from '../../src/core/limits/tierTable.js';
import { startService, type TestService } from '../support/service.js';

const MAX = 6_000_000;
const most = { rate: 1e6, burst: 1e6 };
const cost = { max: MAX, rate: 50_000_000, burst: 50_000_000 };
const tiers = tierTable({ GROWTH: { ...most, cost }, ANONYMOUS: most, KEY_CREATION: most });

let service: TestService;
beforeAll(async () => {
  service = await startService({ tiers });
  const columns = Array.from({ length: 12 }, (_, i) => ({ name: `column_${i}`, type: 'numeric(12,2)' }));
  const names = Array.from({ length: 100 }, (_, i) => `warehouse.asset_${i}`);
  for (const [i, name] of names.entries()) {
    const upstream = names.slice(Math.max(0, i - 5), i);
    const input = {
      name,
      description: 'Orders of the shop, one row each.',
      owner: 'data',
      allowedAge: 'P1D',
      upstream,
      columns,
    };
    const registered = await service.query(
      'mutation ($input: RegisterAssetInput!) { registerAsset(input: $input) { name } }',
      {
        variables: { input },
      },
    );
    expect(registered.body.errors).toBeUndefined();
    const at = new Date().toISOString();
    await service.query('mutation ($input: RecordLoadInput!) { recordLoad(input: $input) { name } }', {
      variables: { input: { asset: name, at, rows: 5 } },
    });
  }
  const events = Array.from({ length: 100 }, (_, i) => ({ id: `e${i}`, type: 'job.done', asset: names[i], rows: i }));
  await service.query('mutation ($input: [EventInput!]!) { recordEvents(input: $input) { recorded } }', {
    variables: { input: events },
  });
});
afterAll(() => service.close());

const reported = (query: string, variables: object = {}) =>
  service.query(query, { variables, headers: { 'latchkey-cost': 'report' } });

/** The fields that were resolved for a response. */
function fieldsOf(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, entry) => sum + fieldsOf(entry), 0);
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce((sum: number, inner) => sum + 1 + fieldsOf(inner), 0);
}

const OPERATIONS: Readonly<Record<string, string>> = {
  viewer: '{ viewer { credential { id } } }',
  tiers: '{ tiers { tier keys perMinute } }',
  one: '{ asset(name: "warehouse.asset_50") { name owner } }',
  names: '{ assets(first: 100) { name } }',
  details: '{ assets(first: 100) { name owner createdAt freshness { status lastLoadAt age } alerts { id } } }',
  columns: '{ assets(first: 100) { name schema { version columns { name type } } } }',
  lineage: '{ assetsConnection(first: 50) { edges { node { name downstream { name freshness { status } } } } } }',
  deep: '{ assets(first: 100) { upstream { asset { upstream { asset { name freshness { status } } } } } } }',
  events: '{ events(first: 100) { nodes { id type asset at rows } } }',
};

test('charges work in proportion, where requests do not', async () => {
  const work: { readonly name: string; readonly fields: number; readonly bytes: number; readonly units: number }[] = [];
  for (const [name, query] of Object.entries(OPERATIONS)) {
    const { body, text } = await reported(query);
    expect([name, body.errors]).toEqual([name, undefined]);
    const { actual, estimate } = body.extensions.cost;
    expect(actual).toBeLessThanOrEqual(estimate);
    work.push({ name, fields: fieldsOf(body.data), bytes: text.length, units: actual });
  }
  const spread = (of: (one: (typeof work)[number]) => number): number =>
    Math.max(...work.map(of)) / Math.min(...work.map(of));
  // Each operation counts as one request.
  expect(spread(({ fields }) => fields)).toBeGreaterThan(500);
  expect(spread(({ fields, units }) => fields / units)).toBeLessThan(10);
  expect(spread(({ bytes, units }) => bytes / units)).toBeLessThan(100);
});

const DEEP = '{ asset { upstream { asset { upstream { asset { name } } } } } }';

test('refuses an operation above the maximum of the tier, with its variables, and says what costs most', async () => {
  const query = `query ($n: Int) { assets(first: $n) { upstream ${DEEP} } }`;
  const { status, body } = await service.query(query, { variables: { n: 100 } });
  expect(status).toBe(400);
  expect(body.data).toBeUndefined();
  expect(body.errors[0].extensions).toEqual({ code: 'COST_EXCEEDED', cost: 304_040_202, limit: MAX });
  expect(body.errors[0].message).toContain(
    'The most expensive fields are AssetRef.asset (202020000), Asset.upstream (',
  );
  const fewer = await service.query(query, { variables: { n: 1 } });
  expect(fewer.status).toBe(200);
});

test('shows the cost windows in the fields of the limits', async () => {
  const { headers } = await service.query('{ viewer { credential { id } } }');
  expect(headers.get('ratelimit-policy')).toContain('"cost-rate";q=50000000;w=60');
});

test('explains the estimate, the maximum and the dearest fields', async () => {
  const document = `{ assets { upstream ${DEEP} } }`;
  const me = (await service.query('{ viewer { credential { id } } }')).body.data.viewer.credential.id as string;
  const explain = async (of: string) => {
    const { body } = await service.query(
      'query ($id: ID!, $of: String!) { explainAccess(keyId: $id, document: $of) { allowed reasons cost estimate { cost max unsized fields { coordinate cost } } } }',
      { variables: { id: me, of } },
    );
    expect(body.errors).toBeUndefined();
    return body.data.explainAccess as Record<string, unknown>;
  };
  expect(await explain(document)).toEqual({
    allowed: false,
    // It exceeds the windows, too.
    reasons: ['COST_EXCEEDED', 'COST_EXCEEDS_BURST'],
    cost: 1,
    estimate: {
      cost: 304_040_202,
      max: MAX,
      unsized: null,
      fields: [
        { coordinate: 'AssetRef.asset', cost: 202_020_000 },
        { coordinate: 'Asset.upstream', cost: 102_020_100 },
        { coordinate: 'Query.assets', cost: 101 },
        { coordinate: 'Query', cost: 1 },
      ],
    },
  });
  expect(await explain('{ assets(first: null) { name } }')).toMatchObject({
    reasons: ['LIST_SIZE_REQUIRED'],
    estimate: { unsized: 'Query.assets' },
  });
  expect(await explain('{ assets(first: 3) { name } }')).toMatchObject({ allowed: true, estimate: { cost: 5 } });
});

test.each(['measure', 'off'])('refuses nothing with COST=%s', async (COST) => {
  const other = await startService({ tiers, env: { COST } });
  try {
    const { status, body } = await other.query('{ assets(first: 100) { schema { columns { name } } } }', {
      headers: { 'latchkey-cost': 'report' },
    });
    expect(status).toBe(200);
    expect(body.extensions).toEqual(COST === 'off' ? undefined : { cost: { estimate: 100_402, actual: 2 } });
  } finally {
    await other.close();
  }
});
