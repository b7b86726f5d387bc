import { makeExecutableSchema } from '@graphql-tools/schema';
import { execute, parse, type ExecutionResult } from 'graphql';
import { FIELDS_PER_TURN, Pace } from '../../../../src/core/guard/answer/pace.js';
import { guardSchema } from '../../../../src/core/guard/guard.js';
import { directiveTypeDefs } from '../../../../src/management/schema/typeDefs.js';

const typeDefs = `
  type Query { rows(n: Int!): [Row!] @public lateRows(n: Int!): [Row!] @public failing(n: Int!): [Row] @public }
  type Mutation { rows(n: Int!): [Row!] @public }
  type Row { a: Int rows(n: Int!): [Row!]! }
`;

interface Asked {
  readonly n: number;
}

const list = (n: number) => Array.from({ length: n }, (_, i) => i);

/** The fields that were resolved in each turn of the event loop. */
let turns: number[] = [];

async function run(source: string): Promise<ExecutionResult> {
  turns = [0];
  let isRunning = true;
  const next = (): void => {
    turns.push(0);
    if (isRunning) setImmediate(next);
  };
  setImmediate(next);
  const result = await execute({ schema, document: parse(source), contextValue: {} });
  for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve));
  isRunning = false;
  return result;
}

const rows = (_: unknown, { n }: Asked) => list(n).map(() => ({}));
const schema = guardSchema(
  makeExecutableSchema({
    typeDefs: [directiveTypeDefs(), typeDefs],
    resolvers: {
      Query: {
        rows,
        lateRows: async (_, { n }: Asked) => rows(_, { n }),
        failing: (_, { n }: Asked) => list(n).map((i) => (i % 2 === 0 ? {} : Promise.reject(new Error('It fails.')))),
      },
      Mutation: { rows },
      Row: {
        a: () => {
          turns[turns.length - 1] = (turns.at(-1) ?? 0) + 1;
          return 1;
        },
        rows,
      },
    },
  }),
);

const resolved = () => turns.reduce((sum, count) => sum + count, 0);
const most = () => Math.max(...turns);
const aliases = (count: number, field: string) =>
  list(count)
    .map((i) => `a${i}: ${field}`)
    .join(' ');
const codes = ({ errors = [] }: ExecutionResult) => errors.map(({ extensions }) => extensions.code);

describe('R2: the lists of one operation take turns of the event loop', () => {
  it.each([
    ['many lists', `{ ${aliases(40, 'rows(n: 500) { a }')} }`, 20_000],
    ['many lists that are promises', `{ ${aliases(40, 'lateRows(n: 500) { a }')} }`, 20_000],
    ['one list with large entries', `{ rows(n: 400) { ${aliases(100, 'a')} } }`, 40_000],
    ['lists within lists', `{ rows(n: 100) { rows(n: 20) { ${aliases(20, 'a')} } } }`, 40_000],
    ['lists of a mutation', `mutation { ${aliases(20, 'rows(n: 900) { a }')} }`, 18_000],
  ])('%s', async (_, source, fields) => {
    expect((await run(source)).errors).toBeUndefined();
    expect(resolved()).toBe(fields);
    expect(most()).toBeLessThanOrEqual(FIELDS_PER_TURN);
  });

  it('completes smaller operations at once, without a promise', () => {
    const document = parse(`{ ${aliases(10, 'rows(n: 90) { a }')} }`);
    expect(execute({ schema, document, contextValue: {} })).toMatchObject({ data: { a9: { length: 90 } } });
  });

  it('answers lists in the order in which they are selected, with all entries', async () => {
    const { data } = await run(`{ ${aliases(30, 'rows(n: 300) { a }')} rest: rows(n: 1) { a } }`);
    expect(Object.keys(data ?? {})).toEqual([...list(30).map((i) => `a${i}`), 'rest']);
    expect(Object.values(data ?? {}).map((rest) => (rest as unknown[]).length)).toEqual([
      ...list(30).map(() => 300),
      1,
    ]);
  });
});

describe('R2: an operation is refused before most of its fields are resolved', () => {
  it.each([
    ['lists', `{ ${aliases(60, 'rows(n: 900) { a }')} }`],
    ['lists that are promises', `{ ${aliases(60, 'lateRows(n: 900) { a }')} }`],
    ['lists within a list', '{ rows(n: 100) { rows(n: 300) { a } } }'],
  ])('%s', async (_, source) => {
    expect(codes(await run(source))).toContain('ANSWER_TOO_LARGE');
    expect(resolved()).toBeLessThanOrEqual(FIELDS_PER_TURN);
  });
});

test('R2: entries that fail while their list waits cause no unhandled rejection', async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', note);
  const { data, errors } = await run(`{ ${aliases(10, 'failing(n: 400) { a }')} }`);
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
  expect(errors).toHaveLength(2_000);
  const { a9 } = (data ?? {}) as { a9: readonly unknown[] };
  expect(a9.filter((entry) => entry !== null)).toHaveLength(200);
});

test('R2: after a refusal nothing waits any more', async () => {
  const pace = new Pace();
  expect(pace.wait(FIELDS_PER_TURN)).toBeNull();
  const waiting = list(1_000).map(async () => pace.wait(FIELDS_PER_TURN));
  pace.open();
  expect(pace.wait(FIELDS_PER_TURN)).toBeNull();
  let turn = 0;
  setImmediate(() => (turn += 1));
  await Promise.all(waiting);
  expect(turn).toBe(0);
});
