import { jest } from '@jest/globals';
import {
  buildSchema,
  graphql,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  printSchema,
  validateSchema,
  type GraphQLSchema,
} from 'graphql';
import fc from 'fast-check';
import { documentBounds } from '../../../src/core/guard/document/documentBounds.js';
import { Explainer } from '../../../src/core/guard/explain.js';
import { assertGuarded, guardSchema, rulesOf } from '../../../src/core/guard/guard.js';
import { openings } from '../../../src/core/guard/openings.js';
import { suggestionFor } from '../../../src/core/guard/suggestion.js';
import { viewOf } from '../../../src/core/guard/views.js';
import { faultsOf, keyWith, ownSchema } from '../../bypass/own.js';
import { chooser } from './documents.js';
import { randomInputSdl } from './inputSdl.js';
import { runs } from '../../support/runs.js';

const TYPE_DEFS = `
  interface Found { list(first: Int, secret: Int): Int }
  type A implements Found { list(first: Int, secret: Int @auth(scope: "read:secrets")): Int }
  type B implements Found { list(first: Int, secret: Int): Int }
  input Filter { text: String owner: String @auth(scope: "read:owners") next: Filter }
  input Closed { key: ID! @auth(scope: "read:owners") }
  input Around { closed: Closed text: String }
  input Needing { closed: Closed! }
  directive @with(filter: Filter, closed: Closed) on FIELD
  directive @needing(closed: Closed!) on FIELD
  type Query {
    found: Found @public
    a: A @public
    b: B @public
    open(deleted: Boolean @auth(scope: "read:deleted"), first: Int): Int @public
    needs(key: ID! @auth(scope: "read:deleted")): Int @public
    filtered(filter: Filter!, around: Around, closed: Closed): Int @public
    closed(closed: Closed!): Int @public
    needing(needing: Needing!): Int @public
  }
  type Mutation { act(price: Int @auth(scope: "write:prices")): Int @auth(scope: "write:orders") }`;

const schema = guardSchema(ownSchema(TYPE_DEFS));

function argumentsIn(view: GraphQLSchema | null, type: string, field: string): string[] {
  const found = view?.getType(type);
  const fields = isObjectType(found) || isInterfaceType(found) ? found.getFields() : {};
  return fields[field]?.args.map(({ name }) => name) ?? [];
}

function inputFields(view: GraphQLSchema | null, type: string): string[] | null {
  const found = view?.getType(type);
  return isInputObjectType(found) ? Object.keys(found.getFields()) : null;
}

describe('the view of a schema', () => {
  const view = viewOf(schema, keyWith(['read:other']));

  it('hides arguments and input fields that the caller may not use, and shows them to others', () => {
    expect(argumentsIn(view, 'Query', 'open')).toEqual(['first']);
    expect(inputFields(view, 'Filter')).toEqual(['text', 'next']);
    const more = viewOf(schema, keyWith(['read:deleted', 'read:owners']));
    expect(argumentsIn(more, 'Query', 'open')).toEqual(['deleted', 'first']);
    expect(inputFields(more, 'Filter')).toEqual(['text', 'owner', 'next']);
    expect(viewOf(schema, keyWith(['admin']))).toBe(schema);
  });

  it('hides what can only be used with a hidden part: fields, input types, arguments and directives', () => {
    const fields = Object.keys(view?.getQueryType()?.getFields() ?? {});
    expect(fields).toEqual(['found', 'a', 'b', 'open', 'filtered']);
    expect(argumentsIn(view, 'Query', 'filtered')).toEqual(['filter', 'around']);
    expect(inputFields(view, 'Around')).toEqual(['text']);
    expect(inputFields(view, 'Closed')).toBeNull();
    expect(inputFields(view, 'Needing')).toBeNull();
    expect(view?.getDirective('with')?.args.map(({ name }) => name)).toEqual(['filter']);
    expect(view?.getDirective('needing')).toBeUndefined();
    expect(view?.getDirective('skip')).toBeDefined();
  });

  it('hides an argument of an interface if one of its types hides it', () => {
    expect(argumentsIn(view, 'Found', 'list')).toEqual(['first']);
    expect(argumentsIn(view, 'A', 'list')).toEqual(['first']);
    expect(argumentsIn(view, 'B', 'list')).toEqual(['first', 'secret']);
  });

  it('does not name hidden parts, and is valid', () => {
    if (view === null) throw new Error('There is a view.');
    expect(validateSchema(view)).toEqual([]);
    expect(printSchema(view)).not.toMatch(/owner|deleted|Closed|price/);
  });

  test('is valid for random schemas and scopes', () => {
    let hidden = 0;
    fc.assert(
      fc.property(fc.gen(), fc.subarray(['read:in0.a', 'read:in1.leaf', 'read:q.x', 'read:in2.b']), (g, scopes) => {
        const random = guardSchema(ownSchema(randomInputSdl(chooser(g))));
        const part = viewOf(random, keyWith(scopes));
        if (part === null) return;
        expect(validateSchema(part)).toEqual([]);
        if (part !== random) hidden += 1;
      }),
      { numRuns: runs(100) },
    );
    expect(hidden).toBeGreaterThan(runs(30));
  });
});

describe('an explanation', () => {
  const explainer = new Explainer({ bounds: documentBounds(), introspection: 'on' });
  const explain = (document: string, variables: unknown, scopes: readonly string[]) =>
    explainer.explain(
      schema,
      keyWith(scopes),
      { document, operationName: null, variables },
      { reader: keyWith(['admin']) },
    );

  it('lists the arguments and input fields in use, at the path of their field', () => {
    const document = 'query ($f: Filter!, $d: Boolean) { x: open(deleted: $d) filtered(filter: $f) }';
    const used = explain(document, { d: null, f: { next: { owner: 'a' } } }, ['read:deleted']);
    expect(used.fields).toEqual([
      {
        coordinate: 'Query.open(deleted:)',
        path: ['x'],
        allowed: true,
        requires: [['read:deleted']],
        missing: [],
      },
      {
        coordinate: 'Filter.owner',
        path: ['filtered'],
        allowed: false,
        requires: [['read:owners']],
        missing: ['read:owners'],
      },
    ]);
    expect([used.objections, used.missingScopes]).toEqual([['MISSING_SCOPES'], ['read:owners']]);
    const unused = explain(document, { f: { next: {} } }, []);
    expect([unused.fields, unused.objections]).toEqual([[], []]);
  });

  it('counts a query in the category of the arguments that it uses', () => {
    const admin = guardSchema(ownSchema('type Query { q(all: Boolean @auth(scope: "admin")): Int @public }'));
    const categoryOf = (variables: object) =>
      explainer.explain(
        admin,
        keyWith(['admin']),
        { document: 'query ($a: Boolean) { q(all: $a) }', operationName: null, variables },
        { reader: keyWith(['admin']) },
      ).category;
    expect([categoryOf({}), categoryOf({ a: false }), categoryOf({})]).toEqual(['read', 'admin', 'read']);
  });
});

describe('scopes of arguments and input fields', () => {
  it('are scopes of the schema, with the coordinates that they give access to', () => {
    const rules = rulesOf(schema);
    expect(rules.scopes).toEqual(expect.arrayContaining(['read:deleted', 'read:owners', 'write:prices']));
    const opens = Object.fromEntries(openings(schema, rules));
    expect(opens['read:deleted']).toEqual(['Query.open(deleted:)', 'Query.needs(key:)']);
    expect(opens['read:owners']).toEqual(['Filter.owner', 'Closed.key']);
    // Its field requires another scope.
    expect(opens['write:prices']).toEqual([]);
  });

  it('are suggested for keys that use them', () => {
    const used = [{ coordinate: 'Query.open(deleted:)' }, { coordinate: 'Filter.owner' }];
    expect(suggestionFor([rulesOf(schema)], used, ['read:all']).scopes).toEqual([
      { scope: 'read:deleted', fields: [{ coordinate: 'Query.open(deleted:)' }] },
      { scope: 'read:owners', fields: [{ coordinate: 'Filter.owner' }] },
    ]);
  });

  it('are in the descriptions, once', () => {
    const again = guardSchema(guardSchema(ownSchema(TYPE_DEFS)));
    const text = printSchema(again);
    expect(text.match(/Requires `read:deleted`\./g)).toHaveLength(2);
    expect(text.match(/Requires `read:owners`\./g)).toHaveLength(2);
  });
});

describe('the guard of a resolver', () => {
  const ask = async (guarded: GraphQLSchema, source: string, scopes: readonly string[], variableValues = {}) =>
    graphql({ schema: guarded, source, variableValues, contextValue: { principal: keyWith(scopes) } });

  it('refuses a used argument before the resolver runs, also without the plugin', async () => {
    const list = jest.fn(() => 1);
    const guarded = guardSchema(
      ownSchema(
        `input F { owner: String @auth(scope: "read:owners") text: String = "x" }
         type Query { q(deleted: Boolean = false @auth(scope: "read:deleted"), f: F = { owner: "us" }): Int @public }`,
        { Query: { q: list } },
      ),
    );
    for (const source of ['{ q(deleted: true) }', '{ q(f: { owner: "a" }) }']) {
      const { data, errors } = await ask(guarded, source, ['read:other']);
      expect([data, errors?.[0]?.extensions.code]).toEqual([{ q: null }, 'FORBIDDEN']);
    }
    expect(list).not.toHaveBeenCalled();
    for (const source of ['{ q }', '{ q(f: {}) }', '{ q(f: { text: "y" }) }']) {
      expect(await ask(guarded, source, [])).toEqual({ data: { q: 1 } });
    }
    const both = '{ q(deleted: true, f: { owner: "a" }) }';
    expect(await ask(guarded, both, ['read:deleted', 'read:owners'])).toEqual({ data: { q: 1 } });
  });

  it('reads a large argument once for all entries of a list', async () => {
    const guarded = guardSchema(
      ownSchema(
        `input F { all: [F!] secret: Int @auth(scope: "read:secrets") }
         type T { of(f: F): Int } type Query { list: [T] @public }`,
        { Query: { list: () => Array.from({ length: 500 }, () => ({})) }, T: { of: () => 1 } },
      ),
    );
    const hasOwn = jest.spyOn(Object, 'hasOwn');
    const f = { all: Array.from({ length: 50 }, () => ({})) };
    const { data, errors } = await ask(guarded, 'query ($f: F) { list { of(f: $f) } }', [], { f });
    const reads = hasOwn.mock.calls.length;
    hasOwn.mockRestore();
    expect(errors).toBeUndefined();
    expect(data?.list).toHaveLength(500);
    expect(reads).toBeLessThan(1_000);
  });

  it('is missing from a schema whose resolver was replaced', () => {
    const guarded = guardSchema(ownSchema('type Query { q(a: Int @auth): Int @public }'));
    expect(faultsOf(() => assertGuarded(guarded))).toEqual([]);
    const field = guarded.getQueryType()?.getFields().q;
    if (field === undefined) throw new Error('There is a field.');
    field.resolve = () => 1;
    expect(faultsOf(() => assertGuarded(guarded))).toEqual([
      'Query.q: its rule is not enforced. Call guardSchema last, after every resolver, merge, extension and wrapper.',
    ]);
  });
});

test('a declaration of @auth without the newer locations is accepted, and one with others is not', () => {
  const declared = (locations: string) =>
    faultsOf(() =>
      guardSchema(
        buildSchema(
          `directive @auth(scope: [[Scope!]!]) repeatable on ${locations} scalar Scope type Query { a: Int @auth }`,
        ),
      ),
    );
  expect(declared('OBJECT | FIELD_DEFINITION')).toEqual([]);
  expect(declared('OBJECT | FIELD_DEFINITION | INTERFACE')).toEqual([
    expect.stringMatching(/^@auth is not declared as .*INPUT_FIELD_DEFINITION/),
  ]);
  expect(declared('FIELD_DEFINITION')).toEqual([expect.stringContaining('@auth is not declared as')]);
});
