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
  type OperationDefinitionNode,
} from 'graphql';
import { decide } from '../../../src/core/guard/decide.js';
import { OperationCompiler, type CompiledOperation } from '../../../src/core/guard/compiledOperation.js';
import { readRules } from '../../../src/core/guard/readRules.js';
import { ruleAt, type SchemaRules } from '../../../src/core/guard/rules.js';
import { suggestionFor } from '../../../src/core/guard/suggestion.js';
import { directiveTypeDefs } from '../../../src/management/schema/typeDefs.js';
import { keyWith } from '../../bypass/own.js';
import { chooser, randomDocument, randomSdl } from './documents.js';
import { runs } from '../../support/runs.js';

const rulesOf = (sdl: string) =>
  readRules(buildASTSchema(concatAST([directiveTypeDefs(), parse(sdl)]), { assumeValidSDL: true }));

const use = (...coordinates: string[]) => coordinates.map((coordinate) => ({ coordinate }));

describe('a suggestion', () => {
  const rules = rulesOf(`
    type Query {
      a: String @auth(scope: "read:a")
      b: String @auth(scope: "read:b")
      either: String @auth(scope: [["read:a"], ["read:b"]])
      any: String @auth
      guarded: Guarded @auth
      open: String @public
    }
    type Guarded @auth(scope: "write:g") { id: ID }
  `);

  test('names the fields that would be inaccessible without a scope, and the scopes that are not needed', () => {
    expect(suggestionFor([rules], use('Query.a', 'Query.any', 'Query.either'), ['read:all', 'write:g'])).toEqual({
      scopes: [{ scope: 'read:a', fields: use('Query.a', 'Query.either') }],
      unneeded: ['read:all', 'write:g'],
      guarded: use('Query.a', 'Query.any', 'Query.either'),
    });
  });

  test('does not list a field that two scopes give access to', () => {
    expect(suggestionFor([rules], use('Query.a', 'Query.b', 'Query.either'), ['read:a', 'read:b'])).toMatchObject({
      scopes: [
        { scope: 'read:a', fields: use('Query.a') },
        { scope: 'read:b', fields: use('Query.b') },
      ],
      unneeded: [],
    });
  });

  test('finds the requirements of types by their coordinates', () => {
    for (const coordinate of ['Guarded', 'Guarded.id', 'Query.guarded'])
      expect(suggestionFor([rules], use(coordinate), ['admin']).scopes).toMatchObject([{ scope: 'write:g' }]);
  });

  test('ignores fields that the schema does not have or guard', () => {
    const nothing = { scopes: [], unneeded: ['admin'], guarded: [] };
    const gone = use('Query.gone', 'Gone.a', 'Gone', 'Query.open', 'Query', '', 'Query.a.b.c', 'constructor.a');
    expect(suggestionFor([rules], gone.slice(0, 6), ['admin'])).toEqual(nothing);
    expect(suggestionFor([rules], gone.slice(7), ['admin'])).toEqual(nothing);
    expect(suggestionFor([rules], [], ['admin'])).toEqual(nothing);
  });
});

const RULES = specifiedRules.filter((rule) => rule !== NoUnusedFragmentsRule && rule !== NoUnusedVariablesRule);

interface Case {
  readonly rules: SchemaRules;
  readonly operations: readonly CompiledOperation[];
}

function randomCase(g: fc.GeneratorValue): Case {
  const choose = chooser(g);
  const schema = buildASTSchema(concatAST([directiveTypeDefs(), parse(randomSdl(choose))]), { assumeValidSDL: true });
  const rules = readRules(schema);
  const compiler = new OperationCompiler(schema, rules);
  const operations = Array.from({ length: 3 }, () => {
    const document = parse(randomDocument(choose), { noLocation: true });
    if (validate(schema, document, RULES).length > 0) return [];
    const operation = document.definitions.find(
      (node): node is OperationDefinitionNode => node.kind === Kind.OPERATION_DEFINITION,
    );
    return operation === undefined ? [] : [compiler.compile(document, operation, {})];
  });
  return { rules, operations: operations.flat() };
}

test('is enough for everything that was allowed before, and needs each of its scopes', () => {
  let suggested = 0;
  fc.assert(
    fc.property(fc.gen(), fc.constantFrom(['admin'], ['read:all', 'write:all'], ['platform']), (g, held) => {
      const { rules, operations } = randomCase(g);
      const used = operations.filter((operation) => decide(operation.rules, keyWith(held)) === null);
      const fields = [...new Set(used.flatMap((operation) => operation.counted.fields))];
      for (const coordinate of fields) expect(ruleAt(rules, coordinate)?.coordinate).toBe(coordinate);
      const least = suggestionFor([rules], use(...fields), held).scopes;
      const lets = (scopes: readonly string[]) =>
        used.every((operation) => decide(operation.rules, keyWith(scopes)) === null);
      const scopes = least.map(({ scope }) => scope);
      expect(lets(scopes)).toBe(true);
      for (const { scope, fields: reasons } of least) {
        expect(lets(scopes.filter((other) => other !== scope))).toBe(false);
        expect(reasons.length).toBeGreaterThan(0);
        suggested += 1;
      }
    }),
    { numRuns: runs(150), endOnFailure: true },
  );
  expect(suggested).toBeGreaterThan(runs(20));
});
