import { costsOf } from '../../../src/core/guard/cost/schemaCosts.js';
import { readRules } from '../../../src/core/guard/readRules.js';
import { policedSchema } from '../../../src/server/gateway/gatewaySchema.js';
import { parsePolicy } from '../../../src/server/gateway/gatewayPolicy.js';
import { SettingsError } from '../../../src/shared/settings/error.js';
import {
  ask,
  startGateway,
  UNLIMITED,
  yogaUpstream,
  type TestGateway,
  type TestUpstream,
} from '../../support/gateway.js';

const SDL = /* GraphQL */ `
  directive @cost(weight: String!) on FIELD_DEFINITION | OBJECT
  directive @listSize(
    assumedSize: Int
    slicingArguments: [String!]
    sizedFields: [String!]
    requireOneSlicingArgument: Boolean
  ) on FIELD_DEFINITION
  interface Node {
    id: ID!
    tags: [Tag!]
  }
  scalar Money
  type Tag {
    name: String
  }
  type Query {
    orders(first: Int, last: Int): [Order!]!
    search(first: Int): Page
    report: Report @cost(weight: "7")
    ids(of: [ID!]): [Order!] @listSize(assumedSize: 3)
    health: String
  }
  type Page {
    edges: [Order!]
    nodes: [Order!]
  }
  type Report {
    total: Money
  }
  type Order implements Node {
    id: ID!
    tags: [Tag!]
    items: [Item!]
    total: Money
  }
  type Item {
    name: String
  }
`;

const schemaOf = (policy: string, sdl = SDL) => {
  const rest = policy.startsWith('Query.*') ? '' : 'Query.*: read:all\n';
  return policedSchema({ sdl, label: 'The schema' }, parsePolicy(rest + policy, 'policy.yaml')).schema;
};

function costs(policy: string, sdl?: string) {
  const { fields, types, faults } = costsOf(schemaOf(policy, sdl));
  expect(faults).toEqual([]);
  const field = (coordinate: string) => {
    const [type = '', name = ''] = coordinate.split('.');
    const found = fields.get(type)?.get(name);
    if (found === undefined) throw new Error(`There is no ${coordinate}.`);
    const { weight, size } = found;
    return {
      weight: weight / 1_000,
      ...(size !== null && {
        size: {
          slicing: size.slicing.map(({ steps }) => steps.map(({ name: step }) => step).join('.')),
          ...(size.assumed !== null && { assumed: size.assumed }),
          ...(size.fields !== null && { fields: [...size.fields] }),
          requireOne: size.requireOne,
        },
      }),
    };
  };
  return { field, type: (name: string) => (types.get(name) ?? 0) / 1_000 };
}

function faultOf(policy: string, sdl?: string): string {
  try {
    schemaOf(policy, sdl);
  } catch (error) {
    expect(error).toBeInstanceOf(SettingsError);
    return (error as Error).message;
  }
  throw new Error('It was accepted.');
}

test('a line can have a weight and the size of a list, in each form', () => {
  const { field, type } = costs(`
Query.orders: { allow: read:orders, cost: 2.5, list_size: [first, last] }
Query.search:
  cost: 5
  list_size: { slicing_arguments: [first], sized_fields: [edges, nodes], assumed_size: 20, require_one_slicing_argument: false }
Order.items: { list_size: 20 }
Query.ids: { list_size: of }
Report: { cost: 10 }
Money: { cost: 0.5 }
`);
  expect(field('Query.orders')).toEqual({ weight: 2.5, size: { slicing: ['first', 'last'], requireOne: true } });
  expect(field('Query.search')).toEqual({
    weight: 5,
    size: { slicing: ['first'], assumed: 20, fields: ['edges', 'nodes'], requireOne: false },
  });
  expect(field('Order.items')).toEqual({ weight: 1, size: { slicing: [], assumed: 20, requireOne: false } });
  // In place of the directive of the upstream, which stays for the parts that the policy doesn't name.
  expect(field('Query.ids')).toEqual({ weight: 1, size: { slicing: ['of'], requireOne: true } });
  expect(field('Query.report')).toEqual({ weight: 7 });
  expect([type('Report'), type('Money'), type('Order')]).toEqual([10, 0.5, 1]);
});

test('access, weight and size have each their own most specific line', () => {
  const policy =
    'Order.*: { cost: 3 }\nOrder.items: { list_size: 4 }\nOrder.total: [read:totals]\nQuery.orders: { cost: 1 }';
  const { field } = costs(policy);
  expect(field('Order.items')).toEqual({ weight: 3, size: { slicing: [], assumed: 4, requireOne: false } });
  expect(field('Order.total')).toEqual({ weight: 3 });
  const rules = readRules(schemaOf(policy)).fields;
  expect(rules.get('Order')?.get('total')?.requirement.anyOf[0]?.[0]?.text).toBe('read:totals');
  expect(rules.get('Query')?.get('orders')?.requirement.anyOf[0]?.[0]?.text).toBe('read:all');
  expect(rules.get('Order')?.has('items')).toBe(false);
});

test('a root field with costs only is undecided', () => {
  const policy = parsePolicy(
    'Query.o*: { cost: 1 }\nQuery.health: public\nQuery.i*: deny\nQuery.r*: deny\nQuery.s*: deny',
    'policy.yaml',
  );
  expect(() => policedSchema({ sdl: SDL, label: 'The schema' }, policy)).toThrow('has no line for Query.orders.');
});

test('the size of a pattern applies to fields that return lists and have its arguments', () => {
  const { field } = costs('Query.*: { allow: read:all, list_size: first }\nNode.tags: { list_size: 7 }');
  expect(field('Query.orders')).toEqual({ weight: 1, size: { slicing: ['first'], requireOne: true } });
  expect(field('Query.search')).toEqual({ weight: 1 });
  expect(field('Query.ids')).toEqual({ weight: 1, size: { slicing: [], assumed: 3, requireOne: false } });
  // As with the directive, the size on an interface applies to its object types.
  expect(field('Order.tags')).toEqual({ weight: 1, size: { slicing: [], assumed: 7, requireOne: false } });
});

test('another directive of the upstream with the same name changes nothing', () => {
  const sdl = 'directive @cost(complexity: Int) on FIELD_DEFINITION type Query { a: Int @cost(complexity: 5) b: Int }';
  const { field } = costs('Query.b: { cost: 2 }', sdl);
  expect([field('Query.a'), field('Query.b')]).toEqual([{ weight: 0 }, { weight: 2 }]);
});

test.each([
  [
    'an unknown key',
    'Order.id: { weight: 2 }',
    'policy.yaml: Order.id has the unknown key "weight". Allowed: allow, cost, list_size.',
  ],
  [
    'fields nested under their type',
    'Query: { orders: read:orders }',
    'policy.yaml: Query has the unknown key "orders". Allowed: allow, cost, list_size. Write one line for each field, such as "Query.orders: read:orders".',
  ],
  ['an empty map', 'Order.id: {}', 'is an empty map'],
  ['a weight that is no number', 'Order.id: { cost: high }', 'Order.id: cost is not a number'],
  [
    'a size of another kind',
    'Order.items: { list_size: true }',
    'Order.items: list_size is not allowed. Allowed: a number of entries',
  ],
  ['an unknown key of a size', 'Order.items: { list_size: { size: 3 } }', 'list_size has the unknown key size'],
  ['a value of another kind', 'Order.id: { allow: 1 }', 'Order.id: allow is not allowed'],
  ['a size for a type', 'Order: { cost: 1, list_size: 3 }', 'Order is a type, and list_size is for fields'],
  ['a weight for a field of an interface', 'Node.id: { cost: 3 }', 'Write the line for its types: Order.id'],
  ['a weight for an interface', 'Node: { cost: 3 }', 'Node is not an object type of the upstream'],
  [
    'patterns that contradict each other',
    '"*.items": { cost: 1 }\n"Ord*.it*": { cost: 2 }',
    'contradict each other for Order.items',
  ],
])('refuses %s', (_, policy, expected) => {
  expect(faultOf(policy)).toContain(expected);
});

test.each([
  ['a weight with four decimals', 'Order.id: { cost: 0.0001 }', 'Order.id: @cost(weight:) is 0.0001'],
  ['a negative weight of a type', 'Money: { cost: -1 }', 'of a type is negative'],
  [
    'an argument that the field does not have',
    'Query.orders: { list_size: limit }',
    'has limit, which is not an argument',
  ],
  ['a size for a field without a list', 'Query.report: { list_size: 3 }', 'is on a field that returns no list'],
])('reports %s like the directive', (_, policy, expected) => {
  expect(costsOf(schemaOf(policy)).faults.join('\n')).toContain(expected);
});

describe('a gateway', () => {
  let upstream: TestUpstream;
  let gateway: TestGateway;
  beforeAll(async () => {
    upstream = await yogaUpstream();
    const policy = `
Query.orders: { allow: read:orders, cost: 4, list_size: first }
Query.health: public
Order: { cost: 2 }
default: deny
`;
    const cost = { max: 60, rate: 1_000, burst: 1_000 };
    const tiers = { ...UNLIMITED, GROWTH: { ...UNLIMITED.GROWTH, cost } };
    gateway = await startGateway(upstream.url, { policy, tiers });
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  test('takes and reports the costs of its policy, for an upstream without cost directives', async () => {
    const authorization = `Bearer ${await gateway.key('read:orders')}`;
    const sent = (query: string) => ask(gateway.url, { query }, { authorization, 'latchkey-cost': 'report' });
    // The query, a call for 4, and 20 orders for 2 each; three of them are returned.
    expect((await sent('{ orders(first: 20) { id } }')).body.extensions).toEqual({
      cost: { estimate: 45, actual: 11 },
    });
    expect((await sent('{ orders(first: 28) { id } }')).body.errors[0].extensions).toEqual({
      ...{ code: 'COST_EXCEEDED', cost: 61, limit: 60 },
    });
    expect((await sent('{ orders { id } }')).body.errors[0].extensions).toMatchObject({ code: 'LIST_SIZE_REQUIRED' });
  });
});
