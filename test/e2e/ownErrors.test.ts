import { GraphQLError } from 'graphql';
import { mintToken } from '../../src/core/keys/token.js';
import { startOwnApollo, type OwnApollo } from './ownApollo.js';

const HIDDEN = {
  message: expect.stringContaining('Something went wrong'),
  extensions: { code: 'INTERNAL_SERVER_ERROR' },
};
const { token: LEAKED } = mintToken('lks', 'LIVE');
const SECRET = 'mongodb://admin:hunter2@db';

/** A GraphQLError that says it is the caller's fault. */
const outOfStock = (): GraphQLError =>
  new GraphQLError('Out of stock.', {
    extensions: { code: 'OUT_OF_STOCK', left: 0, http: { status: 402, headers: new Map([['x-stock', '0']]) } },
  });

const thrown: Record<string, () => unknown> = {
  outOfStock,
  wrapping: () =>
    new GraphQLError('Out of stock.', { originalError: new Error(SECRET), extensions: { code: 'OUT_OF_STOCK' } }),
  withStatusOnly: () => new GraphQLError('Gone.', { extensions: { http: { status: 410 } } }),
  frozen: () => new GraphQLError('Frozen.', { extensions: Object.freeze({ code: 'FROZEN' }) }),
  withToken: () => new GraphQLError(`Not with ${LEAKED}.`, { extensions: { code: 'NO', given: [LEAKED] } }),
  plain: () => new Error(SECRET),
  plainWithCode: () =>
    Object.assign(new Error(SECRET), {
      extensions: { code: 'OUT_OF_STOCK', http: { status: 402, headers: new Map() } },
    }),
  wrapped: () => new GraphQLError(SECRET, { originalError: new Error(SECRET) }),
  wrappedWithCode: () =>
    new GraphQLError(SECRET, { originalError: Object.assign(new Error(SECRET), { extensions: { code: 'X' } }) }),
  withoutCode: () => new GraphQLError(SECRET),
  internal: () => new GraphQLError(SECRET, { extensions: { code: 'INTERNAL_SERVER_ERROR' } }),
  serverFault: () => new GraphQLError(SECRET, { extensions: { http: { status: 502 } } }),
  text: () => SECRET,
};

let own: OwnApollo;
beforeAll(async () => {
  own = await startOwnApollo({
    typeDefs: `extend type Query { ${Object.keys(thrown).join(': Int @public ')}: Int @public count: Int @public list: [Broken] @public } type Broken { plain: Int }`,
    resolvers: {
      Query: {
        ...Object.fromEntries(
          Object.entries(thrown).map(([name, error]) => [
            name,
            () => {
              throw error();
            },
          ]),
        ),
        count: () => 'many',
        list: () => Array.from({ length: 1_000 }, () => ({})),
      },
      Broken: {
        plain: () => {
          throw new Error(SECRET);
        },
      },
    },
  });
});
afterAll(() => own.close());

const loggedBy = async (query: string): Promise<readonly unknown[]> => {
  const before = own.logged.length;
  await own.query(query);
  return own.logged.slice(before).map(({ entry }) => entry);
};

test('R2: a fault in each entry of a list is logged no more often than it is reported', async () => {
  const { body } = await own.query('{ list { plain } }');
  expect(body.errors).toHaveLength(20);
  expect(await loggedBy('{ list { plain } }')).toHaveLength(20);
});

test('F2: a GraphQLError with a code keeps its message, fields, status and headers', async () => {
  const answer = await own.query('{ outOfStock }');
  expect([answer.status, answer.headers.get('x-stock')]).toEqual([402, '0']);
  expect(answer.body).toEqual({
    data: { outOfStock: null },
    errors: [
      {
        message: 'Out of stock.',
        locations: [{ line: 1, column: 3 }],
        path: ['outOfStock'],
        extensions: { code: 'OUT_OF_STOCK', left: 0 },
      },
    ],
  });
  expect(await loggedBy('{ outOfStock }')).toEqual([]);
});

test.each([
  ['wrapping', 200, 'Out of stock.', 'OUT_OF_STOCK'],
  ['withStatusOnly', 410, 'Gone.', 'BAD_REQUEST'],
  ['frozen', 200, 'Frozen.', 'FROZEN'],
])('F2: %s is passed on and not logged', async (name, status, message, code) => {
  const answer = await own.query(`{ ${name} }`);
  expect(answer.status).toBe(status);
  expect(answer.body.errors).toMatchObject([{ message, path: [name], extensions: { code } }]);
  expect(answer.text).not.toContain(SECRET);
  expect(await loggedBy(`{ ${name} }`)).toEqual([]);
});

test('F2: removes tokens from the message and fields of an error that is passed on', async () => {
  const answer = await own.query('{ withToken }');
  expect(answer.body.errors[0]).toMatchObject({
    message: 'Not with [key].',
    extensions: { code: 'NO', given: ['[key]'] },
  });
  expect(answer.text).not.toContain(LEAKED);
});

test.each([
  'plain',
  'plainWithCode',
  'wrapped',
  'wrappedWithCode',
  'withoutCode',
  'internal',
  'serverFault',
  'text',
  'count',
])('F2: %s is hidden, does not affect the status, and is logged', async (name) => {
  const answer = await own.query(`{ ${name} }`);
  expect(answer.status).toBe(200);
  expect(answer.body.errors).toEqual([{ ...HIDDEN, path: [name] }]);
  expect(answer.text).not.toContain('hunter2');
  expect(await loggedBy(`{ ${name} }`)).toEqual([expect.any(Error)]);
});

test.each<[string, () => Error, number, object]>([
  [
    'a GraphQLError with a code',
    outOfStock,
    402,
    { message: 'Out of stock.', extensions: { code: 'OUT_OF_STOCK', left: 0 } },
  ],
  ['a plain Error', () => new Error(SECRET), 500, HIDDEN],
])('F2: %s of the context function', async (_, error, status, told) => {
  const server = await startOwnApollo({ context: () => Promise.reject(error()) });
  try {
    const answer = await server.query('{ viewer { scopes } }');
    expect([answer.status, answer.body]).toEqual([status, { errors: [told] }]);
    expect(server.logged.map(({ entry }) => entry)).toEqual(
      status === 500 ? [expect.objectContaining({ message: SECRET })] : [],
    );
  } finally {
    await server.close();
  }
});

test("F2: hidden errors go to the option log if it is set, and then not to the server's logger", async () => {
  const seen: unknown[] = [];
  const server = await startOwnApollo({
    typeDefs: 'extend type Query { bad: Int @public }',
    resolvers: { Query: { bad: () => Promise.reject(new Error(SECRET)) } },
    latchkey: { log: (error) => void seen.push(error) },
  });
  try {
    await server.query('{ bad }');
    expect(seen).toEqual([expect.objectContaining({ message: SECRET })]);
    expect(server.logged).toEqual([]);
  } finally {
    await server.close();
  }
});
