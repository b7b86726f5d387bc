import { jest } from '@jest/globals';
import {
  GraphQLID,
  GraphQLInterfaceType,
  GraphQLObjectType,
  GraphQLSchema,
  executeSync,
  graphql,
  parse,
  type GraphQLFieldResolver,
} from 'graphql';
import { ANONYMOUS } from '../../../src/core/auth/principal.js';
import { assertGuarded, guardSchema } from '../../../src/core/guard/guard.js';
import { faultsOf, keyWith, ownSchema } from '../../bypass/own.js';

const READER = { principal: keyWith(['read:a']) };
const STRANGER = { principal: keyWith(['read:b']) };

describe('guarded resolvers', () => {
  it('returns the values of fields without a rule unchanged, after guarding twice as well', async () => {
    const schema = ownSchema('type Query { t: T @public } type T { open: Int plain: Boolean late: Int }', {
      Query: { t: () => ({ plain: true }) },
      T: { open: () => 1, late: async () => 2 },
    });
    guardSchema(guardSchema(schema));
    const { data } = await graphql({ schema, source: '{ t { open plain late } }', contextValue: STRANGER });
    expect(data).toEqual({ t: { open: 1, plain: true, late: 2 } });
  });

  it('passes the arguments to the resolver, and its result or error back, unchanged', async () => {
    const seen = jest.fn<GraphQLFieldResolver<unknown, unknown>>(() => 'value');
    const schema = guardSchema(
      ownSchema('type Query { a(x: Int): String @auth(scope: "read:a") }', { Query: { a: seen } }),
    );
    const rootValue = {};
    const { data } = await graphql({ schema, source: '{ a(x: 1) }', rootValue, contextValue: READER });
    expect(data).toEqual({ a: 'value' });
    expect(seen).toHaveBeenCalledTimes(1);
    expect(seen.mock.calls[0]?.[0]).toBe(rootValue);
    expect(seen.mock.calls[0]?.slice(1, 3)).toEqual([{ x: 1 }, READER]);
    const fault = new Error('its own');
    seen.mockImplementation(() => {
      throw fault;
    });
    const { errors } = await graphql({ schema, source: '{ a }', contextValue: READER });
    expect(errors?.[0]?.originalError).toBe(fault);
  });

  it('returns the result of a synchronous resolver without a promise', () => {
    const schema = guardSchema(
      ownSchema('type Query { t: T @public } type T { a: Int @auth(scope: "read:a") }', {
        Query: { t: () => ({}) },
        T: { a: () => 1 },
      }),
    );
    const ask = (contextValue: unknown) => executeSync({ schema, document: parse('{ t { a } }'), contextValue });
    expect(ask(READER)).toEqual({ data: { t: { a: 1 } } });
    expect(ask(STRANGER).errors?.[0]?.message).toContain('lacks read:a');
  });

  it('wraps the default resolver if there is none', async () => {
    const schema = guardSchema(ownSchema('type Query { a: String @auth(scope: "read:a") }'));
    const rootValue = { a: jest.fn(() => 'from the root') };
    expect((await graphql({ schema, source: '{ a }', rootValue, contextValue: STRANGER })).data).toEqual({ a: null });
    expect(
      (await graphql({ schema, source: '{ a }', rootValue, contextValue: { principal: ANONYMOUS } })).data,
    ).toEqual({ a: null });
    expect(rootValue.a).not.toHaveBeenCalled();
    expect((await graphql({ schema, source: '{ a }', rootValue, contextValue: READER })).data).toEqual({
      a: 'from the root',
    });
  });

  it('has no further effect when called twice', async () => {
    const resolver = jest.fn(() => 1);
    const schema = ownSchema('type Query { a: Int @auth(scope: "read:a") }', { Query: { a: resolver } });
    guardSchema(guardSchema(guardSchema(schema)));
    const asked = jest.fn((scope: string) => scope === 'read:a');
    const scopes = Object.assign([], { includes: asked });
    const result = await graphql({
      schema,
      source: '{ a }',
      contextValue: { principal: { ...READER.principal, scopes } },
    });
    expect(result.data).toEqual({ a: 1 });
    expect(asked).toHaveBeenCalledTimes(1);
    expect(resolver).toHaveBeenCalledTimes(1);
    expect(faultsOf(() => assertGuarded(schema))).toEqual([]);
  });

  describe('types built in code, distinguished by isTypeOf', () => {
    const build = (guarded: boolean) => {
      const node = new GraphQLInterfaceType({ name: 'Node', fields: { id: { type: GraphQLID } } });
      const type = (name: string, directives?: object) =>
        new GraphQLObjectType({
          name,
          interfaces: [node],
          fields: { id: { type: GraphQLID } },
          isTypeOf: (value: { kind: string }) => Promise.resolve(value.kind === name),
          ...(directives !== undefined && { extensions: { directives } }),
        });
      return new GraphQLSchema({
        query: new GraphQLObjectType({
          name: 'Query',
          fields: {
            node: {
              type: node,
              args: { kind: { type: GraphQLID } },
              resolve: (_, { kind }: { kind?: string }) => ({ kind, id: kind }),
              extensions: { directives: { public: {} } },
            },
          },
        }),
        types: [type('A', guarded ? [{ name: 'auth', args: { scope: 'read:a' } }] : undefined), type('B')],
      });
    };
    const run = (schema: GraphQLSchema, kind: string, contextValue: object) =>
      graphql({ schema, source: '{ node(kind: "' + kind + '") { __typename } }', contextValue });

    it('rejects a value that has the guarded type, and no other value', async () => {
      const schema = guardSchema(build(true));
      expect((await run(schema, 'A', STRANGER)).data).toEqual({ node: null });
      expect((await run(schema, 'B', STRANGER)).data).toEqual({ node: { __typename: 'B' } });
      expect((await run(schema, 'A', READER)).data).toEqual({ node: { __typename: 'A' } });
    });

    it('keeps the type resolver of an abstract type without guarded types', () => {
      const schema = guardSchema(build(false));
      expect((schema.getType('Node') as GraphQLInterfaceType).resolveType).toBeUndefined();
    });
  });
});
