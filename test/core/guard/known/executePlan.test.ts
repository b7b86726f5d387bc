import {
  execute,
  getOperationAST,
  GraphQLObjectType,
  type GraphQLScalarType,
  GraphQLSchema,
  GraphQLString,
  parse,
  type GraphQLResolveInfo,
  type GraphQLSchema as Schema,
} from 'graphql';
import { guardResolvers } from '../../../../src/core/guard/guardedResolvers.js';
import { executePlan } from '../../../../src/core/guard/known/plan/executePlan.js';
import { planOf, type OperationPlan } from '../../../../src/core/guard/known/plan/operationPlan.js';
import { readRules } from '../../../../src/core/guard/readRules.js';
import { keyWith, ownSchema } from '../../../bypass/own.js';

const contextValue = { principal: keyWith(['read:a']) };

function maybePlanIn(schema: Schema, source: string): OperationPlan | null {
  const document = parse(source);
  const operation = getOperationAST(document);
  return operation == null ? null : planOf(schema, document, operation);
}

function planIn(schema: Schema, source: string): OperationPlan {
  const plan = maybePlanIn(schema, source);
  if (plan === null) throw new Error('There is no plan.');
  return plan;
}

/** Runs an operation with the variables of each execution in turn, by its plan and by graphql-js. */
async function both(create: () => Schema, source: string, executions: readonly object[] = [{}]) {
  const runs = { plan: [] as unknown[], graphql: [] as unknown[] };
  const [planned, plain] = [create(), create()];
  const plan = planIn(planned, source);
  for (const given of executions) {
    const variableValues = given as Record<string, unknown>;
    runs.plan.push(await executePlan(plan, { contextValue, variableValues }));
    runs.graphql.push(await execute({ schema: plain, document: parse(source), contextValue, variableValues }));
  }
  return JSON.parse(JSON.stringify(runs));
}

function guarded(sdl: string, resolvers: object, fields: number): Schema {
  const schema = ownSchema(sdl, resolvers as Parameters<typeof ownSchema>[1]);
  guardResolvers(schema, readRules(schema), { fields, bytes: 1e6 });
  return schema;
}

describe('the bound of a response', () => {
  it('counts long values of fields without a resolver', async () => {
    const one = { a: 'x'.repeat(2_560), b: 'x'.repeat(2_560), c: 'short' };
    const create = () =>
      guarded('type Query { one: T @public } type T { a: String b: ID c: String }', { Query: { one: () => one } }, 16);
    const { plan, graphql } = await both(create, '{ one { c a b } }');
    expect(plan).toEqual(graphql);
    expect(plan[0].errors[0].extensions.code).toBe('ANSWER_TOO_LARGE');
    expect((await both(create, '{ one { c a } }')).plan[0].errors).toBeUndefined();
  });

  it('counts the entries of a list by the variables of each execution', async () => {
    const create = () =>
      guarded(
        'type Query { many: [T!] @public } type T { inner: [U!] } type U { f(must: Int! = 1): Int }',
        { Query: { many: () => [{ inner: Array.from({ length: 40 }, () => ({ f: 1 })) }] } },
        300,
      );
    const source = 'query ($m: Int = 2) { many { inner { f(must: $m) } } }';
    const { plan, graphql } = await both(create, source, [{}, { m: null }, {}]);
    expect(plan).toEqual(graphql);
    expect(plan[0].errors).toBeUndefined();
    expect(plan[1].errors[0].extensions.code).toBe('ANSWER_TOO_LARGE');
    expect(plan[2]).toEqual(plan[0]);
  });
});

describe('a field with a rule', () => {
  it('is refused to a caller after another one was allowed to read it', async () => {
    const schema = guarded(
      'type Query { one: T @public } type T { a: Int @auth(scope: "read:a") }',
      { Query: { one: () => ({ a: 1 }) } },
      100,
    );
    const plan = planIn(schema, '{ one { a } }');
    const as = (scope: string) =>
      executePlan(plan, {
        contextValue: { principal: keyWith([scope]) },
      });
    for (let i = 0; i < 3; i += 1) {
      expect(as('read:a')).toEqual({ data: { one: { a: 1 } } });
      expect(as('read:b')).toMatchObject({
        data: { one: { a: null } },
        errors: [{ message: expect.stringContaining('lacks read:a') }],
      });
    }
  });
});

describe('a field that only reads a property', () => {
  const sdl =
    'scalar S type Query { one: T @public } type T { a: Int b(must: Int! = 1): Int o: T s: S r: Int! g: Int @auth(scope: "read:a") }';
  const boom = (message: string) => () => {
    throw new Error(message);
  };
  const computed = (name: string, get: () => unknown) => () => Object.defineProperty({}, name, { get });

  it.each([
    ['throws', '{ one { o { a } a } }', computed('a', boom('a'))],
    ['throws and has a rule', '{ one { a g } }', computed('g', boom('g'))],
    ['throws and is required', '{ one { a r } }', computed('r', boom('r'))],
    ['throws and has an object', '{ one { a o { a } } }', computed('o', boom('o'))],
    ['has an object whose `then` throws', '{ one { a o { a } } }', () => ({ o: computed('then', boom('then'))() })],
    ['has a scalar whose `then` throws', '{ one { a s } }', () => ({ s: 'then' })],
    ['has a scalar with a late value', '{ one { a s } }', () => ({ s: 'late' })],
    ['has a scalar that fails late', '{ one { a s } }', () => ({ s: 'late error' })],
    ['has a scalar with a value like a promise', '{ one { a s } }', () => ({ s: 'thenable' })],
    ['has an invalid argument', 'query ($m: Int = 2) { one { a b(must: $m) } }', () => ({ b: 3 })],
  ])('that %s has the result and the errors of graphql-js', async (_, source, one) => {
    const create = () => {
      const schema = guarded(sdl, { Query: { one } }, 5_000);
      const values: Readonly<Record<string, () => unknown>> = {
        then: computed('then', boom('then')),
        late: async () => 7,
        'late error': async () => Promise.reject(new Error('late')),
        thenable: () => ({ then: () => 5 }),
      };
      const serialize = (value: unknown) => values[String(value)]?.();
      Object.assign(schema.getType('S') as GraphQLScalarType, { serialize });
      return schema;
    };
    const { plan, graphql } = await both(create, source, [{ m: null }, { m: null }]);
    expect(plan).toEqual(graphql);
  });

  it.each([
    ['once', () => 1, 1],
    ['as often as graphql-js if it is a method', () => () => 1, 2],
  ])('reads it %s', (_, value, times) => {
    let reads = 0;
    const one = computed('a', () => ((reads += 1), value()));
    const schema = guarded(sdl, { Query: { one } }, 5_000);
    expect(executePlan(planIn(schema, '{ one { a } }'), { contextValue })).toEqual({ data: { one: { a: 1 } } });
    expect(reads).toBe(times);
  });

  it('does not read it if an argument is invalid: nobody would wait for it', async () => {
    let reads = 0;
    const one = computed('b', async () => ((reads += 1), Promise.reject(new Error('late'))));
    const plan = planIn(guarded(sdl, { Query: { one } }, 5_000), 'query ($m: Int = 2) { one { b(must: $m) } }');
    const result = await executePlan(plan, { contextValue, variableValues: { m: null } });
    expect(result).toMatchObject({ errors: [{ path: ['one', 'b'] }] });
    expect(reads).toBe(0);
  });
});

it('gives each execution its own nodes of an error', async () => {
  const schema = ownSchema('type Query { a: Int }', { Query: { a: () => 'no number' } });
  const plan = planIn(schema, '{ a }');
  const [first, second] = [await executePlan(plan, { contextValue }), await executePlan(plan, { contextValue })];
  expect(first.errors?.[0]?.nodes).toEqual(second.errors?.[0]?.nodes);
  expect(first.errors?.[0]?.nodes).not.toBe(second.errors?.[0]?.nodes);
});

it('calls a resolver that replaced the one of the plan', () => {
  const schema = ownSchema('type Query { one: T } type T { a: Int }', { Query: { one: () => ({ a: 1 }) } });
  const plan = planIn(schema, '{ one { a } }');
  const type = schema.getType('T') as GraphQLObjectType;
  Object.assign(type.getFields().a ?? {}, { resolve: () => 2 });
  expect(executePlan(plan, { contextValue })).toEqual({
    data: { one: { a: 2 } },
  });
});

it('gives each execution its own nodes and fragments, by which data loaders are kept, and all entries of a list the same', async () => {
  const seen: GraphQLResolveInfo[] = [];
  const schema = ownSchema('type Query { many: [T] } type T { a: Int }', {
    Query: { many: () => [{}, {}] },
    T: { a: (_source: unknown, _args: unknown, _context: unknown, info: GraphQLResolveInfo) => void seen.push(info) },
  });
  const plan = planIn(schema, '{ many { ...F } } fragment F on T { a }');
  for (let i = 0; i < 2; i += 1) await executePlan(plan, { contextValue });
  const [first, second, third, fourth] = seen;
  expect(first?.fieldNodes).toEqual(third?.fieldNodes);
  expect(first?.fieldNodes).toBe(second?.fieldNodes);
  expect(first?.fieldNodes).not.toBe(third?.fieldNodes);
  expect(third?.fieldNodes).toBe(fourth?.fieldNodes);
  expect(first?.fragments).toBe(second?.fragments);
  expect(first?.fragments).toEqual(third?.fragments);
  expect(first?.fragments).not.toBe(third?.fragments);
  expect(first?.variableValues).not.toBe(third?.variableValues);
});

it('waits for the entries before one that throws, so that no rejection is unhandled', async () => {
  const late = async () => Promise.reject(new Error('late'));
  const schema = ownSchema('type Query { many: [T!] } type T { a: Int! }', {
    Query: { many: () => [{ a: late }, { a: () => null }] },
  });
  const plan = planIn(schema, '{ many { a } }');
  const result = await executePlan(plan, { contextValue });
  expect(result).toMatchObject({
    data: { many: null },
    errors: [{ message: 'Cannot return null for non-nullable field T.a.' }],
  });
  // Jest fails a test with an unhandled rejection.
  await new Promise(setImmediate);
});

describe('there is no plan', () => {
  const schema = ownSchema(
    'interface Node { id: ID } type Query { t: T node: Node } type Mutation { m: Int } type T implements Node { id: ID t: T }',
    {},
  );

  it.each([
    ['of a mutation', 'mutation { m }'],
    ['of @skip', '{ t { id @skip(if: true) } }'],
    ['of @include in a fragment', '{ t { ...F @include(if: true) } } fragment F on T { id }'],
    ['of introspection', '{ __schema { queryType { name } } }'],
    ['of an interface', '{ node { id } }'],
    ['of a name that would set the prototype', '{ t { __proto__: id } }'],
    [
      'of fragments that multiply',
      `{ t { ...A } } ${['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I'].map((name, i, names) => `fragment ${name} on T { a: t { ...${names[i + 1] ?? 'Z'} } b: t { ...${names[i + 1] ?? 'Z'} } }`).join(' ')} fragment Z on T { id }`,
    ],
    [
      'of one field that is selected thousands of times by fragments',
      `{ t { ...A } } ${['A', 'B', 'C', 'D'].map((name, i, names) => `fragment ${name} on T { ...Z a: t { ...${names[i + 1] ?? 'Z'} } b: t { ...${names[i + 1] ?? 'Z'} } }`).join(' ')} fragment Z on T { ${'id '.repeat(100)} }`,
    ],
  ])('%s', (_, source) => {
    expect(maybePlanIn(schema, source)).toBeNull();
  });

  it('of a type that checks its values', () => {
    const type = new GraphQLObjectType({ name: 'T', fields: { a: { type: GraphQLString } }, isTypeOf: () => false });
    const checked = new GraphQLSchema({ query: new GraphQLObjectType({ name: 'Query', fields: { t: { type } } }) });
    expect(maybePlanIn(checked, '{ t { a } }')).toBeNull();
  });

  it('but of everything else', () => {
    expect(
      maybePlanIn(schema, '{ __typename t { id ... on Node { id } ...F } } fragment F on T { t { id } }'),
    ).not.toBeNull();
  });
});

it('passes the root value to the root fields', () => {
  const rootValue = { name: 'root' };
  const seen: unknown[] = [];
  const schema = ownSchema('type Query { one: String }', {
    Query: {
      one: (source: unknown, _: unknown, __: unknown, info: { rootValue: unknown }) =>
        void seen.push(source, info.rootValue),
    },
  });
  void executePlan(planIn(schema, '{ one }'), { rootValue, contextValue });
  expect(seen).toEqual([rootValue, rootValue]);
});
