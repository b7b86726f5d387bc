import fc from 'fast-check';
import { makeExecutableSchema } from '@graphql-tools/schema';
import {
  buildASTSchema,
  buildClientSchema,
  getNamedType,
  introspectionFromSchema,
  isInterfaceType,
  isIntrospectionType,
  isLeafType,
  isObjectType,
  isUnionType,
  Kind,
  concatAST,
  parse,
  validate,
  validateSchema,
  type GraphQLNamedType,
  type GraphQLSchema,
} from 'graphql';
import { ANONYMOUS, type Principal } from '../../../src/core/auth/principal.js';
import { decide } from '../../../src/core/guard/decide.js';
import { guardSchema, rulesOf } from '../../../src/core/guard/guard.js';
import { OperationCompiler } from '../../../src/core/guard/compiledOperation.js';
import { viewOf, Views } from '../../../src/core/guard/views.js';
import { directiveTypeDefs } from '../../../src/management/schema/typeDefs.js';
import { servedTypeDefs } from '../../../src/server/servedTypeDefs.js';
import { keyWith, ownSchema } from '../../bypass/own.js';
import { chooser, randomSdl } from './documents.js';
import { runs } from '../../support/runs.js';

const service = guardSchema(makeExecutableSchema({ typeDefs: servedTypeDefs(true) }));

/** The names of a schema's types, without GraphQL's own. */
const namesOf = (schema: GraphQLSchema | null): string[] =>
  Object.values(schema?.getTypeMap() ?? {})
    .filter((type) => !isIntrospectionType(type) && !['String', 'Boolean', 'Int', 'ID', 'Float'].includes(type.name))
    .map(({ name }) => name);

const fieldsOf = (schema: GraphQLSchema | null, type: string): string[] => {
  const found = schema?.getType(type);
  return isObjectType(found) || isInterfaceType(found) ? Object.keys(found.getFields()) : [];
};

const viewFor = (sdl: string, scopes: readonly string[]): GraphQLSchema | null =>
  viewOf(guardSchema(ownSchema(sdl)), keyWith(scopes));

type Way = readonly [coordinate: string, operation: string];

/**
 * Operations that select a field.
 *
 * @param all every path with at most three fields; false: the shortest one
 */
function waysThrough(schema: GraphQLSchema, all: boolean): Way[] {
  const ways: Way[] = [];
  const seen = new Set<string>();
  const queue: { type: GraphQLNamedType; depth: number; within: (inner: string) => string }[] = [];
  for (const [keyword, type] of [
    ['query', schema.getQueryType()],
    ['mutation', schema.getMutationType()],
  ] as const) {
    if (type != null) queue.push({ type, depth: 1, within: (inner) => `${keyword} { ${inner} }` });
  }
  for (const { type, depth, within } of queue) {
    if (!all && seen.has(type.name)) continue;
    seen.add(type.name);
    if (isUnionType(type) || isInterfaceType(type)) {
      for (const one of schema.getPossibleTypes(type)) {
        queue.push({ type: one, depth, within: (inner) => within(`... on ${one.name} { ${inner} }`) });
      }
    }
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const { name, type: returned } of Object.values(type.getFields())) {
      const target = getNamedType(returned);
      ways.push([`${type.name}.${name}`, within(isLeafType(target) ? name : `${name} { __typename }`)]);
      if (isLeafType(target) || (all && depth === 3)) continue;
      queue.push({ type: target, depth: depth + 1, within: (inner) => within(`${name} { ${inner} }`) });
    }
  }
  return ways;
}

/** Whether the guard rejects an operation of a principal. */
function judgeOf(schema: GraphQLSchema): (principal: Principal, operation: string) => boolean {
  const compiler = new OperationCompiler(schema, rulesOf(schema));
  return (principal, operation) => {
    const document = parse(operation);
    const [definition] = document.definitions;
    if (definition?.kind !== Kind.OPERATION_DEFINITION) throw new Error('It is an operation.');
    return decide(compiler.compile(document, definition, {}).rules, principal) !== null;
  };
}

const SCOPES = ['read:assets', 'write:assets', 'read:all', 'write:all', 'read:other', 'admin', 'platform'];
const principals = fc.option(
  fc.subarray(SCOPES).map((scopes) => keyWith(scopes)),
  { nil: ANONYMOUS },
);

describe('a view of the real schema', () => {
  test('can be built from its introspection, for any scopes', () => {
    fc.assert(
      fc.property(principals, (principal) => {
        const view = viewOf(service, principal);
        if (view === null) throw new Error('The public part is there for everybody.');
        expect(validateSchema(view)).toEqual([]);
        const read = buildClientSchema(introspectionFromSchema(view));
        expect(validateSchema(read)).toEqual([]);
        expect(namesOf(read).sort()).toEqual(namesOf(view).sort());
      }),
      { numRuns: runs(20) },
    );
  });

  test('shows the fields that the guard allows to select, and no others', () => {
    const everyWay = waysThrough(service, true);
    const isRefused = judgeOf(service);
    fc.assert(
      fc.property(principals, (principal) => {
        const view = viewOf(service, principal);
        const visible = waysThrough(view ?? service, false);
        expect(visible.filter(([, operation]) => isRefused(principal, operation))).toEqual([]);
        const shown = new Set(visible.map(([coordinate]) => coordinate));
        const hidden = everyWay.filter(([coordinate]) => !shown.has(coordinate));
        expect(hidden.filter(([, operation]) => !isRefused(principal, operation))).toEqual([]);
      }),
      { numRuns: runs(30) },
    );
  });

  test('contains what the scopes give access to, and no types that only serve other fields', () => {
    const reader = viewOf(service, keyWith(['read:assets']));
    expect(fieldsOf(reader, 'Query')).toEqual([
      'viewer',
      'tiers',
      'workspace',
      'project',
      'projects',
      'assets',
      'assetsConnection',
      'asset',
    ]);
    expect(fieldsOf(reader, 'Mutation')).toEqual(['deriveToken']);
    expect(fieldsOf(reader, 'Workspace')).not.toContain('keys');
    expect(namesOf(reader)).toEqual(expect.arrayContaining(['Asset', 'AlertKind', 'Credential', 'ApiKey', 'Tier']));
    for (const name of [
      'ApiKeyConnection',
      'ApiKeyFilter',
      'CreateApiKeyInput',
      'RegisterAssetInput',
      'WorkspaceKeys',
    ]) {
      expect(namesOf(service)).toContain(name);
      expect(namesOf(reader)).not.toContain(name);
    }
    const writer = viewOf(service, keyWith(['write:assets']));
    expect(fieldsOf(writer, 'Query')).not.toContain('assets');
    expect(fieldsOf(writer, 'Mutation')).toContain('registerAsset');
    expect(fieldsOf(writer, 'Asset')).not.toContain('downstream');
    expect(namesOf(writer)).toContain('RegisterAssetInput');
  });

  test('for an anonymous caller is the public part, and for a caller with all scopes the schema itself', () => {
    const nobody = viewOf(service, ANONYMOUS);
    expect(fieldsOf(nobody, 'Query')).toEqual(['tiers']);
    expect(namesOf(nobody).sort()).toEqual([
      'CreditRefill',
      'OperationCategory',
      'Query',
      'QuotaSubject',
      'QuotaUnit',
      'QuotaWindow',
      'Scope',
      'Tier',
      'TierCategoryLimits',
      'TierCostLimits',
      'TierCredits',
      'TierLimits',
      'TierQuota',
      'TierSharedLimits',
    ]);
    expect(viewOf(service, keyWith(['platform']))).toBe(service);
    expect(viewOf(service, keyWith(['admin']))).not.toBe(service);
  });
});

describe('a view of a schema with interfaces and unions', () => {
  test('is a valid schema, and each of its fields can be selected', () => {
    let partial = 0;
    fc.assert(
      fc.property(fc.gen(), fc.subarray(['read:a', 'read:b', 'write:a', 'write:b', 'read:all']), (g, scopes) => {
        const sdl = concatAST([directiveTypeDefs(), parse(randomSdl(chooser(g)))]);
        const schema = guardSchema(buildASTSchema(sdl));
        const principal = keyWith(scopes);
        const view = viewOf(schema, principal);
        if (view === null || view === schema) return;
        partial += 1;
        const isRefused = judgeOf(schema);
        expect(validateSchema(view)).toEqual([]);
        expect(() => buildClientSchema(introspectionFromSchema(view))).not.toThrow();
        const ways = waysThrough(view, false);
        const operations = ways.map(([, operation], i) => operation.replace('query', `query Q${i}`));
        expect(validate(view, parse(operations.join(' ')))).toEqual([]);
        for (const [, operation] of ways) {
          expect([operation, isRefused(principal, operation)]).toEqual([operation, false]);
        }
      }),
      { numRuns: runs(50), endOnFailure: true },
    );
    expect(partial).toBeGreaterThan(runs(25));
  });

  const SDL = `
    interface Node { id: ID! secret: Int }
    union Found = A | B
    type A implements Node { id: ID! secret: Int @auth(scope: "read:a") of: EnumOfA }
    type B implements Node @auth(scope: "read:b") { id: ID! secret: Int }
    type C { only: Int @auth(scope: "read:c") }
    type OnlyThroughNode implements Node { id: ID! secret: Int }
    enum EnumOfA { X }
    input InputOfB { kind: EnumOfB }
    enum EnumOfB { Y }
    type Query {
      found: Found @public
      b(input: InputOfB): B @public
      c: C @public
      a: A @public
    }`;

  test('keeps the fields of an interface that all its types allow, and the remaining types of a union', () => {
    const schema = `${SDL} extend type Query { node: Node @public }`;
    const withB = viewFor(schema, ['read:b']);
    expect(fieldsOf(withB, 'Node')).toEqual(['id']);
    expect(fieldsOf(withB, 'B')).toEqual(['id', 'secret']);
    expect(namesOf(withB)).toEqual(expect.arrayContaining(['OnlyThroughNode', 'InputOfB', 'EnumOfB']));
    const without = viewFor(schema, []);
    // Without read:b nobody can select B, so no field can be selected through the interface.
    expect(fieldsOf(without, 'Query')).toEqual(['found', 'a']);
    expect(
      introspectionFromSchema(without ?? service).__schema.types.find(({ name }) => name === 'Found'),
    ).toMatchObject({
      possibleTypes: [{ name: 'A' }],
    });
    expect(namesOf(without).sort()).toEqual(['A', 'EnumOfA', 'Found', 'Query', 'Scope']);
  });

  test('removes a type without visible fields, and the fields that return it', () => {
    expect(fieldsOf(viewFor(SDL, []), 'Query')).not.toContain('c');
    expect(fieldsOf(viewFor(SDL, ['read:c']), 'Query')).toContain('c');
  });

  test('is null if every query is guarded', () => {
    expect(viewFor('type Query { a: Int @auth(scope: "read:a") }', ['read:b'])).toBeNull();
  });
});

test('is shared by all callers with the same access, and a bounded number is cached', () => {
  const letters = 'abcdefgh'.split('');
  const fields = letters.map((letter) => `${letter}: Int @auth(scope: "read:${letter}")`);
  const schema = guardSchema(ownSchema(`type Query { open: Int @public ${fields.join(' ')} }`));
  const views = new Views(schema, rulesOf(schema));
  const seen = views.of(keyWith(['read:a']));
  expect(views.of(keyWith(['read:other', 'read:a']))).toBe(seen);
  expect(views.of(keyWith(['read:b']))).not.toBe(seen);
  expect(views.size).toBe(2);
  for (let set = 0; set < 2 ** letters.length - 1; set += 1) {
    views.of(keyWith(letters.filter((_, i) => (set >> i) % 2 === 1).map((letter) => `read:${letter}`)));
  }
  expect(views.size).toBe(64);
});
