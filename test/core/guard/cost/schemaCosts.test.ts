import { buildSchema, GraphQLInt, GraphQLList, GraphQLObjectType, GraphQLSchema } from 'graphql';
import { OperationCompiler } from '../../../../src/core/guard/compiledOperation.js';
import { costsOf } from '../../../../src/core/guard/cost/schemaCosts.js';
import { readRules } from '../../../../src/core/guard/readRules.js';
import { GuardError } from '../../../../src/core/guard/rules.js';
import { directiveTypeDefs } from '../../../../src/management/schema/typeDefs.js';
import { print } from 'graphql';

const DIRECTIVES = print(directiveTypeDefs());

const costs = (sdl: string, directives = DIRECTIVES) =>
  costsOf(buildSchema(`${directives}\n${sdl}`, { assumeValidSDL: true }));

describe('costs of a schema', () => {
  it('has the default weights of the specification', () => {
    const { types, fields, isDeclared } = costs(`
      enum Color { RED } input In { a: Int in: In }
      type Query { a(x: Int, in: In): Int b: Thing } type Thing { color: Color }`);
    expect(isDeclared).toBe(false);
    expect(Object.fromEntries(types)).toMatchObject({ Query: 1_000, Thing: 1_000, Color: 0, Int: 0 });
    const query = fields.get('Query');
    expect(query?.get('a')).toMatchObject({ weight: 0 });
    expect(query?.get('b')).toMatchObject({ weight: 1_000 });
    expect([...(query?.get('a')?.arguments.entries() ?? [])]).toMatchObject([['in', { weight: 1_000 }]]);
  });

  it.each([
    ['"2.5"', 2_500],
    ['"-0.125"', -125],
    ['"1e2"', 100_000],
    ['" 3 "', 3_000],
    // Apollo Federation has weights of type Int.
    ['4', 4_000],
  ])('reads a weight of %s', (written, weight) => {
    const { fields, faults } = costs(`type Query { a: Int @cost(weight: ${written}) }`);
    expect(faults).toEqual([]);
    expect(fields.get('Query')?.get('a')?.weight).toBe(weight);
  });

  it.each([
    ['a: Int @cost(weight: "much")', /^Query\.a: @cost\(weight:\) is "much"\. Allowed: a number/],
    ['a: Int @cost(weight: "")', /^Query\.a: @cost\(weight:\) is ""/],
    ['a: Int @cost(weight: "0.0001")', /at most three decimals/],
    ['a: Int @cost(weight: "1000001")', /from -1000000 to 1000000/],
    ['a: Int @cost(weight: "1") @cost(weight: "2")', /^Query\.a: @cost is applied more than once/],
    ['a: Int @listSize(assumedSize: 5)', /^Query\.a: @listSize is on a field that returns no list/],
    ['a: [Int] @listSize(assumedSize: -1)', /^Query\.a: @listSize\(assumedSize:\) is invalid/],
    ['a: [Int] @listSize', /has neither assumedSize nor slicingArguments/],
    ['a(n: String): [Int] @listSize(slicingArguments: ["n"])', /has n, which is not an argument of type Int or a list/],
    ['a: [Int] @listSize(slicingArguments: ["n"])', /has n, which is not an argument/],
    ['a(in: In): [Int] @listSize(slicingArguments: ["in.b"])', /has in\.b, which is not an argument/],
    ['a: T @listSize(assumedSize: 5, sizedFields: ["one"])', /has one, which is not a list of T/],
    ['a: T @listSize(assumedSize: 5, sizedFields: ["none"])', /has none, which is not a list of T/],
    ['a: U } type U @cost(weight: "-1") { b: Int', /^U: @cost\(weight:\) of a type is negative/],
    ['a: N } interface N { b: Int @cost(weight: "1")', /^N\.b: @cost has no effect here/],
    ['a: N } interface N @cost(weight: "1") { b: Int', /^N: @cost has no effect here/],
    ['a(in: I2): Int } input I2 @cost(weight: "1") { b: Int', /^I2: @cost has no effect here/],
    ['a: [Int] } union X @listSize(assumedSize: 1) = T type Y { b: Int', /^X: @listSize has no effect here/],
  ])('refuses %s', (fields, fault) => {
    const { faults } = costs(`type Query { ${fields} } type T { one: Int many: [Int] } input In { a: Int }`);
    expect(faults).toEqual([expect.stringMatching(fault)]);
  });

  it('does not serve a schema with such a fault, unless cost is off', () => {
    const schema = buildSchema(`${DIRECTIVES} type Query { a: Int @public @cost(weight: "much") }`);
    const rules = readRules(schema);
    expect(() => new OperationCompiler(schema, rules)).toThrow(GuardError);
    expect(() => new OperationCompiler(schema, rules)).toThrow(/Correct them, or set cost to off:\n- Query\.a: @cost/);
    expect(new OperationCompiler(schema, rules, false).rules).toBe(rules);
  });

  it('ignores a directive of another tool with the same name', () => {
    const other =
      'directive @cost(complexity: Int) on FIELD_DEFINITION directive @listSize(max: Int) on FIELD_DEFINITION';
    const { faults, isDeclared } = costs(
      'type Query { a: Int @cost(complexity: 5) b: [Int] @listSize(max: 1) }',
      other,
    );
    expect(faults).toEqual([]);
    expect(isDeclared).toBe(false);
  });

  it.each([
    ['@link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@cost"])', '@cost'],
    ['@link(url: "https://specs.apollo.dev/federation/v2.9")', '@federation__cost'],
    ['@link(url: "https://specs.apollo.dev/cost/v0.1", import: [{ name: "@cost", as: "@price" }])', '@price'],
  ])('reads the directive of a subgraph that links %s', (link, name) => {
    const { fields } = costs(
      `schema ${link} { query: Query } type Query { a: Int ${name}(weight: 7) }`,
      `directive @link(url: String!, import: [String]) on SCHEMA directive ${name}(weight: Int!) on FIELD_DEFINITION`,
    );
    expect(fields.get('Query')?.get('a')?.weight).toBe(7_000);
  });

  it('reads extensions of code-first schemas', () => {
    const latchkey = { cost: 2.5, listSize: { slicingArguments: ['first'], requireOneSlicingArgument: false } };
    const list = { type: new GraphQLList(GraphQLInt), args: { first: { type: GraphQLInt } }, extensions: { latchkey } };
    const wrong = { type: GraphQLInt, extensions: { latchkey: { cost: 'x' } } };
    const { fields, faults, isDeclared } = costsOf(
      new GraphQLSchema({ query: new GraphQLObjectType({ name: 'Query', fields: { list, wrong } }) }),
    );
    expect(isDeclared).toBe(true);
    expect(fields.get('Query')?.get('list')).toMatchObject({
      weight: 2_500,
      size: { requireOne: false, assumed: null },
    });
    expect(faults).toEqual([expect.stringMatching(/^Query\.wrong: @cost\(weight:\) is "x"/)]);
  });

  it('names the lists of objects without a size', () => {
    const { unsized } = costs(`
      type Query { a: [T] b: [T] @listSize(assumedSize: 5) c: Conn @listSize(assumedSize: 5, sizedFields: ["edges"]) names: [String] }
      type Conn { edges: [T] others: [T] } type T { id: ID }`);
    expect(unsized).toEqual(['Query.a', 'Conn.others']);
  });
});
