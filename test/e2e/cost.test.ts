import { tierTable } from '../../src/core/limits/tierTable.js';
import { startService, type TestService } from '../support/service.js';

const MAX = 6_000_000;
const most = { rate: 1e6, burst: 1e6 };
const cost = { max: MAX, rate: 50_000_000, burst: 50_000_000 };
const tiers = tierTable({ GROWTH: { ...most, cost }, ANONYMOUS: most, KEY_CREATION: most });

let service: TestService;
/** A service with the same data that refuses nothing because of its cost. */
let measuring: TestService;
beforeAll(async () => {
  service = await startService({ tiers });
  measuring = await startService({ tiers, env: { COST: 'measure' } });
  await fill(service);
  await fill(measuring);
});
afterAll(async () => {
  await service.close();
  await measuring.close();
});

/** Registers 100 assets with 12 columns, each of which depends on the five before it, and 100 events. */
async function fill(to: TestService): Promise<void> {
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
    const registered = await to.query(
      'mutation ($input: RegisterAssetInput!) { registerAsset(input: $input) { name } }',
      {
        variables: { input },
      },
    );
    expect(registered.body.errors).toBeUndefined();
    const at = new Date().toISOString();
    await to.query('mutation ($input: RecordLoadInput!) { recordLoad(input: $input) { name } }', {
      variables: { input: { asset: name, at, rows: 5 } },
    });
  }
  const events = Array.from({ length: 100 }, (_, i) => ({ id: `e${i}`, type: 'job.done', asset: names[i], rows: i }));
  await to.query('mutation ($input: [EventInput!]!) { recordEvents(input: $input) { recorded } }', {
    variables: { input: events },
  });
}

const reported = (query: string) => measuring.query(query, { headers: { 'latchkey-cost': 'report' } });

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
  deepest: '{ assets(first: 80) { upstream { asset { upstream { asset { upstream { asset { name } } } } } } } }',
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
  // The largest response is near the limit of 50,000 fields and entries. Each operation counts as one request.
  expect(Math.max(...work.map(({ fields }) => fields))).toBeGreaterThan(20_000);
  expect(spread(({ fields }) => fields)).toBeGreaterThan(5_000);
  expect(spread(({ fields, units }) => fields / units)).toBeLessThan(10);
  expect(spread(({ bytes, units }) => bytes / units)).toBeLessThan(100);
});

test('charges each key of a bulk creation like a single one', async () => {
  const input = '{ name: "a", scopes: ["read:assets"] }';
  const costOf = async (query: string): Promise<{ estimate: number; actual: number }> => {
    const { body } = await reported(query);
    expect(body.errors).toBeUndefined();
    return body.extensions.cost;
  };
  const one = await costOf(`mutation { createApiKey(input: ${input}) { token } }`);
  const three = await costOf(`mutation { createApiKeys(input: [${input}, ${input}, ${input}]) { keys { token } } }`);
  // The hash of a key takes as long as a large list of objects.
  expect(one.actual).toBeGreaterThan(20);
  expect(three.actual).toBeGreaterThan(60);
  expect(three.actual).toBeLessThanOrEqual(3 * one.actual);
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

test('explains the estimate, the maximum and the most expensive fields', async () => {
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
