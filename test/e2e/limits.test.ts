import { createKey, OPERATOR_KEY } from '../support/service.js';
import { startFrozen, type FrozenService } from './frozen.js';
import { act, refusalOf, statusWith } from './operations.js';

let latchkey: FrozenService;
beforeAll(async () => void (latchkey = await startFrozen({ env: { ADMIN_API_KEY: OPERATOR_KEY } })));
afterAll(() => latchkey.close());
beforeEach(() => latchkey.pass(60_000));

/** A separate workspace on FREE_TRIAL: two a second, twenty a minute. */
async function trialKey(): Promise<string> {
  return (await act(latchkey, 'createWorkspace', { name: 'T', tier: 'FREE_TRIAL' }, OPERATOR_KEY)).token;
}

const left = async (token: string): Promise<number> => {
  const { headers } = await latchkey.query('{ __typename', { token });
  return Number(/r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]);
};

// A comparable library takes the quota before it checks the limit, so that refused requests use it up.
test('R4: every request of a key costs one, and a request refused by the limits costs nothing', async () => {
  const token = await trialKey();
  await statusWith(latchkey, token);
  await statusWith(latchkey, token);
  expect(await statusWith(latchkey, token)).toBe(429);
  latchkey.pass(1000);
  // `left` sends a document with a syntax error, which also counts.
  expect(await left(token)).toBe(17);
  latchkey.pass(1000);
  let expected = 17;
  for (const query of [
    '{ nothing }',
    '{',
    'mutation { createWorkspace(input: { name: "x", tier: GROWTH }) { token } }',
    '{ a: viewer { scopes } b: viewer { scopes } c: viewer { scopes } }',
  ]) {
    const answer = await latchkey.query(query, { token });
    expect([400, 403]).toContain(answer.status);
    expected -= 1;
    latchkey.pass(1000);
  }
  const asset = 'query ($name: String!) { asset(name: $name) { name } }';
  for (const variables of [{}, { name: ['a'] }]) {
    const answer = await latchkey.query(asset, { token, variables });
    expect([answer.status, answer.body.errors[0].extensions.code]).toEqual([400, 'BAD_USER_INPUT']);
    expected -= 1;
    latchkey.pass(1000);
  }
  await fetch(latchkey.url, { method: 'PUT', headers: { 'x-api-key': token } });
  expect(await left(token)).toBe(expected - 1);
  expect([await statusWith(latchkey, token), await statusWith(latchkey, token)]).toEqual([200, 429]);
});

// A comparable library restarts the window at each accepted call, so that steady traffic under the limit is refused.
test('steady traffic at exactly the limit is never refused', async () => {
  const token = await trialKey();
  for (let i = 0; i < 60; i++) {
    expect(await statusWith(latchkey, token)).toBe(200);
    latchkey.pass(3000);
  }
});

test('a thousand rapid requests are admitted only as fast as the limit allows', async () => {
  const token = await trialKey();
  let admitted = 0;
  for (let i = 0; i < 240; i++) {
    if ((await statusWith(latchkey, token)) === 200) admitted += 1;
    latchkey.pass(250);
  }
  // A minute of attempts: twenty pass, however they are spread.
  expect(admitted).toBe(20);
});

test("parallel requests can't exceed the limit", async () => {
  const { token } = await createKey(latchkey, {}, OPERATOR_KEY);
  const statuses = await Promise.all(Array.from({ length: 80 }, () => statusWith(latchkey, token)));
  expect(statuses.filter((status) => status === 200)).toHaveLength(25);
  expect(statuses.filter((status) => status === 429)).toHaveLength(55);
});

describe('cost', () => {
  const viewers = (count: number): string =>
    Array.from({ length: count }, (_, i) => `v${i}: viewer { scopes }`).join(' ');
  it.each([
    ['one field', '{ viewer { scopes } }', 1],
    ['aliases of one field', `{ ${viewers(5)} }`, 5],
    [
      'different fields: the largest of them',
      `{ ${viewers(3)} tiers { tier } w: workspace { id } x: workspace { id } }`,
      3,
    ],
    [
      'through fragments',
      `{ ...F a: viewer { scopes } } fragment F on Query { ... { b: viewer { scopes } } ...G } fragment G on Query { c: viewer { scopes } }`,
      3,
    ],
    [
      'a mutation: its root fields',
      'mutation { a: revokeApiKey(input: { id: "x" }) { apiKey { id } } b: expireApiKey(input: { id: "x", at: "2030-01-01T00:00:00Z" }) { apiKey { id } } }',
      2,
    ],
    [
      'what is skipped costs nothing',
      `{ viewer { scopes } ${viewers(5).replaceAll('viewer', 'viewer @skip(if: true)')} }`,
      1,
    ],
  ])('%s', async (_, query, cost) => {
    const { token } = await createKey(latchkey, { scopes: ['admin'] }, OPERATOR_KEY);
    const answer = await latchkey.query(query, { token });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('ratelimit')).toBe(`"rate";r=${500 - cost};t=60`);
    // Nine places are free in the workspace in addition to this test's.
    const { body } = await latchkey.query('{ viewer { credential { id } } }', { token });
    await act(latchkey, 'revokeApiKey', { id: body.data.viewer.credential.id }, OPERATOR_KEY);
  });

  // Followed one by one they would keep the process busy for days.
  it('is computed for a fan-out of 2^45 fragments', async () => {
    const fragments = Array.from({ length: 45 }, (_, i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`);
    const query = `{ ...F0 } ${fragments.join(' ')} fragment F45 on Query { tiers { tier } }`;
    await latchkey.query('{ tiers { tier } }', { token: OPERATOR_KEY });
    const answer = await latchkey.query(query, { token: OPERATOR_KEY });
    expect([answer.status, refusalOf(answer).code]).toEqual([400, 'COST_EXCEEDS_BURST']);
  });
});

test('keys of one workspace count separately, and an anonymous caller by network', async () => {
  const [a, b] = [await createKey(latchkey, {}, OPERATOR_KEY), await createKey(latchkey, {}, OPERATOR_KEY)];
  latchkey.pass(60_000);
  for (let i = 0; i < 5; i++) await statusWith(latchkey, a.token);
  expect([await left(a.token), await left(b.token)]).toEqual([494, 499]);
  const anonymous = await latchkey.query('{ tiers { tier } }', { token: null });
  expect(anonymous.headers.get('ratelimit-policy')).toContain('"rate";q=1000000;w=60');
});

test('/schema.graphql costs a key one request', async () => {
  const { token } = await createKey(latchkey, {}, OPERATOR_KEY);
  latchkey.pass(60_000);
  for (const remaining of [499, 498]) {
    const answer = await fetch(`${latchkey.origin}/schema.graphql`, { headers: { 'x-api-key': token } });
    expect([answer.status, answer.headers.get('ratelimit')]).toEqual([200, `"rate";r=${remaining};t=60`]);
  }
});
