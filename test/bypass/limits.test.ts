import { makeExecutableSchema } from '@graphql-tools/schema';
import { getIntrospectionQuery, Kind, parse, visit } from 'graphql';
import { guardSchema } from '../../src/core/guard/guard.js';
import { OperationCompiler } from '../../src/core/guard/compiledOperation.js';
import { readRules } from '../../src/core/guard/readRules.js';
import { servedTypeDefs } from '../../src/server/servedTypeDefs.js';
import { createKey, OPERATOR_KEY, startService, type Answer, type TestService } from '../support/service.js';
import { noting, ownSchema, serving, type Ran } from './own.js';

let service: TestService;
beforeAll(async () => {
  service = await startService({
    env: { DEFAULT_TIER: 'ENTERPRISE', INTROSPECTION: 'on' },
  });
});
afterAll(() => service.close());

/** Returns the number of requests that the key has left in 60 seconds, from the response. */
const remaining = ({ headers }: Answer): number => Number(/"rate";r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]);

const times = (count: number, unit: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => unit(i)).join(' ');

/** Asserts a refusal with 400 before anything ran, and an error with the limit and the allowed number. */
function expectBound(answer: Answer, text: string): void {
  expect(answer.status).toBe(400);
  expect(answer.body.data).toBeUndefined();
  expect(answer.body.errors.map((error: { message: string }) => error.message).join('\n')).toContain(text);
}

describe('limits', () => {
  describe('B37 one request, many aliases', () => {
    const ran: Ran = [];
    const schema = () =>
      guardSchema(
        ownSchema(
          'type Query { a: Int @auth b: Int @auth query: Query! @auth } type Mutation { act: Int @auth also: Int @auth }',
          {
            Query: noting(ran, 'Query', { a: 1, b: 2, query: {} }),
            Mutation: noting(ran, 'Mutation', { act: 1, also: 2 }),
          },
        ),
      );
    beforeEach(() => void ran.splice(0));
    const frozen = { tier: 'GROWTH', clock: () => 1_000 } as const;

    it.each([
      ['aliases', `{ ${times(10, (i) => `x${i}: a`)} }`, 10],
      ['repeats under one key', '{ a a a }', 3],
      ['two fields', '{ x: a y: a z: b }', 2],
      ['a fragment spread twice', '{ ...F ...F } fragment F on Query { x: a y: a }', 4],
      ['inline fragments', '{ ... { x: a } ... on Query { y: a } }', 2],
      ['left out by @skip', '{ x: a y: a @skip(if: true) }', 1],
      ['the query type reached anew', `{ query { query { ${times(7, (i) => `x${i}: a`)} } } }`, 7],
      ['a mutation: each field acts', 'mutation { act also x: act }', 3],
    ])('B37 counted: %s', async (_, query, cost) => {
      await serving(
        schema(),
        async (server) => {
          const answer = await server.query(query, ['read:a']);
          expect(answer.status).toBe(200);
          expect(remaining(answer)).toBe(500 - cost);
        },
        frozen,
      );
    });

    it('B37 more than the burst at once: 400 with the reason, one request counted and nothing run', async () => {
      await serving(
        schema(),
        async (server) => {
          const answer = await server.query(`{ ${times(26, (i) => `x${i}: a`)} }`, ['read:a']);
          expect(answer.status).toBe(400);
          expect(answer.body.errors[0].extensions).toEqual({ code: 'COST_EXCEEDS_BURST', cost: 26, burst: 25 });
          expect(answer.headers.get('retry-after')).toBeNull();
          expect(ran).toEqual([]);
          const allowed = await server.query(`{ ${times(24, (i) => `x${i}: a`)} }`, ['read:a']);
          expect(allowed.status).toBe(200);
          expect(ran).toHaveLength(24);
          expect((await server.query('{ a }', ['read:a'])).status).toBe(429);
        },
        frozen,
      );
    });

    it('B37 parallel requests do not race the counter', async () => {
      await serving(
        schema(),
        async (server) => {
          const answers = await Promise.all(
            Array.from({ length: 60 }, () => server.query('{ x: a y: a }', ['read:a'])),
          );
          expect(answers.filter(({ status }) => status === 200)).toHaveLength(12);
          const refused = answers.filter(({ status }) => status === 429);
          expect(refused).toHaveLength(48);
          expect(refused[0]?.body.errors[0].extensions).toEqual({
            code: 'RATE_LIMITED',
            retryAfter: 1,
            limit: 25,
            window: 1,
          });
          expect(refused[0]?.headers.get('retry-after')).toBe('1');
          expect(ran).toHaveLength(24);
          // Another family has its own window. The first has one request left.
          expect((await server.query('{ a }', ['read:a'], { family: 'another' })).status).toBe(200);
          expect((await server.query('{ a }', ['read:a'])).status).toBe(200);
          expect((await server.query('{ a }', ['read:a'])).status).toBe(429);
        },
        frozen,
      );
    });
  });

  it('B38 array batching: the whole batch is refused, nothing runs and each counts as one request', async () => {
    const { token } = await createKey(service, { scopes: ['admin'] });
    const before = await service.query('{ apiKeys { totalCount } }', { token });
    const create = { query: 'mutation { createApiKey(input: { name: "batched", scopes: [] }) { token } }' };
    for (const batch of [[create], [create, create], Array.from({ length: 100 }, () => create), []]) {
      const answer = await fetch(service.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify(batch),
      });
      expect(answer.status).toBe(400);
      expect(await answer.text()).not.toContain('"data"');
    }
    const after = await service.query('{ apiKeys { totalCount } }', { token });
    expect(after.body).toEqual(before.body);
    expect(remaining(after)).toBe(remaining(before) - 5);
  });

  describe('B39 everything counts', () => {
    it.each([
      ['__typename aliases', (n: number) => `{ ${times(n, (i) => `t${i}: __typename`)} }`],
      ['__schema aliases', (n: number) => `{ ${times(n, (i) => `s${i}: __schema { __typename }`)} }`],
      [
        'aliases in a fragment named __schema',
        (n: number) => `{ ...__schema } fragment __schema on Query { ${times(n, (i) => `v${i}: viewer { scopes }`)} }`,
      ],
    ])('B39 %s count', async (_, build) => {
      const { token } = await createKey(service);
      const start = remaining(await service.query('{ viewer { scopes } }', { token }));
      const allowed = await service.query(build(7), { token });
      expect(allowed.status).toBe(200);
      expect(remaining(allowed)).toBe(start - 7);
      const refused = await service.query(build(101), { token });
      expect(refused.status).toBe(400);
      expect(refused.body.errors[0].extensions).toEqual({ code: 'COST_EXCEEDS_BURST', cost: 101, burst: 100 });
    });

    it('B39 depth in a fragment named __schema counts', async () => {
      const deep = (levels: number) =>
        `{ ...__schema } fragment __schema on Query { assets ${'{ downstream '.repeat(levels)}{ name }${' }'.repeat(levels)} }`;
      expectBound(await service.query(deep(12)), 'depth limit of 12 exceeded');
      expect((await service.query(deep(10))).status).toBe(200);
    });
  });

  describe('B40 fragment fan-out', () => {
    /** 30 fragments, each spreading the next one twice: 2^30 paths to the last. */
    const fanOut = (on: string, twice: (next: string) => string, last: string, start: string) =>
      `{ ${start} } ${times(30, (i) => `fragment F${i} on ${on} { ${twice(`...F${i + 1}`)} }`)} fragment F30 on ${on} { ${last} }`;
    const atRoot = fanOut('Query', (next) => `${next} ${next}`, 'tiers { tier }', '...F0');
    const nested = fanOut(
      'Asset',
      (next) => `downstream { ${next} } downstream { ${next} }`,
      'name',
      'assets { ...F0 }',
    );
    const aliased = fanOut(
      'Asset',
      (next) => `a: downstream { ${next} } b: downstream { ${next} }`,
      'name',
      'assets { ...F0 }',
    );
    const inField = fanOut('Asset', (next) => `${next} ${next}`, 'name', 'assets { ...F0 }');

    it('B40 at the root: too costly, with a key and without one', async () => {
      const refused = await service.query(atRoot);
      expect(refused.status).toBe(400);
      expect(refused.body.errors[0].extensions).toEqual({ code: 'COST_EXCEEDS_BURST', cost: 2 ** 30, burst: 100 });
      const anonymous = await service.query(atRoot, { token: null });
      expect(anonymous.body.data).toBeUndefined();
      expect(anonymous.body.errors[0].extensions).toMatchObject({ code: 'COST_EXCEEDS_BURST', cost: 2 ** 30 });
    });

    it('B40 under a field, with and without aliases: returns the result', async () => {
      expectBound(await service.query(nested), 'depth limit of 12 exceeded');
      expectBound(await service.query(aliased), `Aliases limit of 200 exceeded, found ${2 ** 31 - 2}`);
      expect((await service.query(inField)).body).toEqual({ data: { assets: [] } });
      expect((await service.query(inField, { token: null })).status).toBe(401);
    });

    const entriesOf = (typeDefs: string | ReturnType<typeof servedTypeDefs>, query: string) => {
      const schema = makeExecutableSchema({ typeDefs });
      const document = parse(query);
      let [sets, entries] = [0, 0];
      visit(document, {
        [Kind.SELECTION_SET](node) {
          sets += 1;
          const { selections } = node;
          Object.defineProperty(node, 'selections', {
            get: () => {
              entries += 1;
              return selections;
            },
          });
        },
      });
      const [operation] = document.definitions;
      if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('The document begins with its operation.');
      entries = 0;
      const compiled = new OperationCompiler(schema, readRules(schema)).compile(document, operation, {});
      return { sets, entries, compiled };
    };

    it.each([
      ['at the root', atRoot],
      ['under a field', nested],
      ['with aliases', aliased],
      ['in a field', inField],
    ])('B40 the walk %s enters each selection set a few times, not 2^30', (_, query) => {
      const { sets, entries, compiled } = entriesOf(servedTypeDefs(true), query);
      // Once to find conditions, once for the rules, once for the cost in requests and once for that by @cost.
      expect(entries).toBeLessThanOrEqual(4 * sets);
      expect(compiled.rules.length).toBeLessThanOrEqual(2);
    });

    it('B40 conditions that narrow an abstract type: visits each selection set once for each type, not for each subset', () => {
      const count = 16;
      const types = times(count, (i) => {
        const others = Array.from({ length: count }, (__, j) => `I${j}`).filter((___, j) => j !== i);
        return `interface I${i} { id: ID } type T${i} implements ${others.join(' & ')} { id: ID }`;
      });
      const query = `{ any { ...F0 } } ${times(count, (i) => `fragment F${i} on Any { ... on I${i} { ...F${i + 1} } ...F${i + 1} }`)} fragment F${count} on Any { __typename }`;
      const { sets, entries } = entriesOf(
        `directive @public on FIELD_DEFINITION ${types} union Any = ${times(count, (i) => `| T${i}`)} type Query { any: Any @public }`,
        query,
      );
      expect(entries).toBeLessThanOrEqual(sets * (count + 2));
    });
  });

  describe('B41 overloading', () => {
    it.each([
      [
        'directives',
        `{ tiers { tier ${times(60, () => '@skip(if: false)')} } }`,
        'Directives limit of 50 exceeded, found 60',
      ],
      ['aliases', `{ tiers { ${times(201, (i) => `a${i}: tier`)} } }`, 'Aliases limit of 200 exceeded, found 201'],
      [
        'depth',
        `{ assets ${'{ downstream '.repeat(12)}{ name }${' }'.repeat(12)} }`,
        'depth limit of 12 exceeded, found 14',
      ],
      ['tokens', `{ tiers { ${'tier '.repeat(700)} } }`, 'more that 700 tokens'],
    ])('B41 %s: 400 with the limit and the allowed number', async (_, query, text) => {
      expectBound(await service.query(query), text);
      expectBound(await service.query(query, { token: null }), text);
    });

    it('B41 duplicated fields are returned once', async () => {
      const answer = await service.query(`{ tiers { ${'tier '.repeat(600)} } }`, { token: null });
      expect(answer.body.data.tiers[0]).toEqual({ tier: 'FREE_TRIAL' });
      const many = await service.query(`{ ${times(100, () => 'tiers { tier }')} }`, { token: null });
      expect(many.status).toBe(200);
      expect(Object.keys(many.body.data)).toEqual(['tiers']);
    });

    it.each([
      ['unknown fields', `{ ${times(600, (i) => `unknown${i}`)} }`],
      ['unknown directives', `{ tiers { tier ${times(300, () => '@a')} } }`],
      ['unused variables', `query (${times(150, (i) => `$v${i}: Int`)}) { tiers { tier } }`],
      ['conflicts', `{ tiers { ${times(150, (i) => `x: ${i % 2 === 0 ? 'tier' : 'keys'}`)} } }`],
    ])('B41 %s: the response stays small', async (_, query) => {
      const answer = await service.query(query, { token: null });
      expect(answer.status).toBe(400);
      expect(answer.body.errors.length).toBeLessThanOrEqual(21);
      expect(answer.body.errors.length).toBeGreaterThan(1);
      expect(answer.text.length).toBeLessThan(20_000);
    });

    it.each([
      ['fields that are none', Object.fromEntries(Array.from({ length: 12_000 }, (_, i) => [`column${i}`, 1]))],
      ['wrong items', { name: 'a', columns: Array.from({ length: 20_000 }, () => 1) }],
      ['one long text', { name: 'a', allowedAge: 'P'.repeat(200_000) }],
      ['text in a deep list', { name: 'a', upstream: Array.from({ length: 4_000 }, () => [['a']]) }],
    ])('B41 variables with %s: reported once, and not repeated completely', async (_, v) => {
      const register = 'mutation ($v: RegisterAssetInput!) { registerAsset(input: $v) { name } }';
      const answer = await service.query(register, { variables: { v } });
      expect(answer.status).toBe(400);
      expect(answer.text.length).toBeLessThan(5_000);
      expect(answer.body.errors.length).toBeLessThanOrEqual(2);
      for (const error of answer.body.errors) expect(error.extensions.code).toBe('BAD_USER_INPUT');
    });

    it('B41 variables with a hundred thousand levels: refused like any others', async () => {
      for (const introspection of ['on', 'off']) {
        const deep = await startService({ env: { INTROSPECTION: introspection, ADMIN_API_KEY: OPERATOR_KEY } });
        try {
          const query = 'query ($v: ApiKeyFilter) { apiKeys(filter: $v) { totalCount } }';
          const body = `{"query":"${query}","variables":{"v":{"scope":${'['.repeat(100_000)}${']'.repeat(100_000)}}}}`;
          const headers = { 'content-type': 'application/json', authorization: `Bearer ${OPERATOR_KEY}` };
          const answer = await fetch(deep.url, { method: 'POST', headers, body });
          expect(answer.status).toBe(400);
          expect(await answer.text()).toContain('BAD_USER_INPUT');
        } finally {
          await deep.close();
        }
      }
    });

    it('B41 accepts common requests: full introspection, 100 aliases of a field, 60 inline columns', async () => {
      const introspection = getIntrospectionQuery({
        descriptions: true,
        specifiedByUrl: true,
        directiveIsRepeatable: true,
        schemaDescription: true,
        inputValueDeprecation: true,
        oneOf: true,
      });
      expect((await service.query(introspection)).body.errors).toBeUndefined();
      const { token } = await createKey(service, { scopes: ['write:assets', 'read:assets'] });
      expect((await service.query(`{ ${times(100, (i) => `a${i}: viewer { scopes }`)} }`, { token })).status).toBe(200);
      const columns = times(60, (i) => `{ name: "column_${i}", type: "text" }`);
      const registered = await createKey(service, { scopes: ['write:assets', 'read:assets'] });
      const { body } = await service.query(
        `mutation { registerAsset(input: { name: "wide", columns: [${columns}] }) { schema { registeredColumns { name } } } }`,
        { token: registered.token },
      );
      expect(body.data.registerAsset.schema.registeredColumns).toHaveLength(60);
    });
  });
});
