import fc from 'fast-check';
import {
  buildASTSchema,
  concatAST,
  Kind,
  NoUnusedFragmentsRule,
  NoUnusedVariablesRule,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { conditionsOf } from '../../../src/core/guard/conditions.js';
import { Explainer } from '../../../src/core/guard/explain.js';
import { fieldAccess } from '../../../src/core/guard/fieldAccess.js';
import { guardSchema } from '../../../src/core/guard/guard.js';
import { OperationCompiler } from '../../../src/core/guard/compiledOperation.js';
import { readRules } from '../../../src/core/guard/readRules.js';
import { documentBounds } from '../../../src/core/guard/document/documentBounds.js';
import { directiveTypeDefs } from '../../../src/management/schema/typeDefs.js';
import { keyWith, ownSchema } from '../../bypass/own.js';
import { chooser, randomDocument, randomSdl } from './documents.js';
import { runs } from '../../support/runs.js';

const explainer = new Explainer({ bounds: documentBounds(), introspection: 'on' });
const reader = keyWith(['admin']);

const schema = guardSchema(
  ownSchema(`
    type Query {
      open: Int @public
      a(x: Int, y: InputA): A @auth(scope: "read:a")
      either: A @auth(scope: [["read:b"], ["read:c", "read:d"]])
    }
    input InputA { z: Int! }
    type A { id: ID b: [A!] @auth(scope: "read:b") }
    type Mutation { act: A @auth(scope: "write:a") }`),
);
const explain = (
  document: string,
  scopes: readonly string[],
  more: { operationName?: string; variables?: unknown } = {},
) =>
  explainer.explain(
    schema,
    keyWith(scopes),
    { document, operationName: more.operationName ?? null, variables: more.variables },
    { reader },
  );

describe('the fields of an operation', () => {
  it('are in order, with their response keys and requirements', () => {
    const { fields, missingScopes, objections, cost } = explain(
      '{ open x: a { id b { ...F } } either { id } } fragment F on A { again: b { id } }',
      ['read:a', 'read:c'],
    );
    expect(fields).toEqual([
      { coordinate: 'Query.a', path: ['x'], allowed: true, requires: [['read:a']], missing: [] },
      { coordinate: 'A.b', path: ['x', 'b'], allowed: false, requires: [['read:b']], missing: ['read:b'] },
      { coordinate: 'A.b', path: ['x', 'b', 'again'], allowed: false, requires: [['read:b']], missing: ['read:b'] },
      {
        coordinate: 'Query.either',
        path: ['either'],
        allowed: false,
        requires: [['read:b'], ['read:c', 'read:d']],
        missing: ['read:b'],
      },
    ]);
    expect([missingScopes, objections, cost]).toEqual([['read:b'], ['MISSING_SCOPES'], 1]);
  });

  it('depend on the variables', () => {
    const query = 'query ($v: Boolean = true) { open a @skip(if: $v) { id } }';
    expect(explain(query, []).fields).toEqual([]);
    expect(explain(query, []).objections).toEqual([]);
    expect(explain(query, [], { variables: { v: false } }).fields).toHaveLength(1);
    expect(explain(query, [], { variables: { v: false } }).objections).toEqual(['MISSING_SCOPES']);
  });

  it('are those that the guard checks, in any document', () => {
    const rules = specifiedRules.filter((rule) => rule !== NoUnusedFragmentsRule && rule !== NoUnusedVariablesRule);
    let cases = 0;
    fc.assert(
      fc.property(fc.gen(), fc.subarray(['read:a', 'read:b', 'write:a', 'read:all']), (g, scopes) => {
        const choose = chooser(g);
        const random = buildASTSchema(concatAST([directiveTypeDefs(), parse(randomSdl(choose))]));
        const document = parse(randomDocument(choose));
        fc.pre(validate(random, document, rules).length === 0);
        const operation = document.definitions.find((node) => node.kind === Kind.OPERATION_DEFINITION);
        if (operation === undefined) throw new Error('There is an operation.');
        const ofSchema = readRules(random);
        const variables = { v: choose(2) === 0, w: choose(2) === 0 };
        const { rules: met } = new OperationCompiler(random, ofSchema).compile(document, operation, variables);
        const fields = fieldAccess(
          { schema: random, rules: ofSchema, principal: keyWith(scopes) },
          document,
          operation,
          { conditions: conditionsOf(document, operation, variables), variables },
        );
        cases += 1;
        if (fields.length === 200) return;
        expect([...new Set(fields.map(({ coordinate }) => coordinate))].sort()).toEqual(
          [...new Set(met.map(({ coordinate }) => coordinate))].sort(),
        );
      }),
      { numRuns: runs(60), endOnFailure: true },
    );
    expect(cases).toBe(runs(60));
  });

  it('B40 are at most two hundred of a fan-out of fragments, which is checked completely', () => {
    const fan = Array.from(
      { length: 30 },
      (_, i) => `fragment F${i} on A { l${i}: b { ...F${i + 1} } r${i}: b { ...F${i + 1} } }`,
    );
    const random = fan.join(' ');
    const document = parse(`{ a { ...F0 } } ${random} fragment F30 on A { id b { id } }`);
    const [operation] = document.definitions;
    if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('It is an operation.');
    const fields = fieldAccess({ schema, rules: readRules(schema), principal: reader }, document, operation, {
      conditions: conditionsOf(document, operation, {}),
      variables: {},
    });
    expect(fields).toHaveLength(200);
  });
});

describe('an error of a document', () => {
  it.each<[string, string, RegExp, object?]>([
    ['its syntax', '{ open', /^Syntax Error: Expected Name, found <EOF>\.$/, {}],
    ['its validity', '{ opn }', /^Cannot query field "opn".*Did you mean "open"/, {}],
    ['tokens above the bound', `{ ${'open '.repeat(701)} }`, /700 tokens/, {}],
    ['depth above the bound', `{ a ${'{ b '.repeat(13)}{ id }${' }'.repeat(13)} }`, /depth/i, {}],
    ['no operation of that name', 'query A { open }', /operationName/, { operationName: 'B' }],
    ['several and none is named', 'query A { open } query B { open }', /operationName/, {}],
    ['no operations of that kind', 'subscription { open }', /^The schema has no subscription type\.$/, {}],
    [
      'variables that do not fit',
      'query ($x: Int!) { a(x: $x) { id } }',
      /^Variable "\$x" of required type "Int!" was not provided\.$/,
      {},
    ],
    ['variables that are a list', 'query ($x: Int) { a(x: $x) { id } }', /must be an object/, { variables: [1] }],
    ['variables that are a text', '{ open }', /must be an object/, { variables: 'x' }],
  ])('%s', (_, document, message, more) => {
    const { errors, objections } = explain(document, ['read:all'], more);
    expect(errors[0]?.message).toMatch(message);
    expect(objections).toEqual(['INVALID_DOCUMENT']);
  });

  it('has a position, and is limited to twenty short errors', () => {
    const { errors, cost, fields } = explain(`{\n  opn ${'x '.repeat(50)}}`, []);
    expect(errors[0]).toMatchObject({ line: 2, column: 3 });
    expect(errors.length).toBeLessThanOrEqual(21);
    expect([cost, fields]).toEqual([null, []]);
    expect(explain(`{ ${'x'.repeat(5_000)} }`, []).errors[0]?.message.length).toBeLessThan(1_100);
  });

  it('contains no key', () => {
    const token = `lks_live_${'0'.repeat(54)}`;
    expect(JSON.stringify(explain(`{ ${token} }`, []).errors)).not.toContain(token);
  });
});

describe('B42 who reads an explanation', () => {
  it.each([
    ['off', false],
    ['scoped', false],
    ['on', true],
  ] as const)('shows the reader with introspection %s no name that they may not read', (introspection, learns) => {
    const strict = new Explainer({ bounds: documentBounds(), introspection });
    const { errors } = strict.explain(
      schema,
      reader,
      { document: '{ eithr { id } }', operationName: null, variables: null },
      { reader: keyWith(['read:a']) },
    );
    expect(errors[0]?.message.includes('"either"')).toBe(learns);
  });
});

it('checks introspection and trusted documents for the key in question', () => {
  const question = { document: '{ __schema { description } }', operationName: null, variables: null };
  const strict = new Explainer({ bounds: documentBounds(), introspection: 'off' });
  expect(strict.explain(schema, reader, question, { reader }).objections).toEqual(['INTROSPECTION_REFUSED']);
  expect(explainer.explain(schema, reader, question, { reader }).objections).toEqual([]);
  const bound = { ...keyWith(['admin']), trustedDocuments: new Set<string>() } as ReturnType<typeof keyWith>;
  expect(explainer.explain(schema, bound, question, { reader }).objections).toEqual(['DOCUMENT_NOT_TRUSTED']);
});
