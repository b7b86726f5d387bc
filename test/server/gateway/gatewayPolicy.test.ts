import { buildSchema, printSchema } from 'graphql';
import { costsOf } from '../../../src/core/guard/cost/schemaCosts.js';
import { annotatedSchema, policedSchema } from '../../../src/server/gateway/gatewaySchema.js';
import { driftOf } from '../../../src/server/gateway/drift.js';
import { parsePolicy } from '../../../src/server/gateway/gatewayPolicy.js';
import { readRules } from '../../../src/core/guard/readRules.js';
import { SettingsError } from '../../../src/shared/settings/error.js';

const SDL = /* GraphQL */ `
  directive @auth(rule: String) on FIELD_DEFINITION
  directive @live on QUERY
  interface Node {
    id: ID!
    secret: String
  }
  type Query {
    node(id: ID!): Node
    order: Order @auth(rule: "theirs")
    health: String
  }
  type Mutation {
    pay: Order
  }
  type Order implements Node {
    id: ID!
    secret: String
    margin: Float
  }
`;

const OPEN = 'Query.*: public\nMutation.*: write:orders\n';

function policed(policy: string, sdl = SDL) {
  return policedSchema({ sdl, label: 'The schema' }, parsePolicy(policy, 'policy.yaml')).schema;
}

/** Returns the message with which a policy is refused. */
function faultOf(policy: string, sdl?: string): string {
  try {
    policed(policy, sdl);
  } catch (error) {
    expect(error).toBeInstanceOf(SettingsError);
    return (error as Error).message;
  }
  throw new Error('It was accepted.');
}

/** Returns the rules of a policy by coordinate, as scopes. */
function rulesOf(policy: string): Record<string, string> {
  const { fields } = readRules(policed(policy));
  const all = [...fields.values()].flatMap((ofType) => [...ofType.values()]);
  return Object.fromEntries(
    all.map(({ coordinate, requirement }) => [
      coordinate,
      requirement.anyOf.map((allOf) => allOf.map(({ text }) => text).join('+')).join(' '),
    ]),
  );
}

test('each form of a line becomes a rule', () => {
  expect(
    rulesOf(
      'Query.node: authenticated\nQuery.order: [[read:orders, read:shop], [admin]]\nQuery.health: public\nMutation.pay: [write:orders]\nOrder.margin: read:margins',
    ),
  ).toEqual({
    'Query.node': '',
    'Query.order': 'read:orders+read:shop admin',
    'Mutation.pay': 'write:orders',
    'Order.margin': 'read:margins',
  });
});

test('a line for a type guards all fields that lead to it', () => {
  expect(rulesOf(`${OPEN}Order: read:orders\nQuery.order: authenticated`)).toMatchObject({
    'Query.order': 'read:orders',
    'Order.id': 'read:orders',
  });
});

test('the most specific line decides: the exact name, then the longest pattern', () => {
  const rules = rulesOf(
    'Query.*: read:all\n"*.order": read:few\nQuery.o*: read:some\nQuery.health: public\nMutation.*: admin',
  );
  expect(rules).toEqual({ 'Query.node': 'read:all', 'Query.order': 'read:some', 'Mutation.pay': 'admin' });
});

test('refuses equally specific patterns that contradict each other', () => {
  expect(faultOf('Query.*: public\nMutation.*: deny\nQuery.no*: read:a\nQuery.*de: read:b')).toContain(
    'Query.no* and Query.*de contradict each other for Query.node',
  );
});

test('closed fields, and types that only they lead to, are not part of the schema', () => {
  const printed = printSchema(policed('Query.*: deny\nQuery.health: public\nMutation.*: deny'));
  expect(printed).not.toMatch(/Mutation|Order|Node/);
  expect(printed).toContain('health: String');
});

test('accepts patterns for a root type that the schema does not have', () => {
  expect(printSchema(policed(`${OPEN}Subscription.*: deny`))).toContain('type Order');
});

test("drops the upstream's directives, which decide nothing here, and keeps those of operations", () => {
  const printed = printSchema(policed(OPEN));
  expect(printed).not.toContain('@auth');
  expect(printed).toContain('directive @live on QUERY');
});

test("keeps the upstream's cost directives, if they are declared", () => {
  const declared = `directive @cost(weight: String!) on FIELD_DEFINITION
    type Query { a: Int @cost(weight: "7") b: Int @other } directive @other on FIELD_DEFINITION`;
  const { schema } = policedSchema(
    { sdl: declared, label: 'The schema' },
    parsePolicy('Query.*: public', 'policy.yaml'),
  );
  expect(costsOf(schema).fields.get('Query')?.get('a')?.weight).toBe(7_000);
  expect(printSchema(schema)).not.toContain('@other');
});

test.each([
  ['an undecided root field', 'Query.health: public', 'has no line for Query.node, Query.order, Mutation.pay'],
  ['a field that does not exist', `${OPEN}Order.margn: [read:a]`, 'Order.margn is not a field of the upstream'],
  ['a type that does not exist', `${OPEN}Ordr: read:a`, 'Ordr is not an object type of the upstream'],
  ['a pattern that matches nothing', `${OPEN}Ordr.*: read:a`, "Ordr.* matches no field of the upstream's object types"],
  ['a closed pattern that matches nothing', `${OPEN}"*.secrets": deny`, '*.secrets matches no field'],
  ['a pattern that only matches an interface', `${OPEN}Node.*: read:a`, 'Node.* matches no field'],
  ['a rule for a field of an interface', `${OPEN}Node.id: read:a`, 'Write the line for its types: Order.id'],
  ['a closed field that an interface requires', `${OPEN}Order.secret: deny`, 'Close Node.secret, too'],
  ['a policy that opens nothing', 'Query.*: deny\nMutation.*: deny', 'closes every field of the query type'],
  ['a type that is closed', `${OPEN}Order: deny`, 'To close its fields, write "Order.*: deny"'],
  ['a value of another kind', `${OPEN}Order.id: 1`, 'policy.yaml: Order.id is not allowed. Allowed: deny, public'],
  [
    'several scopes in one list',
    `${OPEN}Order.id: [read:a, read:b]`,
    'Write [[read:a, read:b]] for a key with all of them, or [[read:a], [read:b]] for a key with one of them.',
  ],
  ['a null', `${OPEN}Order.id:`, 'policy.yaml: Order.id is not allowed'],
  ['a name with three parts', `${OPEN}a.b.c: deny`, '"a.b.c" is not a name'],
  ['a default that opens', 'default: public', 'default is not allowed. Allowed: deny'],
  ['two lines with one name', 'Query.order: deny\nQuery.order: public', 'policy.yaml'],
  ['a list', '- a', 'is not a map'],
])('refuses %s', (_, policy, expected) => {
  expect(faultOf(policy)).toContain(expected);
});

test('default: deny closes root fields without a line', () => {
  const schema = policed('default: deny\nQuery.health: public');
  expect(printSchema(schema)).not.toMatch(/order|Mutation/);
});

test('an upstream that gains a root field opens nothing', () => {
  const more = SDL.replace('health: String', 'health: String\n    backdoor: String');
  expect(faultOf('Query.health: public\nQuery.node: public\nQuery.order: public\nMutation.pay: deny', more)).toContain(
    'has no line for Query.backdoor',
  );
});

test('an invalid scope is found with the other rules', () => {
  expect(() => readRules(policed(`${OPEN}Order.id: fly:orders`))).toThrow('unknown action');
});

describe('an annotated schema', () => {
  const annotated = (sdl: string) => annotatedSchema({ sdl, label: 'The schema file' }).schema;

  test('has the rules of its directives, with and without their definitions', () => {
    const sdl = 'type Query { a: Int @public b: Int @auth(scope: "read:b") }';
    const { fields } = readRules(annotated(sdl));
    expect([...(fields.get('Query')?.keys() ?? [])]).toEqual(['b']);
    const definitions =
      'directive @auth(scope: [[Scope!]!]) repeatable on OBJECT | FIELD_DEFINITION\ndirective @public on FIELD_DEFINITION\nscalar Scope\n';
    expect(readRules(annotated(definitions + sdl)).scopes).toContain('read:b');
  });

  test.each([
    ['type Query { a: }', 'The schema file is not a GraphQL schema: Syntax Error'],
    ['type Query { a: Missing }', 'The schema file is not a valid schema: Unknown type "Missing".'],
    ['type Query', 'The schema file is not a valid schema'],
  ])('refuses %s', (sdl, expected) => {
    expect(() => annotated(sdl)).toThrow(expected);
  });

  test('an undecided root field is a fault of the guard', () => {
    expect(() => readRules(annotated('type Query { a: Int }'))).toThrow('a root field needs @auth or @public');
  });
});

test('a drift names what was added, removed and changed', () => {
  const before = buildSchema('type Query { a: Int b(x: Int): Int gone: Int } enum E { A B } input I { x: Int }');
  const after = buildSchema(
    'type Query { a: Int b(x: Int!): Int new: New } type New { id: ID } enum E { A } input I { x: Int y: Int }',
  );
  expect(driftOf(before, after, null)).toEqual({
    added: ['I.y', 'New', 'New.id', 'Query.new'],
    removed: ['E.B', 'Query.gone'],
    changed: ['Query.b'],
    undecided: ['Query.new'],
  });
  expect(driftOf(before, before, null)).toEqual({ added: [], removed: [], changed: [], undecided: [] });
});

test('a policy with several faults shows all of them', () => {
  expect(faultOf('Query.order: 7\nQuery: { allow: 8, cost: x }\n"a b": deny\ndefault: allow\n').split('\n')).toEqual([
    'policy.yaml: default is not allowed. Allowed: deny.',
    expect.stringMatching(/^policy\.yaml: Query\.order is not allowed/),
    expect.stringMatching(/^policy\.yaml: Query: allow is not allowed/),
    expect.stringMatching(/^policy\.yaml: Query: cost is not a number/),
    expect.stringMatching(/^policy\.yaml: "a b" is not a name/),
  ]);
  const lines = faultOf(
    'Query.order: public\nQuery.ordr: public\nOrdr.*: deny\nNode: public\nMutation.*: deny\n',
  ).split('\n');
  expect(lines).toEqual([
    expect.stringMatching(/^policy\.yaml: Ordr\.\* matches no field/),
    expect.stringMatching(/^policy\.yaml: Query\.ordr is not a field/),
    expect.stringMatching(/^policy\.yaml: Node is not an object type/),
    expect.stringMatching(/^policy\.yaml has no line for Query\.node, Query\.health/),
  ]);
  const contradictions = faultOf('default: deny\n"Que*.*": public\n"Q*ry.*": read:orders\nQuery.ordr: public\n').split(
    '\n',
  );
  expect(contradictions).toEqual([
    expect.stringContaining('Query.ordr is not a field'),
    ...['node', 'order', 'health'].map((name) =>
      expect.stringContaining(`contradict each other for Query.${name}. Add a line for Query.${name}`),
    ),
  ]);
});

test('the schema of an upstream with several faults shows all of them', () => {
  const faults = faultOf(
    'Query.*: deny\n',
    'type Query { a: A, b: B }\ninterface I { x: Int }\ntype C implements I { y: Int }',
  );
  expect(faults.split('\n')).toEqual([
    expect.stringContaining('Unknown type "A"'),
    expect.stringContaining('Unknown type "B"'),
  ]);
});
