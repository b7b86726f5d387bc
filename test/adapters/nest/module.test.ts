import { Inject } from '@nestjs/common';
import { Query, Resolver } from '@nestjs/graphql';
import type { Latchkey } from '../../../src/index.js';
import { LATCHKEY, Public } from '../../../src/nest.js';
import { nestApollo } from '../../../src/nestApollo.js';
import { decorate, DRIVERS, startApplication } from './application.js';

class Opening {
  readonly latchkey: Latchkey;

  constructor(latchkey: Latchkey) {
    this.latchkey = latchkey;
  }

  hasFirstKey(): boolean {
    return this.latchkey.firstKey !== null;
  }
}
decorate(
  Opening,
  'hasFirstKey',
  Public(),
  Query(() => Boolean),
);
decorate(Opening, null, Resolver());
Inject(LATCHKEY)(Opening, undefined, 0);

it.each(DRIVERS)('provides Latchkey to classes, and closes it and then the store (%s driver)', async (driver) => {
  const own = await startApplication({ driver, providers: [Opening] });
  try {
    expect((await own.query('{ hasFirstKey }', null)).body).toEqual({ data: { hasFirstKey: true } });
    expect(own.closed).toEqual([]);
  } finally {
    await own.close();
  }
  expect(own.closed).toEqual(['latchkey', 'store']);
});

it.each(DRIVERS)('without management, the schema has only your fields (%s driver)', async (driver) => {
  const own = await startApplication({ driver, providers: [Opening], graphql: { management: false } });
  try {
    expect((await own.query('{ __schema { queryType { fields { name } } } }')).body.data.__schema.queryType).toEqual({
      fields: [{ name: 'hasFirstKey' }],
    });
  } finally {
    await own.close();
  }
});

describe.each(DRIVERS)('schema-first with the %s driver', (driver) => {
  class Orders {
    orders(): string[] {
      return ['A-1'];
    }
    opening(): string {
      return '9 to 5';
    }
  }
  decorate(Orders, 'orders', Query('orders'));
  decorate(Orders, 'opening', Query('opening'));
  decorate(Orders, null, Resolver());

  const start = (typeDefs: string) =>
    startApplication({ driver, providers: [Orders], graphql: { autoSchemaFile: undefined, typeDefs } });

  it('the directives of the type definitions are the rules', async () => {
    const own = await start('type Query { orders: [String!]! @auth(scope: "read:orders") opening: String! @public }');
    try {
      expect((await own.query('{ opening }', null)).body).toEqual({ data: { opening: '9 to 5' } });
      expect((await own.query('{ orders }', null)).status).toBe(401);
      expect((await own.query('{ orders }', await own.createKey(['read:users']))).status).toBe(403);
      expect((await own.query('{ orders }', await own.createKey(['read:orders']))).body).toEqual({
        data: { orders: ['A-1'] },
      });
    } finally {
      await own.close();
    }
  });

  it('a root field without a directive prevents the start', async () => {
    await expect(start('type Query { orders: [String!]! opening: String! @public }')).rejects.toThrow('Query.orders');
  });

  it('a type with the name of an operation on keys prevents the start', async () => {
    await expect(
      start('type ApiKey { id: ID } type Query { orders: [ApiKey] @public opening: String! @public }'),
    ).rejects.toThrow('other types of the same names as the operations on keys: ApiKey.');
  });
});

it.each<[object, string]>([
  [{ allowBatchedHttpRequests: true }, 'One request could run any number of operations'],
  [{ includeStacktraceInErrorResponses: true }, 'Stack traces would reach callers'],
  [{ gateway: {} }, 'A gateway replaces the guarded schema'],
])('with the Apollo driver, %j is refused', async (graphql, message) => {
  await expect(startApplication({ driver: 'apollo', providers: [Opening], graphql })).rejects.toThrow(message);
});

it.each(DRIVERS)('with the %s driver, the WebSockets of Nest are refused', async (driver) => {
  const graphql = { subscriptions: { 'graphql-ws': true } };
  await expect(startApplication({ driver, providers: [Opening], graphql })).rejects.toThrow(
    "subscriptions cannot be used with Latchkey, because Nest's WebSockets are not guarded.",
  );
});

it('combines your context with the principal, which you cannot replace', async () => {
  const context = { principal: { kind: 'anonymous' } };
  const latchkey = { context: () => Promise.resolve(context) } as unknown as Latchkey;
  const own = await startApplication({ driver: 'apollo', providers: [Opening] });
  try {
    const options = nestApollo({ ...own.latchkey, ...latchkey }, { context: () => ({ principal: 'forged', mine: 1 }) });
    const { context: contextOf } = options as { context: (source: object) => Promise<object> };
    expect(await contextOf({})).toEqual({ ...context, mine: 1 });
  } finally {
    await own.close();
  }
});
