import fc from 'fast-check';
import { buildSchema, Kind, parse, print } from 'graphql';
import { operationOf, operationOfBody } from '../../src/client/operation.js';
import { conditionsOf } from '../../src/core/guard/conditions.js';
import { RequestCounter } from '../../src/core/guard/cost/requestCounter.js';

const schema = buildSchema('type Query { a: Int b: Int c: Query } type Mutation { a: Int b: Int createApiKey: Int }');

const field = fc.constantFrom('a', 'b', 'x: a', 'y: b', '...F', '... { a z: b }', '...G');
const selection = fc.array(field, { minLength: 1, maxLength: 6 }).map((fields) => fields.join(' '));

describe('operationOf', () => {
  it('computes the same cost as the server', () => {
    const counter = new RequestCounter(schema);
    fc.assert(
      fc.property(fc.constantFrom('query', 'mutation'), selection, selection, (type, root, inner) => {
        const name = type === 'query' ? 'Query' : 'Mutation';
        const plain = inner.replaceAll('...F', 'a').replaceAll('...G', 'b');
        const text = `${type} { ${root} } fragment F on ${name} { ${plain} ...G } fragment G on ${name} { a }`;
        const document = parse(text);
        const [operation, ...fragments] = document.definitions;
        if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('no operation');
        const byName = new Map(
          fragments.flatMap((each) => (each.kind === Kind.FRAGMENT_DEFINITION ? [[each.name.value, each]] : [])),
        );
        const { cost, tokens } = counter.count(operation, byName, conditionsOf(document, operation, {}));
        expect(tokens).toBe(0);
        expect(operationOf(print(document)).cost).toBe(cost);
      }),
    );
  });

  it('R6: reserves room in the key creation windows for each key that the server counts', () => {
    const counter = new RequestCounter(schema);
    const mutations = fc.array(fc.constantFrom('a', 'x: createApiKey', '...F', '... { y: createApiKey }'), {
      minLength: 1,
    });
    fc.assert(
      fc.property(mutations, (fields) => {
        const aliased = fields.map((each, i) => each.replace(/[xy]:/, `k${i}:`)).join(' ');
        const text = `mutation { ${aliased} } fragment F on Mutation { z: createApiKey }`;
        const document = parse(text);
        const [operation, fragment] = document.definitions;
        if (operation?.kind !== Kind.OPERATION_DEFINITION || fragment?.kind !== Kind.FRAGMENT_DEFINITION)
          throw new Error();
        const conditions = conditionsOf(document, operation, {});
        const { tokens } = counter.count(operation, new Map([['F', fragment]]), conditions);
        expect(tokens).toBe(fields.filter((each) => each !== 'a').length);
        expect(operationOf(text).cost).toBeGreaterThanOrEqual(tokens);
      }),
    );
  });

  it('selects the operation with the given name', () => {
    const text = 'query A { a } mutation B { a b x: a }';
    expect(operationOf(text, 'A')).toEqual({ type: 'query', cost: 1, kind: 'query a' });
    expect(operationOf(text, 'B')).toEqual({ type: 'mutation', cost: 3, kind: 'mutation a b' });
  });

  it('counts fields that a directive may skip', () => {
    expect(operationOf('query ($s: Boolean!) { a @skip(if: $s) b: a }').cost).toBe(2);
  });

  it.each(['{', '', 'fragment F on Query { a }', 'query A { a }\nquery B'])(
    'leaves the error in %j to the server',
    (text) => {
      expect(operationOf(text)).toMatchObject({ type: null, cost: 1 });
    },
  );

  it('does not loop for a fragment that spreads itself', () => {
    expect(operationOf('{ ...F } fragment F on Query { a ...F }').cost).toBe(1);
  });

  it.each([undefined, null, '', '[]', '{"query":1}', 'null', new URLSearchParams()])(
    'finds no operation in the body %j',
    (body) => {
      expect(operationOfBody(body).type).toBeNull();
    },
  );
});
