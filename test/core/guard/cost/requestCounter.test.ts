import { buildSchema, Kind, parse } from 'graphql';
import { conditionsOf } from '../../../../src/core/guard/conditions.js';
import { RequestCounter } from '../../../../src/core/guard/cost/requestCounter.js';

const schema = buildSchema(`
  schema { query: Root mutation: Actions subscription: Events }
  interface Searchable { search: Root other: Int }
  type Root implements Searchable { a: Int b: Int root: Root search: Root other: Int actions: Payload }
  type Actions { act: Payload also: Int }
  type Payload { root: Root ok: Boolean }
  type Events { tick: Int tock: Int }
`);

function cost(source: string, variables: Record<string, unknown> = {}): number {
  const document = parse(source);
  const [operation] = document.definitions;
  if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('The source begins with its operation.');
  const fragments = new Map(
    document.definitions.flatMap((node) =>
      node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node] as const] : [],
    ),
  );
  return new RequestCounter(schema).cost(operation, fragments, conditionsOf(document, operation, variables));
}

describe('RequestCounter', () => {
  it.each([
    ['{ a }', 1],
    ['{ a b other }', 1],
    ['{ a a a }', 3],
    ['{ x: a y: a b }', 2],
    ['{ __typename x: __typename }', 2],
    ['{ __schema { types { name } } x: __schema { types { name } } }', 2],
    ['{ ...F ...F } fragment F on Root { ...G ...G b } fragment G on Root { a }', 4],
    ['{ root { x: a y: a } }', 2],
    ['{ root { root { root { a } } } }', 3],
    ['{ x: root { a } y: root { a } }', 2],
    ['{ ... on Searchable { x: other y: other } other }', 3],
    ['{ search { ... on Searchable { search { a } } } }', 2],
    ['mutation { act { ok } }', 1],
    ['mutation { act { ok } also x: also }', 3],
    ['mutation { act { root { w: a x: a y: a } } }', 3],
    ['mutation { also act { root { a } } }', 2],
    ['subscription { tick }', 1],
    ['{ a @skip(if: true) b }', 1],
    ['{ x: a y: a @include(if: false) }', 1],
    ['{ a @skip(if: true) }', 1],
  ])('%s costs %s', (source, expected) => {
    expect(cost(source)).toBe(expected);
  });

  it('evaluates conditions with variables', () => {
    const source = 'query ($v: Boolean!) { x: a y: a @include(if: $v) }';
    expect(cost(source, { v: true })).toBe(2);
    expect(cost(source, { v: false })).toBe(1);
  });

  it('returns the largest safe integer for a higher cost', () => {
    const fragments = Array.from({ length: 2_000 }, (_, i) => `fragment F${i} on Root { ...F${i + 1} ...F${i + 1} }`);
    expect(cost(`{ ...F0 } ${fragments.join(' ')} fragment F2000 on Root { a }`)).toBe(Number.MAX_SAFE_INTEGER);
  });
});
