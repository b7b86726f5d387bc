import 'reflect-metadata';
import { jest } from '@jest/globals';
import SchemaBuilder from '@pothos/core';
import {
  execute,
  graphql,
  GraphQLBoolean,
  GraphQLEnumType,
  GraphQLInputObjectType,
  GraphQLInterfaceType,
  GraphQLObjectType,
  GraphQLScalarType,
  GraphQLSchema,
  GraphQLString,
  GraphQLUnionType,
  parse,
  type GraphQLFieldConfig,
  type GraphQLNamedType,
} from 'graphql';
import { createApplication, createModule } from 'graphql-modules';
import { Arg, buildSchema, Extensions, Field, InputType, ObjectType, Query, Resolver } from 'type-graphql';
import { assertGuarded, guardSchema } from '../../../src/core/guard/guard.js';
import { readRules } from '../../../src/core/guard/readRules.js';
import type { RuleExtension } from '../../../src/core/guard/ruleExtensions.js';
import { directiveTypeDefs } from '../../../src/management/schema/typeDefs.js';
import { faultsOf, keyWith, ownSchema } from '../../bypass/own.js';

const rule = (latchkey: RuleExtension) => ({ latchkey });
const OPEN = rule({ public: true });

type Sent = readonly [source: string, variableValues?: Record<string, unknown>];

/** Checks that an operation is refused without a scope, before `ran` is called, and allowed with it. */
async function onlyWith(
  schema: GraphQLSchema,
  scope: string,
  [source, variableValues = {}]: Sent,
  ran: jest.Mock,
  run: typeof execute = execute,
) {
  const ask = async (scopes: readonly string[]) =>
    run({ schema, document: parse(source), variableValues, contextValue: { principal: keyWith(scopes) } });
  ran.mockClear();
  const refused = await ask(['read:other']);
  expect(refused.errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN', missing: [scope] });
  expect(ran).not.toHaveBeenCalled();
  expect((await ask([scope])).errors).toBeUndefined();
  expect(ran).toHaveBeenCalled();
}

const noted =
  <T>(ran: jest.Mock, value: T) =>
  (): T => {
    ran();
    return value;
  };

test('Pothos: rules of types, fields, arguments, input fields, enums and scalars', async () => {
  const ran = jest.fn();
  const builder = new SchemaBuilder<{ Scalars: { Money: { Input: number; Output: number } } }>({});
  const Level = builder.enumType('Level', { values: ['LOW'], extensions: rule({ auth: 'read:levels' }) });
  builder.scalarType('Money', { serialize: Number, extensions: rule({ auth: 'read:money' }) });
  const Filter = builder.inputType('Filter', {
    fields: (t) => ({ owner: t.string({ extensions: rule({ auth: 'read:owners' }) }) }),
  });
  const Secret = builder.objectRef<object>('Secret').implement({
    extensions: rule({ auth: [['read:secrets']] }),
    fields: (t) => ({ id: t.string({ resolve: noted(ran, 'a') }) }),
  });
  builder.queryType({
    fields: (t) => ({
      orders: t.string({
        args: {
          deleted: t.arg.boolean({ extensions: rule({ auth: 'read:deleted' }) }),
          filter: t.arg({ type: Filter }),
        },
        extensions: OPEN,
        resolve: noted(ran, 'orders'),
      }),
      mine: t.string({ extensions: rule({ auth: [['read:orders']] }), resolve: noted(ran, 'mine') }),
      secret: t.field({ type: Secret, extensions: OPEN, resolve: () => ({}) }),
      level: t.field({ type: Level, extensions: OPEN, resolve: noted(ran, 'LOW' as const) }),
      price: t.field({ type: 'Money', extensions: OPEN, resolve: noted(ran, 5) }),
    }),
  });
  const schema = guardSchema(builder.toSchema());
  assertGuarded(schema);
  await onlyWith(schema, 'read:orders', ['{ mine }'], ran);
  await onlyWith(schema, 'read:deleted', ['{ orders(deleted: false) }'], ran);
  const filtered = 'query ($f: Filter) { orders(filter: $f) }';
  await onlyWith(schema, 'read:owners', [filtered, { f: { owner: 'a' } }], ran);
  await onlyWith(schema, 'read:secrets', ['{ secret { id } }'], ran);
  await onlyWith(schema, 'read:levels', ['{ level }'], ran);
  await onlyWith(schema, 'read:money', ['{ price }'], ran);
  const anonymous = await graphql({ schema, source: '{ orders }', contextValue: { principal: keyWith([]) } });
  expect(anonymous).toEqual({ data: { orders: 'orders' } });
});

test('TypeGraphQL: rules of types, fields and input fields by @Extensions', async () => {
  const ran = jest.fn();
  // Decorators are called as functions, because these tests run without a compiler.
  class Secret {
    readonly id = 'a';
  }
  Field(() => String)(Secret.prototype, 'id');
  ObjectType()(Secret);
  Extensions(rule({ auth: 'read:secrets' }))(Secret);

  class Filter {
    readonly owner: string | null = null;
  }
  Field(() => String, { nullable: true })(Filter.prototype, 'owner');
  Extensions(rule({ auth: 'read:owners' }))(Filter.prototype, 'owner');
  InputType()(Filter);

  class Orders {
    orders() {
      return noted(ran, 'orders')();
    }
    mine() {
      return noted(ran, 'mine')();
    }
    secret() {
      return noted(ran, new Secret())();
    }
  }
  Arg('filter', () => Filter, { nullable: true })(Orders.prototype, 'orders', 0);
  for (const [name, type, latchkey] of [
    ['orders', () => String, { public: true }],
    ['mine', () => String, { auth: ['read:orders'] }],
    ['secret', () => Secret, { public: true }],
  ] as const) {
    const descriptor = Object.getOwnPropertyDescriptor(Orders.prototype, name) ?? {};
    Query(type as () => typeof String)(Orders.prototype, name, descriptor);
    Extensions(rule(latchkey))(Orders.prototype, name);
  }
  Resolver()(Orders);
  const schema = guardSchema(await buildSchema({ resolvers: [Orders], validate: false }));
  await onlyWith(schema, 'read:orders', ['{ mine }'], ran);
  await onlyWith(schema, 'read:owners', ['{ orders(filter: { owner: "a" }) }'], ran);
  await onlyWith(schema, 'read:secrets', ['{ secret { id } }'], ran);
});

test('GraphQL-Modules: rules of directives and of a scalar’s extensions, from several modules', async () => {
  const ran = jest.fn();
  const Money = new GraphQLScalarType({ name: 'Money', extensions: rule({ auth: 'read:money' }) });
  const application = createApplication({
    modules: [
      createModule({
        id: 'orders',
        typeDefs: [
          directiveTypeDefs(),
          parse('type Query { mine: String @auth(scope: "read:orders") open: Open @public }'),
        ],
        resolvers: { Query: { mine: noted(ran, 'mine'), open: () => ({}) } },
      }),
      createModule({
        id: 'prices',
        typeDefs: parse(`
          scalar Money
          type Open { inner: String @auth(scope: "read:inner") }
          extend type Query { price: Money @public }`),
        resolvers: { Money, Open: { inner: noted(ran, 'a') }, Query: { price: noted(ran, 5) } },
      }),
    ],
  });
  const { schema } = application;
  guardSchema(schema);
  const execution = application.createExecution();
  // Its schema for Apollo Server runs operations on the guarded one, and is guarded too.
  const forApollo = guardSchema(application.createSchemaForApollo());
  for (const [served, run] of [
    [schema, execution],
    [forApollo, execute],
  ] as const) {
    await onlyWith(served, 'read:orders', ['{ mine }'], ran, run);
    await onlyWith(served, 'read:money', ['{ price }'], ran, run);
    await onlyWith(served, 'read:inner', ['{ open { inner } }'], ran, run);
  }
});

describe('graphql-js', () => {
  const typed = (latchkey: unknown): GraphQLFieldConfig<unknown, unknown> => ({
    type: GraphQLString,
    extensions: { latchkey },
  });
  const schemaOf = (fields: Record<string, GraphQLFieldConfig<unknown, unknown>>, types: GraphQLNamedType[] = []) =>
    new GraphQLSchema({ query: new GraphQLObjectType({ name: 'Query', fields }), types });
  const faultsOfField = (latchkey: unknown) => faultsOf(() => guardSchema(schemaOf({ a: typed(latchkey) })));

  it('reads the same requirements from extensions as from @auth', () => {
    for (const [auth, written] of [
      [true, '@auth'],
      ['read:a', '@auth(scope: "read:a")'],
      [['read:a'], '@auth(scope: ["read:a"])'],
      [[['read:a', 'write:a'], ['admin']], '@auth(scope: [["read:a", "write:a"], ["admin"]])'],
    ] as const) {
      const coded = readRules(schemaOf({ a: typed({ auth }) }));
      const inSdl = readRules(ownSchema(`type Query { a: String ${written} }`));
      expect(coded.fields.get('Query')?.get('a')).toEqual(inSdl.fields.get('Query')?.get('a'));
    }
    expect(faultsOfField({ public: true })).toEqual([]);
  });

  it('requires the rules of the directive and of extensions together', () => {
    const schema = ownSchema('type Query { a: String @auth(scope: "read:a") }');
    Object.assign(schema.getQueryType()?.getFields().a ?? {}, { extensions: rule({ auth: 'read:b' }) });
    expect(readRules(schema).fields.get('Query')?.get('a')?.requirement.anyOf).toMatchObject([
      [{ text: 'read:a' }, { text: 'read:b' }],
    ]);
  });

  const forms = expect.stringMatching(/Write \{ auth: "a" \}/) as unknown;
  it.each<[string, unknown, RegExp]>([
    ['a string', 'read:a', /^Query\.a: extensions\.latchkey is not an object\./],
    ['null', null, /^Query\.a: extensions\.latchkey is not an object\./],
    ['a list', [{ auth: 'read:a' }], /^Query\.a: extensions\.latchkey is not an object\./],
    ['no option', {}, /^Query\.a: extensions\.latchkey has none of auth, public, cost and listSize\./],
    ['an unknown option', { scope: 'read:a' }, /^Query\.a: extensions\.latchkey has no option "scope"\./],
    [
      'auth: false',
      { auth: false },
      /^Query\.a: extensions\.latchkey\.auth is not true, a scope or a list of scopes\./,
    ],
    ['auth: null', { auth: null }, /^Query\.a: extensions\.latchkey\.auth is not true/],
    ['auth: undefined', { auth: undefined }, /^Query\.a: extensions\.latchkey\.auth is not true/],
    ['public: false', { public: false }, /^Query\.a: extensions\.latchkey\.public is not true\./],
  ])('refuses %s, and says which forms are allowed', (_, latchkey, message) => {
    const [first, second] = faultsOfField(latchkey);
    expect(first).toMatch(message);
    expect(first).toEqual(forms);
    expect(second).toContain('a root field needs @auth or @public');
  });

  it.each<[string, unknown, RegExp]>([
    ['an empty list', { auth: [] }, /has no scopes/],
    ['an empty inner list', { auth: [[]] }, /empty or invalid list/],
    ['an ambiguous list', { auth: ['read:a', 'read:b'] }, /ambiguous/],
    ['an invalid scope', { auth: 'Read' }, /not a valid scope/],
    ['an unknown action', { auth: 'raed:a' }, /unknown action "raed"/],
    ['both options', { auth: 'read:a', public: true }, /contradict each other/],
  ])('refuses %s as in the directive', (_, latchkey, message) => {
    expect(faultsOfField(latchkey).join()).toMatch(message);
  });

  it('refuses rules where they have no effect', () => {
    const latchkey = { auth: 'read:a' };
    const extensions = { latchkey };
    const Node = new GraphQLInterfaceType({
      name: 'Node',
      extensions,
      fields: { id: { type: GraphQLString, extensions, args: { a: { type: GraphQLBoolean, extensions } } } },
    });
    const A = new GraphQLObjectType({
      name: 'A',
      interfaces: [Node],
      fields: {
        id: { type: GraphQLString, args: { a: { type: GraphQLBoolean, extensions: { latchkey: { public: true } } } } },
      },
    });
    const Any = new GraphQLUnionType({ name: 'Any', types: [A], extensions });
    const Level = new GraphQLEnumType({ name: 'Level', values: { LOW: { extensions } } });
    const Filter = new GraphQLInputObjectType({ name: 'Filter', extensions, fields: { level: { type: Level } } });
    const fields = { any: { type: Any, args: { filter: { type: Filter } }, extensions: OPEN } };
    const places = faultsOf(() => guardSchema(schemaOf(fields, [A])))
      .filter((fault) => fault.includes('has no effect here'))
      .map((fault) => fault.slice(0, fault.indexOf(': @')));
    expect(places.sort()).toEqual(['A.id(a:)', 'Any', 'Filter', 'Level.LOW', 'Node', 'Node.id', 'Node.id(a:)']);
  });
});
