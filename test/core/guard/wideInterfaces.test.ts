import { getOperationAST, parse, type DocumentNode, type GraphQLSchema, type OperationDefinitionNode } from 'graphql';
import { SelectionCounter } from '../../../src/core/guard/answer/selections.js';
import { OperationCompiler } from '../../../src/core/guard/compiledOperation.js';
import { guardSchema, rulesOf } from '../../../src/core/guard/guard.js';
import { ownSchema } from '../../bypass/own.js';

// B40: a document of a few words must not cause work that multiplies with its levels or with pairs of types.

const TYPES = 10;
const LEVELS = 10;

const types = Array.from({ length: TYPES }, (_, i) => `type T${i} implements Node { id: ID self: Node }`);
const SDL = `interface Node { id: ID self: Node } ${types.join('\n')} type Query { node: Node @public }`;
const SOURCE = `{ node { ${'... { self { '.repeat(LEVELS)}id${' } }'.repeat(LEVELS)} } }`;
const document = parse(SOURCE);

function operationOf(given: DocumentNode): OperationDefinitionNode {
  const operation = getOperationAST(given);
  if (operation == null) throw new Error('The document has no operation.');
  return operation;
}

/** Returns how often the types of an interface are read. Throws if it is often, because the work could take hours. */
function reads(schema: GraphQLSchema, act: () => void): number {
  let count = 0;
  const possible = schema.getPossibleTypes.bind(schema);
  schema.getPossibleTypes = (type) => {
    count += 1;
    if (count > 10_000) throw new Error('The types of an interface are read too often.');
    return possible(type);
  };
  act();
  return count;
}

test('the fields of a response are counted once for each level', () => {
  const schema = guardSchema(ownSchema(SDL));
  let fields = 0;
  const count = reads(schema, () => {
    fields = new SelectionCounter({ schema, fragments: {}, variableValues: {} }, 50_000).ofOperation(
      operationOf(document),
    );
  });
  expect(fields).toBe(LEVELS + 2);
  expect(count).toBe(LEVELS + 1);
});

test('the type with the most fields counts at each level', () => {
  const schema = guardSchema(ownSchema(SDL));
  const source = '{ node { ... on T3 { id a: id self { ... on T4 { id a: id b: id } } } ... on T5 { self { id } } } }';
  const deepest = operationOf(parse(source));
  const counter = new SelectionCounter({ schema, fragments: {}, variableValues: {} }, 50_000);
  expect(counter.ofOperation(deepest)).toBe(1 + 3 + 3);
});

test('an operation is compiled by reading the types of each level once', () => {
  const schema = guardSchema(ownSchema(SDL));
  const compiler = new OperationCompiler(schema, rulesOf(schema));
  expect(reads(schema, () => compiler.compile(document, operationOf(document), {}))).toBe(LEVELS + 1);
});
