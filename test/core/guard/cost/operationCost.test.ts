import { buildSchema, Kind, parse, print } from 'graphql';
import { conditionsOf } from '../../../../src/core/guard/conditions.js';
import { OperationCost } from '../../../../src/core/guard/cost/operationCost.js';
import { costsOf } from '../../../../src/core/guard/cost/schemaCosts.js';
import { fragmentsOf } from '../../../../src/core/guard/fragments.js';
import { directiveTypeDefs } from '../../../../src/management/schema/typeDefs.js';

const DIRECTIVES = print(directiveTypeDefs());

function costOf(
  schema: string | ReturnType<typeof costsOf>,
  source: string,
  variables: Record<string, unknown> = {},
): OperationCost {
  const costs = typeof schema === 'string' ? costsOf(buildSchema(`${DIRECTIVES}\n${schema}`)) : schema;
  expect(costs.faults).toEqual([]);
  const document = parse(source);
  const operation = document.definitions.find((node) => node.kind === Kind.OPERATION_DEFINITION);
  if (operation === undefined) throw new Error('The source has an operation.');
  const conditions = conditionsOf(document, operation, variables);
  return new OperationCost(costs, { operation, fragments: fragmentsOf(document), conditions });
}

const estimate = (sdl: string, source: string, variables: Record<string, unknown> = {}): number =>
  costOf(sdl, source, variables).estimate(variables);

/** The costs without types, as the examples of the specification count only those of fields. */
const FREE = '@cost(weight: "0")';

describe('the examples of the specification', () => {
  it('2: multiplies by a slicing argument', () => {
    const sdl = `type User ${FREE} { name: String age: Int @cost(weight: "2.0") }
      type Query ${FREE} { users(max: Int): [User] @listSize(slicingArguments: ["max"]) }`;
    expect(estimate(sdl, '{ users(max: 5) { age } }')).toBe(11);
    // Example 3: three users were returned.
    const cost = costOf(sdl, '{ users(max: 5) { age } }');
    expect(cost.measure({ users: [{ age: 33 }, { age: 45 }, { age: 27 }] }, {})).toBe(7);
  });

  it('10 and 12: adds the weights of arguments and input fields that are used', () => {
    const sdl = `input Filter { approx: Int @cost(weight: "-12.0") }
      type Query ${FREE} { topProducts(filter: Filter @cost(weight: "15.0")): [String] @cost(weight: "5.0") @listSize(assumedSize: 10) }`;
    expect(estimate(sdl, '{ topProducts }')).toBe(5);
    expect(estimate(sdl, '{ topProducts(filter: {}) }')).toBe(20);
    expect(estimate(sdl, '{ topProducts(filter: { approx: 1 }) }')).toBe(8);
    expect(estimate(sdl, 'query ($f: Filter) { topProducts(filter: $f) }', { f: { approx: 1 } })).toBe(8);
    // A variable has the cost of its value, and none without one.
    expect(estimate(sdl, 'query ($f: Filter) { topProducts(filter: $f) }')).toBe(5);
    expect(estimate(sdl, 'query ($f: Filter) { topProducts(filter: $f) }', { f: null })).toBe(5);
  });

  it('11: never lets a field with a negative weight pay for another one', () => {
    const sdl = `type Query ${FREE} { cheap(approx: Int @cost(weight: "-9")): Int @cost(weight: "5") dear: Int @cost(weight: "7") }`;
    expect(estimate(sdl, '{ cheap dear }')).toBe(12);
    expect(estimate(sdl, '{ a: cheap(approx: 1) b: cheap(approx: 1) dear }')).toBe(7);
    expect(estimate(sdl, '{ cheap(approx: 1) }')).toBe(1);
  });

  it('13: adds the weights of directives on fields', () => {
    const sdl = `directive @approx(tolerance: Float! @cost(weight: "-1.0")) on FIELD
      type Query ${FREE} { a: Int @cost(weight: "5") }`;
    expect(estimate(sdl, '{ a @approx(tolerance: 1) }')).toBe(4);
  });
});

describe('sizes of lists', () => {
  const sdl = `
    type Query ${FREE} {
      items(first: Int = 20, last: Int): [Item] @listSize(slicingArguments: ["first", "last"])
      pages(first: Int, last: Int): Page @listSize(slicingArguments: ["first", "last"], sizedFields: ["edges", "nodes"])
      byId(ids: [ID!]!): [Item] @listSize(slicingArguments: ["ids"])
      found(by: By): [Item] @listSize(slicingArguments: ["by.page.size"], requireOneSlicingArgument: false, assumedSize: 7)
      some: [Item]
    }
    input By { page: Paging } input Paging { size: Int = 30 }
    type Page ${FREE} { edges: [Edge] nodes: [Item] }
    type Edge ${FREE} { node: Item }
    type Item { id: ID }`;

  it.each([
    ['{ items(first: 5) { id } }', {}, 6],
    ['{ items { id } }', {}, 21],
    ['{ items(last: 90) { id } }', {}, 91],
    ['query ($n: Int) { items(first: $n) { id } }', { n: 3 }, 4],
    ['query ($n: Int) { items(first: $n) { id } }', {}, 21],
    ['query ($n: Int = 2) { items(first: $n) { id } }', {}, 3],
    ['{ pages(first: 5) { edges { node { id } } } }', {}, 2 + 5 * 2],
    ['{ pages(first: 5) { edges { node { id } } nodes { id } } }', {}, 1 + 5 * 2 + 1 + 5 + 1],
    ['{ byId(ids: ["a", "b"]) { id } }', {}, 3],
    ['query ($ids: [ID!]!) { byId(ids: $ids) { id } }', { ids: ['a', 'b', 'c'] }, 4],
    ['{ byId(ids: "a") { id } }', {}, 2],
    ['{ found(by: { page: { size: 4 } }) { id } }', {}, 1 + 1 + 1 + 4],
    ['{ found(by: { page: {} }) { id } }', {}, 1 + 1 + 1 + 30],
    ['{ found { id } }', {}, 8],
    ['query ($by: By) { found(by: $by) { id } }', { by: { page: { size: 4 } } }, 1 + 1 + 1 + 4],
    ['{ some { id } }', {}, 11],
    ['{ items(first: -5) { id } }', {}, 1],
  ])('%s %j', (source, variables, expected) => {
    expect(estimate(sdl, source, variables)).toBe(expected);
  });

  it.each([
    ['{ pages(first: 5) { nodes { id } } }', {}, null],
    ['{ pages { nodes { id } } }', {}, 'Query.pages'],
    ['{ pages(first: 5, last: 5) { nodes { id } } }', {}, 'Query.pages'],
    ['{ pages(first: null) { nodes { id } } }', {}, 'Query.pages'],
    ['query ($n: Int) { pages(first: $n) { nodes { id } } }', {}, 'Query.pages'],
    ['query ($n: Int) { pages(first: $n) { nodes { id } } }', { n: 3 }, null],
    ['query ($n: Int = 3) { pages(first: $n) { nodes { id } } }', {}, null],
    ['{ items { id } }', {}, null],
    ['{ items(first: null) { id } }', {}, 'Query.items'],
    ['{ found { id } }', {}, null],
  ])('requires one slicing argument: %s %j', (source, variables, coordinate) => {
    expect(costOf(sdl, source, variables).unsized(variables)?.coordinate ?? null).toBe(coordinate);
  });
});

describe('the cost of an operation', () => {
  const sdl = `
    type Query ${FREE} { any: Any node: Node many(n: Int): [Query] @listSize(slicingArguments: ["n"]) plain: Int @cost(weight: "1") }
    union Any = A | B
    interface Node { x: Int }
    type A implements Node @cost(weight: "3") { x: Int }
    type B implements Node { x: Int @cost(weight: "9") y: Int @cost(weight: "20") }`;

  it('takes the type that costs most', () => {
    expect(estimate(sdl, '{ any { ... on A { x } } }')).toBe(4);
    expect(estimate(sdl, '{ node { x } }')).toBe(11);
    expect(estimate(sdl, '{ any { ... on A { x } ... on B { x y } } }')).toBe(31);
  });

  it('evaluates conditions', () => {
    const source = 'query ($v: Boolean!) { plain @include(if: $v) a: plain b: plain @skip(if: true) }';
    expect(estimate(sdl, source, { v: true })).toBe(2);
    expect(estimate(sdl, source, { v: false })).toBe(1);
  });

  it('has no cost for introspection', () => {
    expect(estimate(sdl, '{ __typename __schema { types { name fields { name } } } }')).toBe(1);
  });

  it('stops at the largest safe integer', () => {
    const nest = (depth: number): string => (depth === 0 ? 'plain' : `many(n: 2147483647) { ${nest(depth - 1)} }`);
    expect(estimate(sdl, `{ ${nest(12)} }`)).toBe(Math.ceil(Number.MAX_SAFE_INTEGER / 1_000));
    const fan = Array.from({ length: 500 }, (_, i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`);
    expect(estimate(sdl, `{ ...F0 } ${fan.join(' ')} fragment F500 on Query { plain }`)).toBe(
      Math.ceil(Number.MAX_SAFE_INTEGER / 1_000),
    );
    const variable = (depth: number): string => (depth === 0 ? 'plain' : `many(n: $n) { ${variable(depth - 1)} }`);
    expect(estimate(sdl, `query ($n: Int) { ${variable(12)} }`, { n: 2_147_483_647 })).toBe(
      Math.ceil(Number.MAX_SAFE_INTEGER / 1_000),
    );
  });

  it('computes a document with too many steps for each request', () => {
    const fields = Array.from({ length: 300 }, (_, i) => `f${i}: many(n: $v${i}) { plain }`).join(' ');
    const definitions = Array.from({ length: 300 }, (_, i) => `$v${i}: Int`).join(' ');
    const variables = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`v${i}`, 2]));
    expect(estimate(sdl, `query (${definitions}) { ${fields} }`, variables)).toBe(300 * 3);
  });

  it('measures the type of an object by its __typename, and else the dearest', () => {
    const source = (inner: string) => `{ any { ${inner} ... on A { x } ... on B { x y } } }`;
    expect(costOf(sdl, source('')).measure({ any: { x: 1 } }, {})).toBe(1 + 3 + 9);
    expect(costOf(sdl, source('t: __typename')).measure({ any: { t: 'A', x: 1 } }, {})).toBe(4);
    expect(costOf(sdl, source('t: __typename')).measure({ any: { t: 'B', x: 1, y: 2 } }, {})).toBe(31);
    expect(costOf(sdl, source('')).measure({ any: null }, {})).toBe(1);
  });
});

test('reads a value once, however often the document uses its variable and however many fields its type has', () => {
  const many = Array.from({ length: 200 }, (_, i) => `f${i}: Filter`).join(' ');
  const sdl = `input Filter { and: [Filter!] ${many} } type Query { items(filter: Filter): Int }`;
  let reads = 0;
  const entry = {
    get and() {
      reads += 1;
      return [];
    },
  };
  const f = { and: Array.from({ length: 1_000 }, () => entry) };
  const uses = Array.from({ length: 100 }, (_, i) => `a${i}: items(filter: $f)`).join(' ');
  const cost = costOf(sdl, `query ($f: Filter) { ${uses} }`, { f });
  // The object Query, and for each use the filter, its list and the lists in it.
  const total = 1 + 100 * (1 + 1 + 1_000);
  expect(cost.estimate({ f })).toBe(total);
  expect(reads).toBe(1_000);
  expect(cost.dearest({ f }, 1)).toEqual([{ coordinate: 'Query.items', cost: total - 1 }]);
  // For the types that cost most, and for the fields.
  expect(reads).toBe(3_000);
  const data = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`a${i}`, 1]));
  expect(cost.measure(data, { f })).toBe(total);
  expect(reads).toBe(4_000);
});

describe('an interface with many types', () => {
  const COUNT = 60;
  const types = Array.from(
    { length: COUNT },
    (_, i) => `type T${i} implements Node { id: ID self(x: Int): Node @cost(weight: "${i + 1}") }`,
  );
  const sdl = `interface Node { id: ID self(x: Int): Node } ${types.join('\n')} type Query { node: Node }`;
  const nested = (levels: number, args = ''): string =>
    `{ node { ${`self${args} { `.repeat(levels)}id${' }'.repeat(levels)} } }`;

  test('is visited once for each type and level, and not for each pair of types', () => {
    const levels = 10;
    const costs = costsOf(buildSchema(`${DIRECTIVES}\n${sdl}`));
    let visits = 0;
    const possible = costs.schema.getPossibleTypes.bind(costs.schema);
    costs.schema.getPossibleTypes = (type) => ((visits += 1), possible(type));
    const cost = costOf(costs, nested(levels));
    expect(visits).toBe(1 + levels);
    const total = 1 + 1 + 1 + levels * (COUNT + 1);
    expect(cost.estimate({})).toBe(total);
    visits = 0;
    expect(cost.dearest({}, 1)).toEqual([{ coordinate: `T${COUNT - 1}.self`, cost: levels * (COUNT + 1) }]);
    expect(visits).toBe(1 + levels);
  });

  test('leaves a formula that would have a term for each type to the request', () => {
    const variables = Array.from({ length: 40 }, (_, i) => `$v${i}: [Int!]`).join(' ');
    const lists = Array.from({ length: 40 }, (_, i) => `a${i}: list(ids: $v${i})`).join(' ');
    const listed = Array.from(
      { length: COUNT },
      (_, i) =>
        `type T${i} implements Node { list(ids: [Int!]): [Int] @listSize(slicingArguments: ["ids"]) @cost(weight: "${i}") }
         extend type T${i} { leaf: Leaf }`,
    );
    const cost = costOf(
      `scalar Leaf @cost(weight: "1") interface Node { list(ids: [Int!]): [Int] } ${listed.join('\n')} type Query { node: Node }`,
      `query (${variables}) { node { ${lists} } }`,
    );
    expect(cost.estimate({ v0: [1, 2] })).toBe(1 + 1 + 1 + 40 * (COUNT - 1));
  });
});
