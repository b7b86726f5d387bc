import { makeExecutableSchema } from '@graphql-tools/schema';
import { execute, graphql, GraphQLScalarType, parse, type ExecutionResult } from 'graphql';
import { ANSWER_LIMITS } from '../../../../src/core/guard/answer/answerLimits.js';
import { guardSchema } from '../../../../src/core/guard/guard.js';
import { directiveTypeDefs } from '../../../../src/management/schema/typeDefs.js';
import { keyWith } from '../../../bypass/own.js';

const LIMIT = 1_000;

const typeDefs = `
  scalar JSON
  type Query {
    numbers(n: Int!): [Int!] @public
    late(n: Int!): [Int!] @public
    endless: [Int!] @public
    matrix(n: Int!): [[Int!]!] @public
    rows(n: Int!): [Row!]! @public
    grid(n: Int!): [[Row!]!]! @public
    nodes(n: Int!): [Node] @public
    text(n: Int!): String @public
    texts(n: Int!, length: Int!): [String!] @public
    laterTexts(n: Int!, length: Int!): [String!] @public
    json(n: Int!): JSON @public
    row: Row! @public
    calls: Int! @public
  }
  type Mutation { act: Int! @public read(n: Int!): [Int!] @public }
  interface Node { id: Int }
  type Row implements Node { id: Int a: Int b: Int inner: Row! rows(n: Int!): [Row!]! lateRows(n: Int!): [Row!]! fails: Int! }
  type Other implements Node { id: Int }
`;

interface Asked {
  readonly n: number;
  readonly length: number;
}

const list = (n: number) => Array.from({ length: n }, (_, i) => i);
const row = { id: 1, a: 1, b: 2, inner: () => row, rows: ({ n }: Asked) => list(n).map(() => row) };
let acted = 0;
let failing = 0;
let yielded = 0;

function* forever() {
  for (;;) yield (yielded += 1);
}

const schema = guardSchema(
  makeExecutableSchema({
    typeDefs: [directiveTypeDefs(), typeDefs],
    resolvers: {
      JSON: new GraphQLScalarType({ name: 'JSON' }),
      Query: {
        numbers: (_, { n }: Asked) => list(n),
        late: async (_, { n }: Asked) => list(n),
        endless: forever,
        matrix: (_, { n }: Asked) => list(n).map(() => (n > 500 ? list(n) : Promise.resolve(list(n)))),
        rows: (_, { n }: Asked) => list(n).map(() => row),
        grid: (_, { n }: Asked) => list(n).map(() => [row, row]),
        nodes: (_, { n }: Asked) => list(n).map(() => ({ __typename: 'Other', id: 1 })),
        text: (_, { n }: Asked) => 'x'.repeat(n),
        texts: (_, { n, length }: Asked) => list(n).map(() => 'x'.repeat(length)),
        laterTexts: (_, { n, length }: Asked) => list(n).map(async () => 'x'.repeat(length)),
        json: async (_, { n }: Asked) => ({ list: list(n) }),
        row: () => row,
      },
      Mutation: { act: () => (acted += 1), read: (_, { n }: Asked) => list(n) },
      Row: {
        rows: (_, { n }: Asked) => list(n).map(() => row),
        lateRows: async (_, { n }: Asked) => list(n).map(() => row),
        fails() {
          failing += 1;
          if (failing > 5) throw new Error('It fails.');
          return 1;
        },
      },
      Node: { __resolveType: () => 'Other' },
    },
  }),
  { answer: { fields: LIMIT } },
);

const run = (source: string, variableValues: Record<string, unknown> = {}): Promise<ExecutionResult> =>
  graphql({ schema, source, variableValues, contextValue: {} });

const codes = ({ errors = [] }: ExecutionResult) => [...new Set(errors.map(({ extensions }) => extensions.code))];

describe('R2: an operation resolves no more fields than its budget', () => {
  it.each([
    ['numbers', '{ numbers(n: 999) }', '{ numbers(n: 1000) }'],
    ['a list that is a promise', '{ late(n: 999) }', '{ late(n: 1000) }'],
    ['lists of lists', '{ matrix(n: 30) }', '{ matrix(n: 32) }'],
    ['lists of lists that are there', '{ matrix(n: 30) }', '{ matrix(n: 501) }'],
    ['fields of entries', '{ rows(n: 333) { id a } }', '{ rows(n: 250) { id a b } }'],
    ['aliases of fields', '{ rows(n: 249) { id a b } }', '{ rows(n: 249) { a1: id a2: id a3: id a4: id } }'],
    ['aliases of lists', '{ a: numbers(n: 499) b: numbers(n: 499) }', '{ a: numbers(n: 500) b: numbers(n: 499) }'],
    [
      'objects within entries',
      '{ rows(n: 199) { inner { inner { id } } } }',
      '{ rows(n: 250) { inner { inner { id } } } }',
    ],
    ['lists within entries', '{ rows(n: 30) { rows(n: 15) { id } } }', '{ rows(n: 30) { rows(n: 17) { id } } }'],
    [
      'late lists within entries',
      '{ rows(n: 30) { lateRows(n: 15) { id } } }',
      '{ rows(n: 30) { lateRows(n: 17) { id } } }',
    ],
    ['a long text', '{ text(n: 255000) }', '{ text(n: 256000) }'],
    ['texts', '{ texts(n: 400, length: 500) }', '{ texts(n: 500, length: 500) }'],
    ['texts that are promises', '{ laterTexts(n: 400, length: 500) }', '{ laterTexts(n: 500, length: 500) }'],
    ['JSON', '{ json(n: 20000) }', '{ json(n: 200000) }'],
    [
      'fragments',
      '{ rows(n: 333) { ...F ...F } } fragment F on Row { id a }',
      '{ rows(n: 333) { ...F b } } fragment F on Row { id a }',
    ],
    [
      'types of an interface',
      '{ nodes(n: 240) { id ... on Row { a b } } }',
      '{ nodes(n: 240) { id ... on Row { a b inner { id } } } }',
    ],
    [
      'included fields',
      'query ($yes: Boolean = false) { rows(n: 400) { id a @include(if: $yes) b @skip(if: true) } }',
      'query ($yes: Boolean = true) { rows(n: 400) { id a @include(if: $yes) b @skip(if: true) } }',
    ],
  ])('counts %s', async (_, allowed, refused) => {
    expect((await run(allowed)).errors).toBeUndefined();
    const result = await run(refused);
    expect(codes(result)).toEqual(['ANSWER_TOO_LARGE']);
    expect(result.errors?.[0]?.message).toBe(
      `The response would exceed the limit of ${LIMIT} fields. Request fewer entries, fields or aliases, or split the operation.`,
    );
    expect(result.errors?.[0]?.extensions).toEqual({ code: 'ANSWER_TOO_LARGE', limit: LIMIT, unit: 'fields' });
  });

  it('stops reading an endless iterable', async () => {
    yielded = 0;
    expect(codes(await run('{ endless }'))).toEqual(['ANSWER_TOO_LARGE']);
    expect(yielded).toBe(LIMIT);
  });

  it('resolves no list after the budget is used up', async () => {
    const { data, errors } = await run('{ rows(n: 250) { id a b } a: numbers(n: 1) row { rows(n: 1) { id } } }');
    expect(data).toBeNull();
    expect(codes({ errors: errors ?? [] })).toEqual(['ANSWER_TOO_LARGE']);
  });

  it('runs no further mutation after the budget is used up, and says that earlier ones ran', async () => {
    acted = 0;
    const result = await run('mutation { first: act read(n: 1000) second: act }');
    expect(codes(result)).toEqual(['ANSWER_TOO_LARGE']);
    expect(result.errors?.[0]?.message).toContain('Some of its changes may have been made');
    expect(acted).toBe(1);
  });

  it('gives each execution its own budget, whatever the context is', async () => {
    const contextValue = {};
    const document = parse('{ rows(n: 200) { id a } }');
    for (let i = 0; i < 10; i += 1) {
      expect((await execute({ schema, document, contextValue })).errors).toBeUndefined();
    }
    expect((await execute({ schema, document })).errors).toBeUndefined();
  });

  it('stops at fragments that fan out without lists, in as many steps as the budget has', async () => {
    const depth = 40;
    const fragments = list(depth).map(
      (i) => `fragment F${i} on Row { a: inner { ...F${i + 1} } b: inner { ...F${i + 1} } }`,
    );
    const source = `{ row { ...F0 } } ${fragments.join(' ')} fragment F${depth} on Row { id }`;
    const result = await execute({ schema, document: parse(source), contextValue: {} });
    expect(codes(result)).toEqual(['ANSWER_TOO_LARGE']);
  });

  it('counts the same after the schema is guarded again', async () => {
    const again = guardSchema(schema, { answer: { fields: LIMIT } });
    const ask = (n: number) => graphql({ schema: again, source: `{ numbers(n: ${n}) }`, contextValue: {} });
    expect((await ask(999)).errors).toBeUndefined();
    expect(codes(await ask(1_000))).toEqual(['ANSWER_TOO_LARGE']);
  });

  it('counts the merged selections of a response key, wherever a shared fragment is merged', async () => {
    const fragment = 'fragment F on Row { rows(n: 20) { id } }';
    const alone = '{ row { inner { ...F } } }';
    const merged = `{ row { inner { ...F } } rows(n: 1) { ...F rows(n: 20) { ${list(60)
      .map((i) => `a${i}: a`)
      .join(' ')} } } }`;
    expect((await run(`${alone} ${fragment}`)).errors).toBeUndefined();
    expect(codes(await run(`${merged} ${fragment}`))).toEqual(['ANSWER_TOO_LARGE']);
  });
});

describe('R2: an error counts for more fields than a value', () => {
  const faults = `
    type Query { items(n: Int!): [Item!]! @public errors(n: Int!): [Int] @public maybe(n: Int!): [Item] @public found(n: Int!): [Found] @public }
    type Item { throws: Int rejects: Int returns: Int method: Int missing: Int! plain: Int with(a: Int!): Int within(a: In!): Int }
    input In { a: Int! }
    union Found = Item | Guarded
    type Guarded @auth(scope: "read:guarded") { id: Int }
  `;
  const fail = (): never => {
    throw new Error('It fails.');
  };
  const item = { method: fail, plain: 1 };
  let asked = 0;
  const failing = guardSchema(
    makeExecutableSchema({
      typeDefs: [directiveTypeDefs(), faults],
      resolvers: {
        Query: {
          items: (_, { n }: Asked) => list(n).map(() => item),
          maybe: (_, { n }: Asked) => list(n).map(() => item),
          errors: (_, { n }: Asked) =>
            list(n).map((i) => (i % 2 === 0 ? new Error('It fails.') : Promise.reject(new Error('It fails.')))),
          found: (_, { n }: Asked) => list(n),
        },
        Item: {
          throws: fail,
          rejects: async () => {
            asked += 1;
            return fail();
          },
          returns: () => new Error('It fails.'),
          missing: () => null,
        },
        Found: { __resolveType: () => 'Guarded' },
      },
    }),
    { answer: { fields: LIMIT } },
  );
  const contextValue = { principal: keyWith(['read:a']) };
  const ask = (source: string) => graphql({ schema: failing, source, contextValue });

  it.each([
    ['that a resolver throws', '{ items(n: 40) { throws } }', '{ items(n: 60) { throws } }'],
    ['of promises', '{ items(n: 40) { rejects } }', '{ items(n: 60) { rejects } }'],
    ['that a resolver returns', '{ items(n: 40) { returns } }', '{ items(n: 60) { returns } }'],
    ['of a method', '{ items(n: 40) { method } }', '{ items(n: 60) { method } }'],
    ['of aliases', '{ items(n: 20) { a: throws b: throws } }', '{ items(n: 20) { a: throws b: throws c: throws } }'],
    ['in entries', '{ errors(n: 50) }', '{ errors(n: 60) }'],
    ['of guarded types', '{ found(n: 50) { __typename } }', '{ found(n: 60) { __typename } }'],
    [
      'behind many lines',
      `${'\n'.repeat(1_500)}{ items(n: 20) { throws } }`,
      `${'\n'.repeat(1_500)}{ items(n: 40) { throws } }`,
    ],
  ])('counts errors %s', async (_, allowed, refused) => {
    const failed = await ask(allowed);
    expect(failed.errors?.length).toBeGreaterThan(10);
    expect(codes(failed)).not.toContain('ANSWER_TOO_LARGE');
    expect(codes(await ask(refused))).toContain('ANSWER_TOO_LARGE');
  });

  it('does not count more for the same fields with values', async () => {
    expect(
      (
        await ask(
          `{ items(n: 100) { ${list(8)
            .map((i) => `a${i}: plain`)
            .join(' ')} } }`,
        )
      ).errors,
    ).toBeUndefined();
  });

  it('creates no further errors after the budget is used up', async () => {
    asked = 0;
    const { errors = [] } = await ask('{ items(n: 200) { a: rejects b: rejects c: rejects } }');
    expect(asked).toBe(600);
    const own = errors.filter(({ extensions }) => extensions.code === undefined);
    expect(own.length).toBeLessThanOrEqual(LIMIT / 16);
  });

  it('counts a missing value of a required field', async () => {
    expect(codes(await ask('{ maybe(n: 50) { missing } }'))).toEqual([undefined]);
    expect(codes(await ask('{ maybe(n: 60) { missing } }'))).toContain('ANSWER_TOO_LARGE');
  });
});

describe('R2: a refusal within lists leaves no unhandled rejection, which would end the process', () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  beforeAll(() => process.on('unhandledRejection', note));
  afterAll(() => process.off('unhandledRejection', note));

  it.each([
    ['a list is refused beside lists that come later', '{ rows(n: 9) { lateRows(n: 90) { lateRows(n: 9) { id } } } }'],
    [
      'entries of several lists',
      '{ rows(n: 9) { a: lateRows(n: 50) { lateRows(n: 2) { id } } b: rows(n: 50) { rows(n: 2) { id } } } }',
    ],
    ['a resolver throws after lists that come later', '{ rows(n: 9) { fails lateRows(n: 200) { id } } }'],
    ['a resolver throws in lists of lists', '{ grid(n: 9) { fails lateRows(n: 200) { id } } }'],
  ])('%s', async (_, document) => {
    unhandled.length = 0;
    failing = 0;
    expect((await run(document)).errors).not.toBeUndefined();
    for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).toEqual([]);
  });
});

test('the default limit is 50,000 fields and 8 MiB', () => {
  expect(ANSWER_LIMITS).toEqual({ fields: 50_000, eventFields: 10_000, bytes: 8_388_608 });
});
