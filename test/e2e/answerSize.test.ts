import { ApolloServer } from '@apollo/server';
import { jest } from '@jest/globals';
import type { Answer } from '../support/service.js';
import { createKey, startService, type TestService } from '../support/service.js';
import { act } from './operations.js';

const KEYS = 40;

/** The longest time for which hours are returned. */
const FROM = new Date(Date.now() - 60 * 24 * 3_600_000).toISOString();

let latchkey: TestService;
beforeAll(async () => {
  latchkey = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE' } });
  const trustedDocuments = Array.from({ length: 1_000 }, (_, i) => i.toString(16).padStart(64, '0'));
  for (let i = 0; i < KEYS; i += 1) {
    const { id } = await createKey(latchkey, { name: `key ${i}`, trustedDocuments });
    if (i < 10) await act(latchkey, 'rotateApiKey', { id });
  }
  const columns = Array.from({ length: 1_000 }, (_, i) => ({ name: `c${i}`, type: 'text' }));
  for (let i = 0; i < 19; i += 1) {
    const { body } = await latchkey.query(
      'mutation ($input: RegisterAssetInput!) { registerAsset(input: $input) { name } }',
      { variables: { input: { name: `asset.${i}`, columns } } },
    );
    expect(body.errors).toBeUndefined();
  }
});
afterAll(() => latchkey.close());
afterEach(() => jest.restoreAllMocks());

const aliases = (count: number, field: string) => Array.from({ length: count }, (_, i) => `a${i}: ${field}`).join(' ');

function expectTooLarge({ status, body, headers, text }: Answer, unit: 'fields' | 'bytes'): void {
  expect(status).toBe(400);
  expect(body).toEqual({
    errors: [
      {
        message: expect.stringContaining('Request fewer entries, fields or aliases, or split the operation.'),
        extensions: { code: 'ANSWER_TOO_LARGE', limit: unit === 'fields' ? 50_000 : 8_388_608, unit },
      },
    ],
  });
  expect(text.length).toBeLessThan(500);
  expect(headers.get('ratelimit')).not.toBeNull();
}

const OPERATIONS: [string, string][] = [
  ['periods of usage', `{ viewer { credential { usage(from: "${FROM}") { ${aliases(150, 'requests')} } } } }`],
  ['columns', `{ assets(first: 19) { schema { columns { ${aliases(60, 'name')} } } } }`],
  [
    'aliases of columns',
    `{ assets(first: 19) { ${aliases(60, 'schema { ...C }')} } } fragment C on AssetSchema { columns { name } }`,
  ],
  ['trusted documents', `{ apiKeys(first: ${KEYS}) { nodes { ${aliases(190, 'trustedDocuments')} } } }`],
  [
    'a circle of keys',
    `{ apiKeys(first: 100) { nodes { ${aliases(80, 'replaces { ...R }')} } } } fragment R on ApiKey { replacedBy { replaces { replacedBy { id name prefix type scopes status createdAt createdBy expiresAt revokedAt lastUsedAt } } } }`,
  ],
];

describe('R2: an operation whose response multiplies', () => {
  it.each(OPERATIONS)('is refused: %s', async (_, source) => {
    expectTooLarge(await latchkey.query(source), 'fields');
  });

  it.each(OPERATIONS)('is refused in the same way if the document is known: %s', async (_, source) => {
    await latchkey.query(source);
    const asked = jest.spyOn(ApolloServer.prototype, 'executeHTTPGraphQLRequest');
    expectTooLarge(await latchkey.query(source), 'fields');
    expect(asked).toHaveBeenCalledTimes(source.length > 4_000 ? 1 : 0);
  });

  it('succeeds within the limit', async () => {
    const { status, body } = await latchkey.query(
      `{ apiKeys(first: ${KEYS}) { nodes { ${aliases(100, 'name')} trustedDocuments } } }`,
    );
    expect(status).toBe(200);
    expect(body.errors).toBeUndefined();
    expect(body.data.apiKeys.nodes).toHaveLength(KEYS);
  });

  it('is refused because of its bytes', async () => {
    const named = (length: number, count: number) =>
      `{ apiKeys(first: 100) { nodes { ${Array.from({ length: count }, (_, i) => `${'k'.repeat(length)}${i}: id`).join(' ')} } } }`;
    expectTooLarge(await latchkey.query(named(1_250, 190)), 'bytes');
    const bytes = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE', MAX_ANSWER_BYTES: '10000' } });
    try {
      const answer = await bytes.query(named(100, 100));
      expect(answer.status).toBe(400);
      expect(answer.body).toEqual({
        errors: [
          {
            message:
              'The response would exceed the limit of 10000 bytes. Request fewer entries, fields or aliases, or split the operation.',
            extensions: { code: 'ANSWER_TOO_LARGE', limit: 10_000, unit: 'bytes' },
          },
        ],
      });
      expect((await bytes.query('{ apiKeys { nodes { id } } }')).status).toBe(200);
    } finally {
      await bytes.close();
    }
  });

  it('is refused if it reads the schema many times', async () => {
    const all = 'fragment A on __Type { name description fields { name description args { name description } } }';
    expectTooLarge(await latchkey.query(`{ __schema { ${aliases(60, 'types { ...A }')} } } ${all}`), 'fields');
    expect((await latchkey.query(`{ __schema { types { ...A } } } ${all}`)).status).toBe(200);
  });

  it('says for a mutation that changes may have been made, and makes no more', async () => {
    const { body } = await latchkey.query(
      `mutation {
        first: createProject(input: { name: "before" }) { project { id } }
        second: registerAsset(input: { name: "asset.0" }) { schema { columns { ${aliases(60, 'name')} } } }
        third: createProject(input: { name: "after" }) { project { id } }
      }`,
    );
    expect(body.errors[0].extensions.code).toBe('ANSWER_TOO_LARGE');
    expect(body.errors[0].message).toContain('Some of its changes may have been made');
    const { body: listed } = await latchkey.query('{ projects { nodes { name } } }');
    expect(listed.data.projects.nodes.map(({ name }: { name: string }) => name)).not.toContain('after');
  });
});

describe('R2: reads of the key resolvers are batched', () => {
  it('reads each kind once for a page of keys, under any number of aliases', async () => {
    const { keys, workspaces, projects, users } = latchkey.service.store;
    const spies = [
      jest.spyOn(keys, 'findMany'),
      jest.spyOn(workspaces, 'find'),
      jest.spyOn(projects, 'find'),
      jest.spyOn(users, 'find'),
      jest.spyOn(keys, 'find'),
    ];
    const peek = jest.spyOn(latchkey.service.latchkey.limiter, 'peek');
    const { body } = await latchkey.query(
      `{ apiKeys(first: 100) { nodes {
        ${aliases(30, 'previousTokenLastUsedAt')}
        b1: limits { rate { remaining } burst { remaining } } b2: limits { rate { remaining } }
        replaces { id } replacedBy { id } user { id } project { id }
      } } }`,
    );
    expect(body.errors).toBeUndefined();
    expect(body.data.apiKeys.nodes.length).toBeGreaterThan(KEYS);
    const [findMany, ...others] = spies.map((spy) => spy.mock.calls.length);
    // One for the keys before and after. The list reads the workspace; its tier is known.
    expect(findMany).toBe(1);
    expect(others).toEqual([1, 0, 0, 0]);
    // In memory: once for each field that shows a window, and for the header fields.
    expect(peek.mock.calls.length).toBeLessThanOrEqual(3 * body.data.apiKeys.nodes.length + 3);
  });
});
