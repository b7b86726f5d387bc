import { buildClientSchema, buildSchema, getIntrospectionQuery, parse } from 'graphql';
import { answerOf, createKey, startService, type TestService } from '../support/service.js';

const get = async (service: TestService, token: string | null) =>
  answerOf(await fetch(`${service.origin}/schema.graphql`, { headers: token === null ? {} : { 'x-api-key': token } }));

describe('INTROSPECTION=on', () => {
  let latchkey: TestService;
  beforeAll(async () => void (latchkey = await startService({ env: { INTROSPECTION: 'on' } })));
  afterAll(() => latchkey.close());

  it('everybody can read the schema, printed with its directives', async () => {
    const answer = await get(latchkey, null);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
    expect(() => parse(answer.text)).not.toThrow();
    expect(answer.text).toContain('directive @auth(scope: [[Scope!]!]) repeatable on OBJECT | FIELD_DEFINITION');
    expect(answer.text).toContain(
      'rotateApiKey(input: RotateApiKeyInput!): RotateApiKeyPayload @cost(weight: "20") @auth(scope: "admin")',
    );
    expect(answer.text).toContain('name: String! @cost(weight: "20")');
    expect(answer.text).toContain('tiers: [TierLimits!]! @listSize(assumedSize: 10) @public');
  });

  it('the description of each guarded field ends with its requirements, and no description of a public field does', async () => {
    const schema = buildSchema((await get(latchkey, null)).text);
    const { body } = await latchkey.query(getIntrospectionQuery(), { token: null });
    for (const read of [schema, buildClientSchema(body.data)]) {
      const field = (type: 'getQueryType' | 'getMutationType', name: string) =>
        read[type]()?.getFields()[name]?.description;
      expect(field('getQueryType', 'viewer')).toMatch(/\n\nRequires a valid API key\.$/);
      expect(field('getQueryType', 'assets')).toMatch(/\n\nRequires `read:assets`\.$/);
      expect(field('getMutationType', 'createApiKey')).toMatch(/\n\nRequires `admin`\.$/);
      expect(field('getMutationType', 'createWorkspace')).toMatch(/\n\nRequires `platform`\.$/);
      expect(field('getQueryType', 'tiers')).toBe('The limits of each tier.');
    }
  });

  it('an invalid key gets 401 here too', async () => {
    expect((await get(latchkey, 'nonsense')).status).toBe(401);
  });

  it('the error for an unknown field has suggestions', async () => {
    const { body } = await latchkey.query('{ viewr { scopes } }', { token: null });
    expect(body.errors[0].message).toContain('Did you mean "viewer"');
  });
});

describe('INTROSPECTION=authenticated', () => {
  let latchkey: TestService;
  let token: string;
  beforeAll(async () => {
    latchkey = await startService({ env: { INTROSPECTION: 'authenticated' } });
    token = (await createKey(latchkey)).token;
  });
  afterAll(() => latchkey.close());

  it('any key can read it, but not anonymous callers', async () => {
    expect((await get(latchkey, token)).status).toBe(200);
    const answer = await get(latchkey, null);
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="latchkey"']);
    expect(answer.text).not.toContain('createApiKey');
  });

  it('also by introspection', async () => {
    expect((await latchkey.query(getIntrospectionQuery(), { token })).status).toBe(200);
    for (const query of [
      getIntrospectionQuery(),
      '{ __type(name: "Query") { name } }',
      '{ tiers { tier } a: __schema { description } }',
    ]) {
      const answer = await latchkey.query(query, { token: null });
      expect([answer.status, 'data' in answer.body]).toEqual([401, false]);
    }
    expect((await latchkey.query('{ tiers { __typename } __typename }', { token: null })).status).toBe(200);
  });

  it('callers who may not read it get no suggestions', async () => {
    expect((await latchkey.query('{ viewr { scopes } }', { token: null })).text).not.toContain('viewer');
    expect((await latchkey.query('{ viewr { scopes } }', { token })).text).toContain('Did you mean');
  });
});

describe('INTROSPECTION=off', () => {
  let latchkey: TestService;
  beforeAll(async () => void (latchkey = await startService({ env: { INTROSPECTION: 'off' } })));
  afterAll(() => latchkey.close());

  it('nobody can read it in any way, and nothing is suggested', async () => {
    for (const token of [null, latchkey.adminToken]) {
      expect((await get(latchkey, token)).status).toBe(403);
      expect((await latchkey.query(getIntrospectionQuery(), { token })).status).toBe(403);
      expect((await latchkey.query('{ viewr { scopes } }', { token })).text).not.toContain('viewer');
    }
  });

  it('operations still work', async () => {
    expect((await latchkey.query('{ viewer { scopes __typename } }')).status).toBe(200);
  });

  it('variables with a hundred thousand levels do not prevent a response', async () => {
    const deep = `{"query":"query ($a: [Scope!]) { nothing(a: $a) }","variables":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`;
    const answer = await fetch(latchkey.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': latchkey.adminToken },
      body: deep,
    });
    expect(answer.status).toBe(400);
  });
});
