import { jest } from '@jest/globals';
import fc from 'fast-check';
import { createKey, OPERATOR_KEY, type Answer, demoOf } from '../support/service.js';
import { HOUR, at, startFrozen, type FrozenService } from './frozen.js';
import { act, refusalOf } from './operations.js';

let latchkey: FrozenService;
let admin: string;
beforeAll(async () => {
  latchkey = await startFrozen({
    env: { INTROSPECTION: 'scoped', ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'GROWTH' },
  });
  admin = (await createKey(latchkey, { scopes: ['admin'] }, OPERATOR_KEY)).token;
});
afterAll(() => latchkey.close());
// Windows start empty, so that each test counts only its own requests.
beforeEach(() => latchkey.pass(60_000));

const EXPLAIN = `query ($keyId: ID!, $document: String!, $operationName: String, $variables: JSON) {
  explainAccess(keyId: $keyId, document: $document, operationName: $operationName, variables: $variables) {
    allowed reasons errors { message line column } missingScopes cost limited retryAfter
    fields { coordinate path allowed requires missing }
    room { tier rate { limit remaining } burst { limit remaining } }
  }
}`;

const ask = (keyId: string, document: string, more: object = {}, token = admin): Promise<Answer> =>
  latchkey.query(EXPLAIN, { token, variables: { keyId, document, ...more } });

// oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into answers freely.
async function explain(...question: Parameters<typeof ask>): Promise<any> {
  const answer = await ask(...question);
  expect([answer.status, answer.body.errors]).toEqual([200, undefined]);
  return answer.body.data.explainAccess;
}

const makeKey = (scopes: string[]) => createKey(latchkey, { scopes }, admin);

describe('an explanation', () => {
  it('shows fields, scopes, cost and remaining limits, and missing scopes', async () => {
    const { id } = await makeKey(['write:assets']);
    const document = '{ tiers { tier } mine: asset(name: "a") { downstream { name } } asset(name: "b") { name } }';
    const answer = await explain(id, document);
    const field = (coordinate: string, ...path: string[]) => ({
      coordinate,
      path,
      allowed: false,
      requires: [['read:assets']],
      missing: ['read:assets'],
    });
    expect(answer).toEqual({
      allowed: false,
      reasons: ['MISSING_SCOPES'],
      errors: [],
      missingScopes: ['read:assets'],
      cost: 2,
      limited: false,
      retryAfter: null,
      fields: [
        field('Query.asset', 'mine'),
        field('Asset.downstream', 'mine', 'downstream'),
        field('Query.asset', 'asset'),
      ],
      room: { tier: 'GROWTH', rate: { limit: 500, remaining: 500 }, burst: { limit: 25, remaining: 25 } },
    });
    await act(latchkey, 'updateApiKey', { id, scopes: ['read:assets'] }, admin);
    expect(await explain(id, document)).toMatchObject({ allowed: true, reasons: [], missingScopes: [] });
  });

  it('requires admin, and keys that the caller can access', async () => {
    const { token, id } = await makeKey(['read:all', 'write:all']);
    expect(refusalOf(await ask(id, '{ tiers { tier } }', {}, token))).toMatchObject({
      code: 'FORBIDDEN',
      missing: ['admin'],
    });
    const other = await act(latchkey, 'createWorkspace', { name: 'Other', tier: 'GROWTH' }, OPERATOR_KEY);
    for (const unknown of ['key_0000000000000000', 'operator', '', 'a\0b'])
      expect(await explain(unknown, '{ tiers { tier } }')).toBeNull();
    expect(await explain(id, '{ tiers { tier } }', {}, other.token)).toBeNull();
    expect(await explain(id, '{ tiers { tier } }', {}, OPERATOR_KEY)).toMatchObject({ allowed: true });
  });

  it('runs nothing, and costs the key nothing', async () => {
    const { id, token } = await makeKey(['write:assets']);
    const list = jest.spyOn(demoOf(latchkey).store.assets, 'register');
    const mutation = 'mutation { registerAsset(input: { name: "explained" }) { name } }';
    for (let i = 0; i < 5; i += 1)
      expect(await explain(id, mutation)).toMatchObject({ allowed: true, room: { rate: { remaining: 500 } } });
    expect(list).not.toHaveBeenCalled();
    await latchkey.service.latchkey.usage.flush();
    const { data } = (
      await latchkey.query(`{ apiKey(id: "${id}") { lastUsedAt usage { requests limited forbidden } } }`, {
        token: admin,
      })
    ).body;
    expect(data.apiKey.lastUsedAt).toBeNull();
    expect(data.apiKey.usage.at(-1)).toEqual({ requests: 0, limited: 0, forbidden: 0 });
    expect((await latchkey.query(mutation, { token })).status).toBe(200);
    expect(list).toHaveBeenCalledTimes(1);
  });

  it('reports that a key has ended', async () => {
    const revoked = await makeKey(['read:assets']);
    await act(latchkey, 'revokeApiKey', { id: revoked.id }, admin);
    expect(await explain(revoked.id, '{ assets { name } }')).toMatchObject({
      allowed: false,
      reasons: ['KEY_REVOKED'],
    });
    const expired = await createKey(latchkey, { expiresAt: at(latchkey.clock.now + HOUR) }, admin);
    expect(await explain(expired.id, '{ assets { name } }')).toMatchObject({ allowed: true });
    latchkey.pass(HOUR);
    expect(await explain(expired.id, '{ assets { name } apiKeys { totalCount } }')).toMatchObject({
      allowed: false,
      reasons: ['KEY_EXPIRED', 'MISSING_SCOPES'],
    });
  });

  it('shows when the limits would allow it again, and what they never allow', async () => {
    const { id, token } = await makeKey(['read:assets']);
    for (let i = 0; i < 25; i += 1) expect((await latchkey.query('{ tiers { tier } }', { token })).status).toBe(200);
    expect(await explain(id, '{ tiers { tier } }')).toMatchObject({
      allowed: false,
      reasons: ['RATE_LIMITED'],
      limited: true,
      retryAfter: 'PT1S',
      room: { burst: { remaining: 0 }, rate: { remaining: 475 } },
    });
    expect((await latchkey.query('{ tiers { tier } }', { token })).status).toBe(429);
    latchkey.pass(1_000);
    expect(await explain(id, '{ tiers { tier } }')).toMatchObject({ allowed: true, limited: false, retryAfter: null });
    const many = `{ ${Array.from({ length: 26 }, (_, i) => `t${i}: tiers { tier }`).join(' ')} }`;
    expect(await explain(id, many)).toMatchObject({
      allowed: false,
      reasons: ['COST_EXCEEDS_BURST'],
      cost: 26,
      retryAfter: null,
    });
  });

  it("applies the server's bounds to documents, and reports errors with positions", async () => {
    const { id } = await makeKey(['read:assets']);
    expect(await explain(id, '{\n  asets { name } }')).toMatchObject({
      allowed: false,
      reasons: ['INVALID_DOCUMENT'],
      cost: null,
      fields: [],
      errors: [{ line: 2, column: 3 }],
    });
    expect((await explain(id, `{ ${'tiers { tier } '.repeat(200)} }`)).errors[0].message).toContain('700 tokens');
    const fan = Array.from(
      { length: 30 },
      (_, i) => `fragment F${i} on Asset { a: downstream { ...F${i + 1} } b: downstream { ...F${i + 1} } }`,
    );
    expect(await explain(id, `{ assets { ...F0 } } ${fan.join(' ')} fragment F30 on Asset { name }`)).toMatchObject({
      allowed: false,
      reasons: ['INVALID_DOCUMENT'],
    });
  });

  it('accepts variables as JSON, also inline', async () => {
    const { id } = await makeKey(['read:assets']);
    const document = 'query A($n: String!) { asset(name: $n) { name } } query B { tiers { tier } }';
    expect(await explain(id, document, { operationName: 'A', variables: { n: 'a' } })).toMatchObject({ allowed: true });
    expect(await explain(id, document, { operationName: 'A', variables: { n: 1 } })).toMatchObject({
      allowed: false,
      reasons: ['INVALID_DOCUMENT'],
    });
    expect(await explain(id, document, { operationName: 'B' })).toMatchObject({ allowed: true });
    expect(await explain(id, document)).toMatchObject({ allowed: false, reasons: ['INVALID_DOCUMENT'] });
    const inPlace = `{ explainAccess(keyId: "${id}", document: "query ($n: String!) { asset(name: $n) { name } }", variables: { n: "a" }) { allowed } }`;
    expect((await latchkey.query(inPlace, { token: admin })).body.data).toEqual({ explainAccess: { allowed: true } });
  });
});

describe("matches the server's response", () => {
  const PARTS = [
    'tiers { tier }',
    'viewer { scopes }',
    'assets { name alerts { kind } }',
    'a: asset(name: "none") { downstream { name } }',
    'w: workspace { name }',
    'k: workspace { keys { current } }',
    'apiKeys(first: 1) { totalCount }',
    '__schema { queryType { name } }',
    't: __type(name: "ApiKeyFilter") { name }',
    'b: assets @skip(if: $v) { name }',
    'c: apiKeys @include(if: $v) { totalCount }',
    '... @include(if: $v) { d: workspace { keys { max } } }',
    'n: asset(name: $n) { name }',
    'nothing',
    'tiers',
    '...F',
  ];
  const SCOPES = ['read:assets', 'write:assets', 'read:all', 'admin'];
  const STATES = ['ACTIVE', 'ACTIVE', 'ACTIVE', 'REVOKED', 'USED_UP'] as const;

  it('for any document and any key', async () => {
    const keys = new Map<string, { id: string; token: string }>();
    const keyFor = async (scopes: string[], state: string) => {
      const name = [...scopes, state].join();
      const known = keys.get(name);
      if (known !== undefined) return known;
      const made = await createKey(latchkey, { scopes, workspaceId }, OPERATOR_KEY);
      if (state === 'REVOKED') await act(latchkey, 'revokeApiKey', { id: made.id }, OPERATOR_KEY);
      keys.set(name, made);
      return made;
    };
    const workspaceId = (
      await act(latchkey, 'createWorkspace', { name: 'Many keys', tier: 'ENTERPRISE' }, OPERATOR_KEY)
    ).workspace.id;
    const outcomes = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(
        fc.subarray(SCOPES, { minLength: 1 }),
        fc.constantFrom(...STATES),
        fc.array(fc.constantFrom(...PARTS), { minLength: 1, maxLength: 4 }),
        fc.record(
          { v: fc.constantFrom<unknown>(true, false, 1), n: fc.constantFrom<unknown>('x', 1) },
          { requiredKeys: [] },
        ),
        fc.constantFrom(1, 1, 1, 101),
        async (scopes, state, parts, variables, times) => {
          latchkey.pass(60_000);
          const { id, token } = await keyFor(scopes, state);
          const repeated =
            times === 1 ? '' : Array.from({ length: times }, (_, i) => `x${i}: tiers { tier }`).join(' ');
          const selections = `${[...new Set(parts)].join(' ')} ${repeated}`;
          const declared = [
            selections.includes('$v') ? '$v: Boolean!' : '',
            selections.includes('$n') ? '$n: String!' : '',
          ]
            .join(' ')
            .trim();
          const fragment = selections.includes('...F') ? 'fragment F on Query { f: apiKeys { totalCount } }' : '';
          const document = `query ${declared === '' ? '' : `(${declared})`} { ${selections} } ${fragment}`;
          if (state === 'USED_UP') {
            for (let i = 0; i < 100; i += 20)
              await Promise.all(Array.from({ length: 20 }, () => latchkey.query('{ tiers { tier } }', { token })));
          }
          const { allowed, reasons } = await explain(id, document, { variables }, OPERATOR_KEY);
          const answer = await latchkey.query(document, { token, variables });
          expect([document, variables, reasons, answer.status === 200]).toEqual([
            document,
            variables,
            reasons,
            allowed,
          ]);
          for (const reason of allowed ? ['ALLOWED'] : reasons) outcomes.set(reason, (outcomes.get(reason) ?? 0) + 1);
        },
      ),
      { numRuns: 120, endOnFailure: true },
    );
    for (const reason of [
      'ALLOWED',
      'KEY_REVOKED',
      'INVALID_DOCUMENT',
      'MISSING_SCOPES',
      'COST_EXCEEDS_BURST',
      'RATE_LIMITED',
    ]) {
      expect([reason, outcomes.get(reason) ?? 0]).not.toEqual([reason, 0]);
    }
  });
});
