import fc from 'fast-check';
import {
  buildASTSchema,
  concatAST,
  execute,
  isObjectType,
  Kind,
  NoUnusedFragmentsRule,
  NoUnusedVariablesRule,
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { guardSchema } from '../../../src/core/guard/guard.js';
import { decide } from '../../../src/core/guard/decide.js';
import { OperationCompiler } from '../../../src/core/guard/compiledOperation.js';
import { readRules } from '../../../src/core/guard/readRules.js';
import type { SchemaRules } from '../../../src/core/guard/rules.js';
import { directiveTypeDefs } from '../../../src/management/schema/typeDefs.js';
import { keyWith } from '../../bypass/own.js';
import { chooser, randomDocument, randomSdl, VARIABLES, type Choose } from './documents.js';
import { runs } from '../../support/runs.js';

const RULES = specifiedRules.filter((rule) => rule !== NoUnusedFragmentsRule && rule !== NoUnusedVariablesRule);

/** A schema whose resolvers record each field that runs and return values of random types. */
function instrumented(sdl: string, choose: Choose, ran: string[]): GraphQLSchema {
  const schema = buildASTSchema(concatAST([directiveTypeDefs(), parse(sdl)]), { assumeValidSDL: true });
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) {
      field.resolve = () => {
        ran.push(`${type.name}.${field.name}`);
        switch (field.name) {
          case 'id':
            return 'id';
          case 'named':
            return { __typename: ['A', 'C'][choose(2)] };
          default:
            return { __typename: ['A', 'B', 'C'][choose(3)] };
        }
      };
    }
  }
  return schema;
}

interface Case {
  readonly schema: GraphQLSchema;
  readonly rules: SchemaRules;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly variables: Record<string, unknown>;
  readonly ran: string[];
}

function randomCase(g: fc.GeneratorValue): Case | null {
  const choose = chooser(g);
  const ran: string[] = [];
  const schema = instrumented(randomSdl(choose), choose, ran);
  const document = parse(randomDocument(choose), { noLocation: true });
  if (validate(schema, document, RULES).length > 0) return null;
  const operation = document.definitions.find((node) => node.kind === Kind.OPERATION_DEFINITION);
  if (operation === undefined) return null;
  const variables = Object.fromEntries(
    VARIABLES.flatMap((name, i): [string, boolean][] => (i > 0 && choose(2) === 0 ? [] : [[name, choose(2) === 0]])),
  );
  return { schema, rules: readRules(schema), document, operation, variables, ran };
}

// A counterexample as it was found. Shrinking one takes minutes, and its seed is printed.
const SETTINGS = { numRuns: runs(120), endOnFailure: true };

describe('the judge of operations against what execution really runs', () => {
  let cases = 0;
  let guarded = 0;

  it('checks every rule of every field that runs, and counts every root field', async () => {
    await fc.assert(
      fc.asyncProperty(fc.gen(), async (g) => {
        const one = randomCase(g);
        fc.pre(one !== null);
        const { schema, rules, document, operation, variables, ran } = one;
        const compiled = new OperationCompiler(schema, rules).compile(document, operation, variables);
        const result = await execute({ schema, document, variableValues: variables });
        expect(result.errors).toBeUndefined();

        const judged = new Set(compiled.rules);
        const timesRun = new Map<string, number>();
        for (const coordinate of ran) {
          const [type = '', field = ''] = coordinate.split('.');
          const rule = rules.fields.get(type)?.get(field);
          if (rule !== undefined) {
            guarded += 1;
            expect([...judged].map((met) => met.coordinate)).toContain(rule.coordinate);
          }
          if (type === 'Query') timesRun.set(field, (timesRun.get(field) ?? 0) + 1);
        }
        expect(compiled.cost).toBeGreaterThanOrEqual(Math.max(1, ...timesRun.values()));
        cases += 1;
      }),
      SETTINGS,
    );
    // A generator without valid or guarded documents would prove nothing.
    expect(cases).toBe(SETTINGS.numRuns);
    expect(guarded).toBeGreaterThan(SETTINGS.numRuns / 2);
  });

  it('allows only operations that no guarded field rejects later', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.gen(),
        fc.subarray(['read:a', 'read:b', 'write:a', 'write:b', 'read:all']),
        async (g, held) => {
          const one = randomCase(g);
          fc.pre(one !== null);
          const { schema, rules, document, operation, variables } = one;
          const principal = keyWith(held);
          const compiled = new OperationCompiler(schema, rules).compile(document, operation, variables);
          const refusal = decide(compiled.rules, principal);
          const result = await execute({
            schema: guardSchema(schema),
            document,
            variableValues: variables,
            contextValue: { principal },
          });
          if (refusal !== null) return;
          for (const { extensions } of result.errors ?? []) {
            // Only the rule of a type may still reject, and only if no fragment names the type: then it depends on the value.
            const { fields } = extensions as { fields: { coordinate: string }[] };
            expect(fields.filter(({ coordinate }) => coordinate.includes('.'))).toEqual([]);
          }
        },
      ),
      SETTINGS,
    );
  });
});
