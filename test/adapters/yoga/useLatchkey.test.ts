import { makeExecutableSchema } from '@graphql-tools/schema';
import { GraphQLError, type execute, type ValidationContext, type ValidationRule } from 'graphql';
import { tierTable, type LatchkeyContext } from '../../../src/index.js';
import { useLatchkey } from '../../../src/yoga.js';
import { remaining } from '../ownServer.js';
import { SHOP, shopCases, shopResolvers } from '../shop.js';
import { createYoga, startYoga, type OwnYoga } from './startYoga.js';

const typeDefs = SHOP;
const ran: string[] = [];
const resolvers = shopResolvers(ran);

let own: OwnYoga;
let reader: string;
beforeAll(async () => {
  own = await startYoga({ typeDefs, resolvers });
  reader = await own.keyWith('read:orders');
});
beforeEach(() => {
  ran.length = 0;
});
afterAll(() => own.close());

describe('authorization', () => {
  shopCases({ server: () => own, ran, preflighted: 'x-graphql-yoga-csrf' });

  it('refuses an unknown key with 401, even for @public fields', async () => {
    const { status, body, headers } = await own.query('{ open }', { token: `${reader}x` });
    expect(status).toBe(401);
    expect(body.errors[0].extensions.code).toBe('UNAUTHENTICATED');
    expect(headers.get('www-authenticate')).toMatch(/error="invalid_token"/);
    expect(ran).toEqual([]);
  });

  it('refuses a mutation if the key lacks its scope, and runs one if the key has it', async () => {
    expect((await own.query('mutation { order }', { token: reader })).status).toBe(403);
    expect(ran).toEqual([]);
    const writer = await own.keyWith('write:orders');
    expect((await own.query('mutation { order }', { token: writer })).body).toEqual({ data: { order: 3 } });
  });

  it('checks the operation that operationName selects', async () => {
    const query = 'query A { orders } query B { secret }';
    expect((await own.query(query, { token: reader, operationName: 'A' })).status).toBe(200);
    expect((await own.query(query, { token: reader, operationName: 'B' })).status).toBe(403);
    expect(ran).toEqual(['orders']);
  });

  it('gives resolvers the principal, which the context of the user cannot replace', async () => {
    const server = await startYoga({
      typeDefs: 'extend type Query { me: String @public }',
      resolvers: { Query: { me: (_: unknown, __: object, { principal }: LatchkeyContext) => principal.kind } },
      yoga: { context: () => ({ principal: { kind: 'forged' } }) },
    });
    try {
      expect((await server.query('{ me }')).body).toEqual({ data: { me: 'key' } });
      expect((await server.query('{ me }', { token: null })).body).toEqual({ data: { me: 'anonymous' } });
    } finally {
      await server.close();
    }
  });
});

describe('transport', () => {
  const bearer = () => ({ authorization: `Bearer ${reader}` });

  it('runs a query by GET, and refuses a mutation by GET', async () => {
    const query = await own.send({ headers: bearer() }, `?query=${encodeURIComponent('{ orders }')}`);
    expect(query.body).toEqual({ data: { orders: [1, 2] } });
    ran.length = 0;
    const mutation = await own.send(
      { headers: { authorization: `Bearer ${await own.keyWith('write:orders')}` } },
      `?query=${encodeURIComponent('mutation { order }')}`,
    );
    expect(mutation.status).toBe(405);
    expect(ran).toEqual([]);
  });

  it.each(['application/x-www-form-urlencoded', 'application/graphql', 'text/plain'])(
    'B35: refuses a body as %s, even with a key',
    async (type) => {
      const body = type === 'application/graphql' ? '{ open }' : 'query={open}';
      const sent = (more: object) => own.send({ method: 'POST', headers: { 'content-type': type, ...more }, body });
      expect([400, 415]).toContain((await sent({})).status);
      expect((await sent(bearer())).status).toBe(415);
      expect(ran).toEqual([]);
    },
  );

  it('B38: refuses a batch with 400, even if Yoga allows batches, and counts it once', async () => {
    const tiers = tierTable({ GROWTH: { rate: 100, burst: 100 } });
    const server = await startYoga({ typeDefs, resolvers, yoga: { batching: true }, latchkey: { tiers } });
    try {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${server.token}` };
      const batch = await server.send({ method: 'POST', headers, body: '[{"query":"{open}"},{"query":"{open}"}]' });
      expect(batch.status).toBe(400);
      expect(batch.body.errors[0].message).toMatch(/^Batches of operations are not supported/);
      expect(ran).toEqual([]);
      expect(remaining(batch.headers)).toBe(99);
    } finally {
      await server.close();
    }
  });

  it('refuses two different credentials in one request', async () => {
    const { status } = await own.send({
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${reader}`, 'x-api-key': own.token },
      body: '{"query":"{open}"}',
    });
    expect(status).toBe(400);
    expect(ran).toEqual([]);
  });
});

describe('limits', () => {
  it('counts each request of a key exactly, including failed ones, and returns 429 at the limit', async () => {
    const tiers = tierTable({ GROWTH: { rate: 9, burst: 9 } });
    const server = await startYoga({ typeDefs, resolvers, latchkey: { tiers } });
    try {
      const json = { 'content-type': 'application/json', authorization: `Bearer ${server.token}` };
      const post = (body: string) => ({ method: 'POST', headers: json, body });
      const left: [number, number][] = [];
      for (const sent of [
        post('{"query":"{open}"}'),
        post('{"query":"{ orders secret }"}'),
        post('{"query":"{"}'),
        post('{"query":"{nothing}"}'),
        post('{"query":"query ($a: Int!) { orders(first: $a) }"}'),
        post('not JSON'),
        { ...post('<a/>'), headers: { ...json, 'content-type': 'text/xml' } },
        post('{"query":"query A {open} query B {open}"}'),
        post('{"query":"{open}","variables":[]}'),
      ]) {
        const { status, headers } = await server.send(sent);
        left.push([status, remaining(headers)]);
      }
      const usedUp = await server.query('{ open }');
      expect(usedUp.status).toBe(429);
      expect(Number(usedUp.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(ran).toEqual(['open', 'orders', 'secret']);
      expect(left).toEqual([
        [200, 8],
        [200, 7],
        [400, 6],
        [400, 5],
        [400, 4],
        [400, 3],
        [415, 2],
        [400, 1],
        [400, 0],
      ]);
    } finally {
      await server.close();
    }
  });

  it('counts anonymous requests by network', async () => {
    const tiers = tierTable({ ANONYMOUS: { rate: 2, burst: 2 } });
    const server = await startYoga({ typeDefs, resolvers, latchkey: { tiers } });
    try {
      const statuses = [];
      for (let i = 0; i < 3; i += 1) statuses.push((await server.query('{ open }', { token: null })).status);
      expect(statuses).toEqual([200, 200, 429]);
      expect(ran).toEqual(['open', 'open']);
    } finally {
      await server.close();
    }
  });
});

describe('documents', () => {
  it.each([
    ['more than 700 tokens', `{ ${'open '.repeat(800)} }`, /tokens/i],
    ['more than 2,000 lines', `{ open${'\n'.repeat(2_100)}}`, /lines/],
    ['more than 200 aliases', `{ ${Array.from({ length: 201 }, (_, i) => `a${i}:open`).join(' ')} }`, /alias/i],
    [
      'unknown fields, of which it reports 20',
      `{ ${Array.from({ length: 90 }, (_, i) => `x${i}`).join(' ')} }`,
      /Cannot query/,
    ],
  ])('refuses a document with %s', async (_, query, message) => {
    const { status, body } = await own.query(query);
    expect(status).toBe(400);
    expect(body.errors[0].message).toMatch(message);
    expect(body.errors.length).toBeLessThanOrEqual(20);
    expect(body.data).toBeUndefined();
    expect(ran).toEqual([]);
  });

  it('reports one error for invalid variables, without repeating them', async () => {
    const query = 'query ($a: Int, $b: Int) { orders(first: $a) b: orders(first: $b) }';
    const { status, body } = await own.query(query, { variables: { a: { x: 'y'.repeat(50_000) }, b: 'z' } });
    expect(status).toBe(400);
    expect(body.errors[0].extensions.code).toBe('BAD_USER_INPUT');
    expect(JSON.stringify(body).length).toBeLessThan(3_000);
    expect(ran).toEqual([]);
  });

  it('applies the validation rules of other plugins also to a cached document', async () => {
    let forbids = false;
    const rule = (context: ValidationContext) => ({
      Field: () => context.reportError(new GraphQLError('No fields today.')),
    });
    const plugin = {
      onValidate: (given: { addValidationRule: (added: ValidationRule) => void }) =>
        forbids && given.addValidationRule(rule),
    };
    const server = await startYoga({ typeDefs, resolvers, after: [plugin] });
    try {
      expect((await server.query('{ open }')).status).toBe(200);
      forbids = true;
      expect((await server.query('{ open }')).status).toBe(400);
    } finally {
      await server.close();
    }
  });
});

describe('errors', () => {
  it.each([
    ['Yoga masks errors', {}],
    ['Yoga does not mask errors', { maskedErrors: false }],
    ['Yoga shows the original errors', { maskedErrors: { isDev: true } }],
  ])('hides the error of a resolver and logs it once if %s', async (_, yoga) => {
    const server = await startYoga({ typeDefs, resolvers, yoga });
    try {
      const { status, body } = await server.query('{ open fails }');
      expect(status).toBe(200);
      expect(body.data).toEqual({ open: 1, fails: null });
      expect(body.errors[0]).toEqual({
        message: expect.stringMatching(/^Something went wrong/),
        path: ['fails'],
        locations: undefined,
        extensions: { code: 'INTERNAL_SERVER_ERROR' },
      });
      expect(JSON.stringify(body)).not.toMatch(/hunter2|ECONN|stack/);
      expect(server.told).toEqual([expect.objectContaining({ message: expect.stringMatching(/hunter2/) })]);
      expect(server.logged).toEqual([]);
    } finally {
      await server.close();
    }
  });

  it('removes keys from the errors of a user’s maskError', async () => {
    const maskError = () => new GraphQLError(`Sorry, ${own.token}`, { extensions: { code: 'OURS' } });
    const server = await startYoga({ typeDefs, resolvers, yoga: { maskedErrors: { maskError } } });
    try {
      const { body } = await server.query('{ fails }');
      expect(body.errors[0]).toMatchObject({ message: 'Sorry, [key]', extensions: { code: 'OURS' } });
    } finally {
      await server.close();
    }
  });

  it('hides an error of the context function', async () => {
    const context = () => {
      throw new Error('hunter2');
    };
    const server = await startYoga({ typeDefs, resolvers, yoga: { context, maskedErrors: false } });
    try {
      const { status, body } = await server.query('{ open }');
      expect(status).toBe(500);
      expect(JSON.stringify(body)).not.toMatch(/hunter2/);
      expect(ran).toEqual([]);
    } finally {
      await server.close();
    }
  });
});

describe('introspection', () => {
  const names = '{ __schema { queryType { fields { name } } } open }';

  it('is refused without a key by default, and errors don’t name any part of the schema', async () => {
    const { status, body } = await own.query(names, { token: null });
    expect(status).toBe(401);
    expect(body.data).toBeUndefined();
    const wrong = await own.query('{ order }', { token: null });
    expect(wrong.status).toBe(400);
    expect(JSON.stringify(wrong.body)).not.toMatch(/orders|Did you mean/);
  });

  it('shows each key what it may use, with introspection: scoped', async () => {
    const server = await startYoga({ typeDefs, resolvers, latchkey: { introspection: 'scoped' } });
    try {
      const token = await server.keyWith('read:orders');
      for (const query of [names, '{ __schema { queryType { fields { name } } } }']) {
        const mine = (await server.query(query, { token })).body.data.__schema.queryType.fields.map(
          ({ name }: { name: string }) => name,
        );
        expect(mine).toContain('orders');
        expect(mine).not.toContain('secret');
      }
    } finally {
      await server.close();
    }
  });
});

describe('onDenied: filter', () => {
  const filtered = { data: { orders: [1, 2], secret: null }, errors: [expect.objectContaining({ path: ['secret'] })] };

  it('runs the executor of a plugin before it', async () => {
    let executed = 0;
    const executor = {
      onExecute: (given: { executeFn: typeof execute; setExecuteFn: (own: typeof execute) => void }) =>
        given.setExecuteFn((args) => {
          executed += 1;
          return given.executeFn(args);
        }),
    };
    const server = await startYoga({ typeDefs, resolvers, before: [executor], latchkey: { onDenied: 'filter' } });
    try {
      const token = await server.keyWith('read:orders');
      executed = 0;
      const { status, body } = await server.query('{ orders secret }', { token });
      expect({ status, body }).toEqual({ status: 200, body: filtered });
      expect([executed, ran]).toEqual([1, ['orders']]);
    } finally {
      await server.close();
    }
  });

  it('B32: never sends a cached response of another caller', async () => {
    const cached = { data: { orders: [1, 2], secret: 's' } };
    let hasCache = false;
    const cache = {
      onExecute: (given: { setResultAndStopExecution: (result: object) => void }) => {
        if (hasCache) given.setResultAndStopExecution(cached);
      },
    };
    const server = await startYoga({ typeDefs, resolvers, after: [cache], latchkey: { onDenied: 'filter' } });
    try {
      const token = await server.keyWith('read:orders');
      expect((await server.query('{ orders secret }', { token })).body).toEqual(filtered);
      hasCache = true;
      expect((await server.query('{ orders secret }')).body).toEqual(cached);
      const { status, body } = await server.query('{ orders secret }', { token });
      expect([status, body.data]).toEqual([403, undefined]);
    } finally {
      await server.close();
    }
  });
});

describe('start', () => {
  const unguarded = () => makeExecutableSchema({ typeDefs: 'type Query { a: Int }' });
  const start = (options: object) => () =>
    createYoga({ logging: false, parserAndValidationCache: false, plugins: [useLatchkey(own.latchkey)], ...options });

  it('throws for a schema that is not guarded', () => {
    expect(start({ schema: unguarded() })).toThrow(/guard/);
    expect(start({ schema: own.schema })).not.toThrow();
  });

  it.each([
    ['no schema', () => ({}), /schema is missing/],
    ['a function for the schema', () => ({ schema: () => own.schema }), /schema is missing/],
    [
      'Yoga’s own document cache',
      () => ({ schema: own.schema, parserAndValidationCache: true }),
      /parserAndValidationCache: false/,
    ],
  ])('throws a TypeError for %s', (_, options, message) => {
    expect(start(options())).toThrow(TypeError);
    expect(start(options())).toThrow(message);
  });

  it.each([
    ['no Latchkey', () => useLatchkey(undefined as never), /useLatchkey: latchkey/],
    ['an unknown option', () => useLatchkey(own.latchkey, { csrf: true } as never), /no option "csrf"/],
    ['a wrong bound', () => useLatchkey(own.latchkey, { maxBodyBytes: 0 }), /maxBodyBytes/],
    ['a wrong address', () => useLatchkey(own.latchkey, { address: '::1' } as never), /address/],
    [
      'wrong header fields',
      () => useLatchkey(own.latchkey, { csrfPrevention: { requestHeaders: 'x' } } as never),
      /requestHeaders/,
    ],
  ])('throws a TypeError for %s', (_, act, message) => {
    expect(act).toThrow(TypeError);
    expect(act).toThrow(message);
  });

  it('sends no data of a plugin that answers in place of the execution', async () => {
    const cache = {
      onExecute: (given: { setResultAndStopExecution: (result: object) => void }) =>
        given.setResultAndStopExecution({ data: { secret: 's' } }),
    };
    const server = await startYoga({ typeDefs, resolvers, before: [cache] });
    try {
      const { status, body } = await server.query('{ secret }', { token: null });
      expect(status).toBe(500);
      expect(body.data).toBeUndefined();
      expect(server.told).toEqual([
        expect.objectContaining({ message: expect.stringMatching(/Put useLatchkey before it/) }),
      ]);
    } finally {
      await server.close();
    }
  });
});
