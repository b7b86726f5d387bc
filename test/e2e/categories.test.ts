import { createLatchkey } from '../../src/latchkey.js';
import { Limiter } from '../../src/core/limits/limiter.js';
import { tierTable } from '../../src/core/limits/tierTable.js';
import { createKey, OPERATOR_KEY } from '../support/service.js';
import { startFrozen, type FrozenService } from './frozen.js';

const tiers = tierTable({
  GROWTH: { keys: 3, categories: { write: { rate: 6, burst: 3 }, admin: { rate: 60, burst: 10 } } },
});
const OWN = '"burst";q=25;w=1, "rate";q=500;w=60';
const WRITES = `${OWN}, "write-burst";q=3;w=1, "write-rate";q=6;w=60`;
const READ = '{ viewer { scopes } }';
const WRITE = 'mutation { refreshFreshness(asset: "none") { name } }';

let latchkey: FrozenService;
beforeAll(async () => {
  latchkey = await startFrozen({ tiers, env: { ADMIN_API_KEY: OPERATOR_KEY } });
});
afterAll(() => latchkey.close());

const fieldsOf = ({ headers }: { headers: Headers }) => [headers.get('ratelimit-policy'), headers.get('ratelimit')];

async function newKey(scopes: string[] = ['read:all', 'write:all']): Promise<string> {
  latchkey.pass(60_000);
  const { token, id } = await createKey(latchkey, { scopes }, OPERATOR_KEY);
  made.push(id);
  return token;
}
const made: string[] = [];
afterEach(async () => {
  latchkey.pass(60_000);
  for (const id of made.splice(0)) {
    const revoke = `mutation { revokeApiKey(input: { id: "${id}" }) { apiKey { id } } }`;
    expect((await latchkey.query(revoke, { token: OPERATOR_KEY })).status).toBe(200);
  }
});

test('the response lists the policies that the operation counts in, and the most limiting one', async () => {
  const token = await newKey();
  expect(fieldsOf(await latchkey.query(READ, { token }))).toEqual([OWN, '"rate";r=499;t=60']);
  expect(fieldsOf(await latchkey.query(WRITE, { token }))).toEqual([WRITES, '"write-rate";r=5;t=60']);
  // Again, for a known document.
  expect(fieldsOf(await latchkey.query(WRITE, { token }))).toEqual([WRITES, '"write-rate";r=4;t=60']);
  expect(fieldsOf(await latchkey.query(WRITE, { token }))).toEqual([WRITES, '"write-burst";r=0;t=1']);
  expect(fieldsOf(await latchkey.query(READ, { token }))).toEqual([OWN, '"rate";r=495;t=60']);
});

test('a write above its limit is refused and costs nothing; reads continue', async () => {
  const token = await newKey();
  for (let i = 0; i < 6; i += 1) {
    expect((await latchkey.query(WRITE, { token })).status).toBe(200);
    latchkey.pass(1_000);
  }
  for (let i = 0; i < 5; i += 1) {
    const { status, headers, body } = await latchkey.query(WRITE, { token });
    expect([status, headers.get('retry-after'), headers.get('ratelimit')]).toEqual([
      429,
      '54',
      '"write-rate";r=0;t=54',
    ]);
    const [error] = body.errors;
    expect(error.message).toMatch(/^Rate limit exceeded: 6 write requests per 60 seconds\. Try again in 54 s/);
    const { code, category, limit, window } = error.extensions;
    expect([code, category, limit, window]).toEqual(['RATE_LIMITED', 'write', 6, 60]);
  }
  expect(fieldsOf(await latchkey.query(READ, { token }))).toEqual([OWN, '"rate";r=493;t=54']);
});

test("parallel writes can't exceed the limit", async () => {
  const token = await newKey();
  const answers = await Promise.all(Array.from({ length: 20 }, () => latchkey.query(WRITE, { token })));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
  expect(fieldsOf(await latchkey.query(READ, { token }))[1]).toBe('"rate";r=496;t=60');
});

test("a cost above the category's limit never passes", async () => {
  const token = await newKey();
  const costly = `mutation { ${[1, 2, 3, 4].map((i) => `b${i}: refreshFreshness(asset: "none") { name }`).join(' ')} }`;
  const { status, body, headers } = await latchkey.query(costly, { token });
  expect([status, body.errors[0].extensions]).toEqual([
    400,
    { code: 'COST_EXCEEDS_BURST', cost: 4, burst: 3, category: 'write' },
  ]);
  expect(headers.has('retry-after')).toBe(false);
});

test('viewer, keys and tiers show the categories', async () => {
  const token = await newKey(['admin']);
  await latchkey.query(WRITE, { token });
  const limits = '{ categories { category rate { limit window remaining } burst { limit remaining returnsIn } } }';
  const { body } = await latchkey.query(`{ viewer { limits ${limits} credential { apiKey { limits ${limits} } } } }`, {
    token,
  });
  const categories = [
    {
      category: 'WRITE',
      rate: { limit: 6, window: 'PT1M', remaining: 5 },
      burst: { limit: 3, remaining: 2, returnsIn: 'PT1S' },
    },
    {
      category: 'ADMIN',
      rate: { limit: 60, window: 'PT1M', remaining: 60 },
      burst: { limit: 10, remaining: 10, returnsIn: null },
    },
  ];
  expect(body.data.viewer.limits.categories).toEqual(categories);
  expect(body.data.viewer.credential.apiKey.limits.categories).toEqual(categories);

  const shown = await latchkey.query('{ tiers { tier keys perMinute categories { category perMinute perSecond } } }', {
    token,
  });
  expect(shown.body.data.tiers.slice(1, 3)).toEqual([
    { tier: 'STARTER', keys: 1, perMinute: 30, categories: [] },
    {
      tier: 'GROWTH',
      keys: 3,
      perMinute: 500,
      categories: [
        { category: 'WRITE', perMinute: 6, perSecond: 3 },
        { category: 'ADMIN', perMinute: 60, perSecond: 10 },
      ],
    },
  ]);
});

test('refusals report the state of the tier, and /schema.graphql counts as a read', async () => {
  const token = await newKey();
  const forbidden = await latchkey.query('{ apiKeys { totalCount } }', { token });
  expect([forbidden.status, ...fieldsOf(forbidden)]).toEqual([403, OWN, '"rate";r=499;t=60']);
  const schema = await fetch(`${latchkey.origin}/schema.graphql`, { headers: { 'x-api-key': token } });
  expect([schema.status, ...fieldsOf(schema)]).toEqual([200, OWN, '"rate";r=498;t=60']);
});

test('the places for keys are those of the table', async () => {
  await newKey();
  await newKey();
  await newKey();
  await expect(newKey()).rejects.toThrow('KEY_LIMIT_REACHED');
  const { body } = await latchkey.query('{ workspace { keys { current max } } }', { token: OPERATOR_KEY });
  expect(body.data.workspace.keys).toEqual({ current: 3, max: 3 });
});

test('a start with two different tables fails', async () => {
  const limits = new Limiter({ tiers });
  const { store } = latchkey.service;
  await expect(createLatchkey({ store, limits, tiers: tierTable() })).rejects.toThrow(
    /^createLatchkey: tiers is not the table of limits/,
  );
  limits.close();
});
