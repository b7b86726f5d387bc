import { Kind, parse, print, type OperationDefinitionNode } from 'graphql';
import { conditionsOf } from '../../../src/core/guard/conditions.js';
import { introspectionPart, readsSchemaBelow } from '../../../src/core/guard/introspectionPart.js';

function read(text: string, variables: Record<string, unknown> = {}) {
  const document = parse(text);
  const operation = document.definitions.find(
    (definition): definition is OperationDefinitionNode => definition.kind === Kind.OPERATION_DEFINITION,
  );
  if (operation === undefined) throw new Error('There is an operation.');
  return {
    part: print(introspectionPart(document, operation)).replace(/\s+/g, ' '),
    below: readsSchemaBelow(document, operation, conditionsOf(document, operation, variables)),
  };
}

test.each([
  ['{ a: __schema { description } tiers { tier } __typename }', '{ a: __schema { description } }'],
  [
    '{ ... @include(if: true) { x { y } __type(name: "A") { name } } }',
    '{ ... @include(if: true) { __type(name: "A") { name } } }',
  ],
  [
    '{ ...F x } fragment F on Query { x __schema { ...S } } fragment S on __Schema { types { name } }',
    '{ ...F } fragment F on Query { __schema { ...S } } fragment S on __Schema { types { name } }',
  ],
  [
    'query Q($n: String!, $b: Boolean, $i: Input!, $l: [String]) { __type(name: $n) { name @skip(if: $b) } x(i: $i, l: $l) }',
    'query Q($n: String!, $b: Boolean) { __type(name: $n) { name @skip(if: $b) } }',
  ],
])('returns the part of %s that reads the schema', (text, part) => {
  expect(read(text)).toEqual({ part, below: false });
});

test.each<[string, boolean, Record<string, unknown>]>([
  ['{ query { __schema { description } } }', true, {}],
  ['{ a: __schema { description } query { query { x } } }', false, {}],
  ['{ query { ... { ...F } } } fragment F on Query { t: __type(name: "A") { name } }', true, {}],
  ['{ ...F } fragment F on Query { t: __type(name: "A") { name } }', false, {}],
  ['{ ...F query { ...F } } fragment F on Query { t: __type(name: "A") { name } }', true, {}],
  ['{ __schema { types { fields { name } } } }', false, {}],
  ['query ($v: Boolean!) { query @include(if: $v) { __schema { description } } }', true, { v: true }],
  ['query ($v: Boolean!) { query @include(if: $v) { __schema { description } } }', false, { v: false }],
])('%s reads it below the top level: %s', (text, below, variables) => {
  expect(read(text, variables).below).toBe(below);
});

test('B40 a fan-out of fragments is neither visited repeatedly nor expanded', () => {
  const fan = Array.from(
    { length: 60 },
    (_, i) => `fragment F${i} on Query { ...F${i + 1} query { ...F${i + 1} ...F${i + 1} } }`,
  );
  const { part, below } = read(`{ ...F0 ...F0 } ${fan.join(' ')} fragment F60 on Query { x }`);
  expect(below).toBe(false);
  expect(part.length).toBeLessThan(4_000);
});
