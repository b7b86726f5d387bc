import { createKey, OPERATOR_KEY, type Answer } from '../support/service.js';
import { at, DAY, HOUR, NOON as FROZEN, startFrozen, type FrozenService } from './frozen.js';
import { act, refusalOf } from './operations.js';

// Uses the real date, because MongoDB expires usage by its own clock.
const TODAY = Math.floor(Date.now() / DAY) * DAY;
const NOON = TODAY + 12 * HOUR;

let latchkey: FrozenService;
let admin: string;
beforeAll(async () => {
  latchkey = await startFrozen({ env: { ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'ENTERPRISE' } });
  latchkey.pass(NOON - FROZEN);
  admin = (await createKey(latchkey, { scopes: ['admin'] }, OPERATOR_KEY)).token;
});
afterAll(() => latchkey.close());

const SUGGEST = `query ($keyId: ID!, $days: Int) {
  suggestScopes(keyId: $keyId, days: $days) {
    from to younger nothingUsed firstUse unneeded scopes { scope fields { coordinate count lastUse } }
  }
}`;

const ask = async (keyId: string, variables: object = {}, token = admin): Promise<Answer> => {
  await latchkey.service.latchkey.usage.flush();
  return latchkey.query(SUGGEST, { token, variables: { keyId, ...variables } });
};

// oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into answers freely.
async function suggest(...question: Parameters<typeof ask>): Promise<any> {
  const answer = await ask(...question);
  expect([answer.status, answer.body.errors]).toEqual([200, undefined]);
  return answer.body.data.suggestScopes;
}

const key = (scopes: string[]) => createKey(latchkey, { scopes }, admin);
const run = async (token: string, query: string, variables: object = {}) =>
  (await latchkey.query(query, { token, variables })).status;

const ASSETS = '{ assets { name alerts { kind } } }';

test('returns the narrowest scopes with their uses, and the unneeded ones', async () => {
  const { token, id } = await key(['read:all', 'write:all']);
  // The first goes through Apollo Server, the others are known.
  for (let i = 0; i < 3; i++) expect(await run(token, ASSETS)).toBe(200);
  expect(await run(token, '{ one: asset(name: "a") { name } two: asset(name: "b") { name } viewer { scopes } }')).toBe(
    200,
  );
  expect(await suggest(id)).toEqual({
    from: at(TODAY - 29 * DAY),
    to: at(NOON),
    younger: true,
    nothingUsed: false,
    firstUse: at(TODAY),
    unneeded: ['read:all', 'write:all'],
    scopes: [
      {
        scope: 'read:assets',
        fields: expect.arrayContaining([
          { coordinate: 'Query.assets', count: 3, lastUse: at(TODAY) },
          { coordinate: 'Query.asset', count: 1, lastUse: at(TODAY) },
        ]),
      },
    ],
  });
});

test("the result is sufficient: the key still works with these scopes, and can't do anything else", async () => {
  const { token, id } = await key(['admin']);
  const asked = [ASSETS, 'mutation { registerAsset(input: { name: "mine" }) { name } }', '{ viewer { user { id } } }'];
  for (const query of asked.slice(0, 2)) expect(await run(token, query)).toBe(200);
  const { scopes, unneeded } = await suggest(id);
  const names = scopes.map(({ scope }: { scope: string }) => scope);
  expect([names, unneeded]).toEqual([['read:assets', 'write:assets'], ['admin']]);
  await act(latchkey, 'updateApiKey', { id, scopes: names }, admin);
  expect(await Promise.all(asked.map((query) => run(token, query)))).toEqual([200, 200, 403]);
});

test('ignores fields that were refused, or excluded by a condition', async () => {
  const { token, id } = await key(['read:assets']);
  expect(await run(token, 'mutation { registerAsset(input: { name: "no" }) { name } }')).toBe(403);
  const document = 'query ($more: Boolean!) { viewer { scopes } assets @include(if: $more) { name } }';
  for (let i = 0; i < 3; i++) expect(await run(token, document, { more: false })).toBe(200);
  expect(await suggest(id)).toMatchObject({ nothingUsed: false, scopes: [], unneeded: ['read:assets'] });
  expect(await run(token, document, { more: true })).toBe(200);
  expect(await suggest(id)).toMatchObject({
    scopes: [{ scope: 'read:assets', fields: [{ coordinate: 'Query.assets', count: 1 }] }],
    unneeded: [],
  });
});

test('reports that a key used nothing', async () => {
  const { token, id } = await key(['read:assets', 'write:assets']);
  expect(await run(token, '{ tiers { tier } }')).toBe(200);
  expect(await suggest(id)).toMatchObject({
    nothingUsed: true,
    firstUse: null,
    scopes: [],
    unneeded: ['read:assets', 'write:assets'],
  });
});

test('uses the requested number of days, and reports the days with data', async () => {
  const { token, id } = await key(['read:assets']);
  expect(await run(token, ASSETS)).toBe(200);
  await latchkey.service.latchkey.usage.flush();
  latchkey.pass(3 * DAY);
  try {
    expect(await suggest(id, { days: 3 })).toMatchObject({ nothingUsed: true, younger: false, from: at(TODAY + DAY) });
    expect(await run(token, ASSETS)).toBe(200);
    const four = await suggest(id, { days: 4 });
    expect(four).toMatchObject({ younger: true, firstUse: at(TODAY), from: at(TODAY), to: at(NOON + 3 * DAY) });
    expect(four.scopes[0].fields).toContainEqual({
      coordinate: 'Query.assets',
      count: 2,
      lastUse: at(TODAY + 3 * DAY),
    });
    expect(await suggest(id, { days: 90 })).toMatchObject({ firstUse: at(TODAY) });
  } finally {
    latchkey.pass(-3 * DAY);
  }
});

test.each([0, -1, 91])('%i days are bad input', async (days) => {
  const { id } = await key(['read:assets']);
  const answer = await ask(id, { days });
  expect(refusalOf(answer)).toMatchObject({ code: 'BAD_USER_INPUT', path: ['days'] });
  expect(answer.body.errors[0].message).toContain('1 to 90 days');
});

test('requires admin, and keys that the caller can access', async () => {
  const { token, id } = await key(['read:all', 'write:all']);
  expect(refusalOf(await ask(id, {}, token))).toMatchObject({ code: 'FORBIDDEN', missing: ['admin'] });
  const other = await act(latchkey, 'createWorkspace', { name: 'Other', tier: 'GROWTH' }, OPERATOR_KEY);
  expect(await suggest(id, {}, other.token)).toBeNull();
  for (const unknown of ['key_0000000000000000', 'operator', '', 'a\0b']) expect(await suggest(unknown)).toBeNull();
  expect(await suggest(id, {}, OPERATOR_KEY)).toMatchObject({ nothingUsed: true });
});
