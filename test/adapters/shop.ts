import { GraphQLError } from 'graphql';
import { remaining, type OwnServer } from './ownServer.js';

export const SHOP = `
  extend type Query {
    open: Int @public
    orders(first: Int): [Int!] @auth(scope: "read:orders")
    secret: String @auth(scope: "read:secrets")
    fails: Int @public
    says: Int @public
  }
  extend type Mutation { order: Int @auth(scope: "write:orders") }
`;

/** Returns resolvers that record their names before they return their values. */
export function shopResolvers(ran: string[]) {
  const note = (name: string, value: unknown) => () => {
    ran.push(name);
    return value;
  };
  return {
    Query: {
      open: note('open', 1),
      orders: note('orders', [1, 2]),
      secret: note('secret', 's'),
      fails: () => {
        throw new Error('connect ECONNREFUSED 10.0.0.7:5432 password=hunter2');
      },
      says: () => {
        throw new GraphQLError('There are no orders today.', { extensions: { code: 'CLOSED' } });
      },
    },
    Mutation: { order: note('order', 3) },
  };
}

interface Shop {
  /** The server with {@link SHOP}, after the tests have begun. */
  readonly server: () => OwnServer;
  /** The resolvers that ran in this test. */
  readonly ran: readonly string[];
  /** A header field of the server's clients that needs a preflight request. */
  readonly preflighted: string;
}

/** Registers the tests that are the same for each adapter. */
export function shopCases({ server, ran, preflighted }: Shop): void {
  const reader = () => server().keyWith('read:orders');

  it('runs an operation whose scopes the key has, and sends the fields of its limits', async () => {
    const { status, body, headers } = await server().query('{ orders }', { token: await reader() });
    expect({ status, body }).toEqual({ status: 200, body: { data: { orders: [1, 2] } } });
    expect(remaining(headers)).toBeGreaterThan(0);
    expect(headers.get('cache-control')).toBe('private, no-store');
    expect(ran).toEqual(['orders']);
  });

  it('refuses an operation with a field beyond the scopes of the key, without running any part of it', async () => {
    const { status, body, headers } = await server().query('{ open orders secret }', { token: await reader() });
    expect(status).toBe(403);
    const extensions = expect.objectContaining({ code: 'FORBIDDEN', missing: ['read:secrets'] }) as object;
    expect(body).toEqual({ errors: [{ message: expect.any(String), extensions }] });
    expect(headers.get('www-authenticate')).toMatch(/error="insufficient_scope".*scope="read:secrets"/);
    expect(ran).toEqual([]);
  });

  it('serves @public fields without a key, and refuses others with 401', async () => {
    expect((await server().query('{ open }', { token: null })).body).toEqual({ data: { open: 1 } });
    const { status, headers } = await server().query('{ open orders }', { token: null });
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toBe('Bearer realm="latchkey"');
    expect(ran).toEqual(['open']);
  });

  it('B35: refuses a GET request that a page of another origin can send, and runs it with a field that needs a preflight', async () => {
    const search = `?query=${encodeURIComponent('{ open }')}`;
    expect((await server().send({}, search)).status).toBe(400);
    expect(ran).toEqual([]);
    expect((await server().send({ headers: { [preflighted]: '1' } }, search)).body).toEqual({ data: { open: 1 } });
  });

  it('passes on an error that its author wrote for callers', async () => {
    const { body } = await server().query('{ says }');
    expect(body.errors[0]).toMatchObject({ message: 'There are no orders today.', extensions: { code: 'CLOSED' } });
  });
}
