import { extendSchema, GraphQLObjectType, GraphQLSchema, GraphQLString, parse } from 'graphql';
import { appliedDirectives, isPublic, type Faults } from '../../../src/core/guard/appliedDirectives.js';
import { readAuth, type Reading } from '../../../src/core/guard/authArguments.js';
import { checkDirectives } from '../../../src/core/guard/checkDirectives.js';
import { scopesOf } from '../../../src/core/guard/requirement.js';
import { faultsIn, ownSchema } from '../../bypass/own.js';

const READING: Reading = { actions: new Set(['read', 'write']), federation: new Map() };

/** The requirement of @auth in code-first extensions, and the faults. */
function coded(directives: unknown) {
  const faults: Faults = [];
  const requirement = readAuth({ extensions: { directives } }, 'T.f', READING, faults);
  return { requires: requirement && scopesOf(requirement), faults };
}

describe('directives in code', () => {
  it.each([
    ['an object', { auth: { scope: 'read:a' } }, [['read:a']]],
    ['an object without arguments', { auth: {} }, [[]]],
    ['true', { auth: true }, [[]]],
    ['a list of uses', { auth: [{ scope: 'read:a' }, { scope: 'read:b' }] }, [['read:a', 'read:b']]],
    [
      'a list of names with arguments',
      [{ name: 'auth', args: { scope: [['read:a'], ['read:b']] } }],
      [['read:a'], ['read:b']],
    ],
    ['a list of a name alone', [{ name: 'auth' }], [[]]],
    ['another directive', { deprecated: { reason: 'old' } }, null],
    ['another in a list', [{ name: 'deprecated', args: {} }], null],
    ['none', undefined, null],
    ['an empty list of uses', { auth: [] }, null],
  ])('%s', (_, directives, requires) => {
    expect(coded(directives)).toEqual({ requires, faults: [] });
  });

  it.each([
    [
      'a string in place of the arguments',
      { auth: 'read:a' },
      'arguments of @auth in extensions.directives are not an object',
    ],
    [
      'null in place of the arguments',
      [{ name: 'auth', args: null }],
      'arguments of @auth in extensions.directives are not an object',
    ],
    ['false', { auth: false }, 'arguments of @auth in extensions.directives are not an object'],
    [
      'another argument',
      { auth: { scopes: ['read:a'] } },
      '@auth has no argument "scopes". Its only argument is "scope"',
    ],
    ['null for the scope', { auth: { scope: null } }, '@auth(scope: null) is not allowed'],
    ['undefined for the scope', { auth: { scope: undefined } }, '@auth(scope: null) is not allowed'],
    ['a number', { auth: { scope: 1 } }, '@auth(scope:) has no scopes'],
    ['a flat list', { auth: { scope: ['read:a', 'read:b'] } }, 'flat list of several scopes is ambiguous'],
  ])('rejects %s', (_, directives, fault) => {
    expect(coded(directives).faults).toEqual([expect.stringContaining(`T.f: `)]);
    expect(coded(directives).faults[0]).toContain(fault);
  });

  it('reads a type built in code, in every form, like one written in SDL', () => {
    const type = new GraphQLObjectType({
      name: 'Query',
      fields: { a: { type: GraphQLString, extensions: { directives: [{ name: 'public' }] } } },
      extensions: { directives: { auth: [{ scope: 'read:a' }] } },
    });
    const faults: Faults = [];
    checkDirectives(new GraphQLSchema({ query: type }), READING.federation, faults);
    expect(faults).toEqual([]);
    expect(isPublic(type.getFields().a ?? {})).toBe(true);
    expect(appliedDirectives(type)).toEqual([{ name: 'auth', inSdl: false, args: { scope: 'read:a' } }]);
  });
});

describe('directives in SDL', () => {
  it('reads the definition and every extension', () => {
    const base = ownSchema('type Query { a: Int @public } type T @auth(scope: "read:a") { id: ID }');
    const schema = extendSchema(base, parse('extend type T @auth(scope: "read:b") extend type T @auth { more: Int }'));
    const faults: Faults = [];
    const requirement = readAuth(schema.getType('T') ?? {}, 'T', READING, faults);
    expect(requirement && scopesOf(requirement)).toEqual([['read:a', 'read:b']]);
    expect(faults).toEqual([]);
  });

  it('treats names of members of Object like any other', () => {
    const sdl =
      'directive @constructor(toString: Int) on FIELD_DEFINITION type Query { a: Int @public @constructor(toString: 1) }';
    expect(faultsIn(sdl)).toEqual([]);
    expect(faultsIn('type Query { a: Int @auth(constructor: 1) }')).toEqual([
      'Query.a: @auth has no argument "constructor". Its only argument is "scope".',
    ]);
  });

  it.each([
    ['not repeatable', 'directive @auth(scope: [[Scope!]!]) on OBJECT | FIELD_DEFINITION'],
    ['of another type', 'directive @auth(scope: [String!]) repeatable on OBJECT | FIELD_DEFINITION'],
    ['with one more argument', 'directive @auth(scope: [[Scope!]!], or: Int) repeatable on OBJECT | FIELD_DEFINITION'],
    ['without its argument', 'directive @auth repeatable on OBJECT | FIELD_DEFINITION'],
    ['for interfaces too', 'directive @auth(scope: [[Scope!]!]) repeatable on OBJECT | FIELD_DEFINITION | INTERFACE'],
  ])('rejects @auth declared %s', async (_, declaration) => {
    const { makeExecutableSchema } = await import('@graphql-tools/schema');
    const sdl = `${declaration} directive @public on FIELD_DEFINITION scalar Scope type Query { a: Int @public }`;
    const faults: Faults = [];
    checkDirectives(makeExecutableSchema({ typeDefs: sdl }), READING.federation, faults);
    expect(faults).toEqual([
      expect.stringMatching(
        /^@auth is not declared as .*Use the definition in latchkey\.typeDefs or from directiveTypeDefs\(\)\.$/,
      ),
    ]);
  });

  it('ignores directives of others with a scope', () => {
    const sdl = `enum CacheControlScope { PUBLIC PRIVATE }
      directive @cacheControl(maxAge: Int, scope: CacheControlScope) on FIELD_DEFINITION
      type Query { a: Int @public @cacheControl(maxAge: 1, scope: PRIVATE) }`;
    expect(faultsIn(sdl)).toEqual([]);
  });
});
