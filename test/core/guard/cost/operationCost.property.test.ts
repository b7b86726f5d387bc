import fc from 'fast-check';
import {
  buildSchema,
  execute,
  getNamedType,
  getVariableValues,
  isObjectType,
  Kind,
  NoUnusedFragmentsRule,
  NoUnusedVariablesRule,
  parse,
  specifiedRules,
  validate,
  visit,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { conditionsOf } from '../../../../src/core/guard/conditions.js';
import { totalOf } from '../../../../src/core/guard/cost/algebras.js';
import { UNIT } from '../../../../src/core/guard/cost/costDirectives.js';
import { OperationCost, wholeCost } from '../../../../src/core/guard/cost/operationCost.js';
import { costsOf } from '../../../../src/core/guard/cost/schemaCosts.js';
import { fragmentsOf } from '../../../../src/core/guard/fragments.js';
import { chooser, type Choose } from '../documents.js';
import { randomDocument, randomSdl, randomVariables } from './generated.js';
import { LIST_SIZE, Oracle } from './oracle.js';
import { runs } from '../../../support/runs.js';

const RULES = specifiedRules.filter((rule) => rule !== NoUnusedFragmentsRule && rule !== NoUnusedVariablesRule);

interface Case {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly variables: Record<string, unknown>;
  readonly cost: OperationCost;
  readonly choose: Choose;
}

function randomCase(g: fc.GeneratorValue, least: number): Case | null {
  const choose = chooser(g);
  const schema = buildSchema(randomSdl(choose, { least }));
  const document = parse(randomDocument(choose, { least }), { noLocation: true });
  if (validate(schema, document, RULES).length > 0) return null;
  const operation = document.definitions.find((node) => node.kind === Kind.OPERATION_DEFINITION);
  if (operation === undefined) return null;
  const variables = randomVariables(choose, { least });
  if (getVariableValues(schema, operation.variableDefinitions ?? [], variables).errors !== undefined) return null;
  const costs = costsOf(schema);
  expect(costs.faults).toEqual([]);
  const conditions = conditionsOf(document, operation, variables);
  const fragments = fragmentsOf(document);
  const cost = new OperationCost(costs, { operation, fragments, conditions }, LIST_SIZE);
  return { schema, document, operation, variables, cost, choose };
}

const SETTINGS = { numRuns: runs(150), endOnFailure: true };

describe('the cost of an operation', () => {
  it('is the one that a literal interpretation of the specification gives', () => {
    let cases = 0;
    let withVariables = 0;
    fc.assert(
      fc.property(fc.gen(), (g) => {
        const one = randomCase(g, 0);
        fc.pre(one !== null);
        const { schema, document, operation, variables, cost } = one;
        const expected = new Oracle(schema, document, variables).estimate();
        expect(cost.estimate(variables)).toBe(expected);
        // The parts of the explanation add up to it.
        expect(wholeCost(totalOf(cost.shares(variables)))).toBe(expected);
        cases += 1;
        if ((operation.variableDefinitions ?? []).length > 0) withVariables += 1;
      }),
      SETTINGS,
    );
    expect(cases).toBe(SETTINGS.numRuns);
    expect(withVariables).toBeGreaterThan(SETTINGS.numRuns / 2);
  });

  it('is an upper bound of the calls that execution makes, which the response shows', async () => {
    let exact = 0;
    let large = 0;
    await fc.assert(
      fc.asyncProperty(fc.gen(), async (g) => {
        // Each list has at most three entries, and each size is at least three.
        const one = randomCase(g, 3);
        fc.pre(one !== null);
        const { schema, document, variables, cost, choose } = one;
        const oracle = new Oracle(schema, document, variables);
        const ran = instrument(schema, oracle, choose);
        const { data, errors } = await execute({ schema, document, variableValues: variables });
        expect(errors).toBeUndefined();
        fc.pre(data != null);
        const measured = cost.measure({ ...data }, variables);
        const dynamic = Math.max(1, Math.ceil((ran.units + oracle.typeCost(schema.getQueryType() as never)) / UNIT));
        expect(measured).toBeGreaterThanOrEqual(dynamic);
        expect(dynamic).toBeLessThanOrEqual(cost.estimate(variables));
        if (!hasAbstract(document)) {
          expect(measured).toBe(dynamic);
          exact += 1;
        }
        if (dynamic > 10) large += 1;
      }),
      SETTINGS,
    );
    // A generator without such responses would prove nothing.
    expect(exact).toBeGreaterThan(SETTINGS.numRuns / 5);
    expect(large).toBeGreaterThan(SETTINGS.numRuns / 50);
  });
});

/** Makes resolvers that return random values, and add up what the dynamic analysis of the specification counts (5.1.2). */
function instrument(schema: GraphQLSchema, oracle: Oracle, choose: Choose): { units: number } {
  const ran = { units: 0 };
  const objects = {
    A: ['A'],
    B: ['B'],
    C: ['C'],
    Node: ['A', 'B', 'C'],
    Any: ['A', 'B', 'C'],
    Conn: ['Conn'],
    Edge: ['Edge'],
  };
  const one = (name: string): unknown => {
    const types = (objects as Partial<Record<string, string[]>>)[name];
    const typeName = types?.[choose(types.length)];
    ran.units += oracle.typeCost(schema.getType(typeName ?? name) as never);
    return typeName === undefined ? ({ Kind: 'X', Int: 1 }[name] ?? 'x') : { __typename: typeName };
  };
  const list = (make: () => unknown): unknown[] => Array.from({ length: choose(4) }, make);
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) {
      const { name } = getNamedType(field.type);
      const depth = String(field.type).split('[').length - 1;
      field.resolve = (_source, _args, _context, info) => {
        ran.units += oracle.fieldCost(info.fieldNodes[0] as never, field);
        if (choose(8) === 0) return null;
        if (depth === 2) return list(() => list(() => one(name)));
        return depth === 1 ? list(() => one(name)) : one(name);
      };
    }
  }
  return ran;
}

/** Whether a response of the document can have an object whose type is not known. */
function hasAbstract(document: DocumentNode): boolean {
  let found = false;
  const abstract = new Set(['node', 'nodes', 'any', 'anys', 'items']);
  visit(document, { Field: ({ name }) => void (found ||= abstract.has(name.value)) });
  return found;
}
