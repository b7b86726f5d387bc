import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import fastify, { type FastifyInstance, type FastifyPluginCallback } from 'fastify';
import { GraphQLError, type ValidationContext } from 'graphql';
import { createClient, type Client } from 'graphql-ws';
import mercurius from 'mercurius';
import { WebSocket } from 'ws';
import { latchkeyMercurius, type GuardedMercuriusOptions } from '../../../src/mercurius.js';
import { until } from '../../support/until.js';
import { listen, results } from '../graphqlWs/ownSockets.js';
import { startMercurius, type OwnMercurius, type OwnMercuriusOptions } from './startMercurius.js';

const typeDefs = `
  extend type Query { orders: [Int!] @auth(scope: "read:orders") who: String @auth }
  extend type Mutation { ship(id: Int!): Int @auth(scope: "write:orders") }
  type Subscription {
    shipped: Int @auth(scope: "read:orders")
    large(least: Int!): Int @auth(scope: "read:orders")
    broken: Int @auth(scope: "read:orders")
  }
`;

interface Context {
  readonly pubsub: {
    subscribe(topic: string | readonly string[], ...own: unknown[]): Promise<AsyncIterable<unknown>>;
    publish(event: object): Promise<void>;
  };
  readonly principal: { readonly keyId: string };
  readonly app: FastifyInstance;
  readonly reply: { readonly request: { readonly ip: string } };
  readonly own?: string;
}

interface Shipped {
  readonly shipped: number;
}

const resolvers = {
  Query: {
    orders: () => [1, 2],
    who: (_: unknown, __: unknown, { own, app, reply }: Context) =>
      `${own} ${typeof app.graphql} ${typeof reply.request.ip}`,
  },
  Mutation: {
    ship: async (_: unknown, { id }: { id: number }, { pubsub }: Context) => {
      await pubsub.publish({ topic: 'shipped', payload: { shipped: id } });
      return id;
    },
  },
  Subscription: {
    shipped: { subscribe: (_: unknown, __: unknown, { pubsub }: Context) => pubsub.subscribe(['shipped', 'other']) },
    large: {
      subscribe: mercurius.withFilter(
        (_: unknown, __: unknown, { pubsub }: Context) => pubsub.subscribe('shipped') as never,
        ({ shipped }: Shipped, given) => shipped >= (given as { least: number }).least,
      ),
      resolve: ({ shipped }: Shipped) => shipped,
    },
    broken: { subscribe: () => Promise.reject(new Error('postgres://secret')) },
  },
};

/** Counts the topics that have listeners. */
class Topics {
  readonly emitter = new EventEmitter();

  get size(): number {
    return this.emitter.eventNames().length;
  }

  subscribe(topic: string, queue: { push(event: unknown): boolean; readonly close: (() => void)[] }): Promise<void> {
    const listener = (payload: unknown): void => void queue.push(payload);
    this.emitter.on(topic, listener);
    queue.close.push(() => this.emitter.removeListener(topic, listener));
    return Promise.resolve();
  }

  publish({ topic, payload }: { topic: string; payload: unknown }, done: () => void): void {
    this.emitter.emit(topic, payload);
    done();
  }
}

interface Served extends OwnMercurius {
  client(token: string): Client;
  /** Opens a WebSocket without a GraphQL client. */
  raw(path: string, protocols: readonly string[]): WebSocket;
}

async function on(
  look: (server: Served) => Promise<void>,
  subscription: GuardedMercuriusOptions['subscription'] = true,
  options: OwnMercuriusOptions = {},
) {
  const server = await startMercurius({
    ...{ typeDefs, resolvers, ...options },
    mercurius: { ...options.mercurius, subscription },
  });
  const opened: (() => void)[] = [];
  const url = server.url.replace('http:', 'ws:');
  try {
    await look({
      ...server,
      client(token) {
        const client = createClient({
          ...{ url, webSocketImpl: WebSocket, retryAttempts: 0, onNonLazyError: () => undefined },
          connectionParams: { authorization: `Bearer ${token}` },
        });
        opened.push(() => void client.dispose());
        return client;
      },
      raw(path, protocols) {
        const socket = new WebSocket(new URL(path, url), [...protocols]);
        socket.on('error', () => undefined);
        opened.push(() => socket.terminate());
        return socket;
      },
    });
  } finally {
    for (const end of opened) end();
    await server.close();
  }
}

it("sends the events of Mercurius's pubsub to a client of graphql-ws", async () => {
  await on(async (server) => {
    const client = server.client(await server.keyWith('read:orders', 'write:orders'));
    const all = listen(client, 'subscription { shipped }');
    const large = listen(client, 'subscription { large(least: 5) }');
    await until(
      async () => {
        // Over HTTP, and over the socket.
        await server.query('mutation { ship(id: 1) }');
        await results(client, 'mutation { ship(id: 7) }');
        return all.results.length > 0 && large.results.length > 0;
      },
      { every: 100 },
    );
    expect(all.results).toContainEqual({ data: { shipped: 7 } });
    expect(all.results).toContainEqual({ data: { shipped: 1 } });
    expect(large.results[0]).toEqual({ data: { large: 7 } });
    expect(large.results).not.toContainEqual({ data: { large: 1 } });
  });
});

it('leaves its topics when the operation ends, including one of withFilter that waits for an event', async () => {
  const topics = new Topics();
  await on(
    async (server) => {
      const client = server.client(await server.keyWith('read:orders'));
      const operations = ['subscription { shipped }', 'subscription { large(least: 5) }'];
      const open = operations.map((query) => listen(client, query));
      await until(() => topics.emitter.listenerCount('shipped') === 2 && topics.emitter.listenerCount('other') === 1);
      for (const each of open) each.stop();
      await until(() => topics.size === 0);
      const again = server.client(await server.keyWith('read:orders'));
      listen(again, 'subscription { large(least: 5) }');
      await until(() => topics.size === 1);
      again.terminate();
      await until(() => topics.size === 0);
    },
    { pubsub: topics },
  );
});

it('checks and counts each operation of a connection; an earlier operation does not authorize it', async () => {
  await on(async (server) => {
    const client = server.client(await server.keyWith('read:orders'));
    expect(await results(client, '{ orders }')).toEqual([{ data: { orders: [1, 2] } }]);
    await expect(results(client, 'mutation { ship(id: 1) }')).rejects.toEqual([
      expect.objectContaining({ extensions: expect.objectContaining({ code: 'FORBIDDEN' }) }),
    ]);
    await expect(results(client, '{ nothing }')).rejects.toEqual([
      expect.objectContaining({ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }),
    ]);
  });
});

it('sends no message of an unexpected error', async () => {
  await on(async (server) => {
    const client = server.client(await server.keyWith('read:orders'));
    const outcome = await results(client, 'subscription { broken }').catch((errors: unknown) => errors);
    expect(JSON.stringify(outcome)).toContain('INTERNAL_SERVER_ERROR');
    expect(JSON.stringify(outcome)).not.toContain('postgres');
    expect(server.told).toEqual([expect.objectContaining({ message: 'postgres://secret' })]);
  });
});

it('gives resolvers app, reply.request and the context of the option', async () => {
  await on(
    async (server) => {
      const client = server.client(await server.keyWith('read:orders'));
      expect(await results(client, '{ who }')).toEqual([{ data: { who: 'mine function string' } }]);
    },
    { context: () => ({ own: 'mine', pubsub: null }), address: () => '203.0.113.7', keepAlive: 0 },
  );
});

it('applies validationRules to operations of WebSockets', async () => {
  let forbids = false;
  const rule = (context: ValidationContext) => ({
    Field: () => forbids && context.reportError(new GraphQLError('No fields today.')),
  });
  await on(
    async (server) => {
      const client = server.client(await server.keyWith('read:orders'));
      forbids = true;
      await expect(results(client, '{ orders }')).rejects.toEqual([
        expect.objectContaining({ message: 'No fields today.' }),
      ]);
    },
    true,
    { mercurius: { validationRules: [rule] } },
  );
});

it.each([
  [['graphql-ws'], null],
  [['bearer.KEY', 'graphql-transport-ws'], 'graphql-transport-ws'],
  [['bearer.KEY'], null],
] as const)('for the subprotocols %j, it chooses %j, and never one with a key', async (protocols, chosen) => {
  await on(async (server) => {
    const socket = server.raw(
      '/graphql',
      protocols.map((name) => name.replace('KEY', server.token)),
    );
    const agreed: string[] = [];
    socket.on('open', () => agreed.push(socket.protocol));
    await until(() => agreed.length > 0 || socket.readyState === WebSocket.CLOSED);
    if (chosen === null) await until(() => socket.readyState === WebSocket.CLOSED);
    expect(agreed.filter((name) => name !== 'graphql-ws')).toEqual(chosen === null ? [] : [chosen]);
  });
});

it('leaves other routes of @fastify/websocket as they are', async () => {
  const require = createRequire(createRequire(import.meta.url).resolve('mercurius'));
  const websocket = require('@fastify/websocket') as FastifyPluginCallback;
  const own = await startMercurius({ typeDefs, resolvers });
  const app = fastify();
  try {
    await app.register(websocket);
    await app.register(latchkeyMercurius, { latchkey: own.latchkey, schema: own.schema, subscription: true });
    const echo = { websocket: true, handler: (socket: WebSocket) => socket.on('message', (text) => socket.send(text)) };
    app.route({ method: 'GET', url: '/echo', ...(echo as object) } as never);
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    const socket = new WebSocket(`${url.replace('http:', 'ws:')}/echo`, ['mine', 'yours']);
    const received: string[] = [];
    socket.on('message', (text: Buffer) => received.push(text.toString()));
    socket.on('open', () => Array.from({ length: 30 }, (_, i) => socket.send(String(i))));
    await until(() => received.length === 30);
    expect(socket.protocol).toBe('mine');
    socket.terminate();
  } finally {
    await app.close();
    await own.close();
  }
});

it('refuses a subscription over HTTP, and says where to open it', async () => {
  await on(async (server) => {
    const { status, body } = await server.query('subscription { shipped }');
    expect([status, body.errors[0].message]).toEqual([400, expect.stringContaining('graphql-transport-ws')]);
  });
});

describe('start', () => {
  it.each([
    ['subscription', { subscription: 'yes' }],
    ['subscription.maxOperations', { subscription: { maxOperations: 0 } }],
    ['subscription.pubsub', { subscription: { pubsub: {} } }],
    ['"onConnect"', { subscription: { onConnect: () => true } }],
    ['onlyPersisted', { subscription: true, onlyPersisted: true, persistedQueries: {} }],
    ['queryDepth', { subscription: true, queryDepth: 5 }],
  ])('fails with a TypeError that names %s', async (name, options) => {
    const start = startMercurius({ typeDefs, resolvers, mercurius: options as never });
    await expect(start).rejects.toThrow(TypeError);
    await expect(start).rejects.toThrow(name);
  });

  it('refuses hooks and changes that subscriptions would not use', async () => {
    await on(async ({ app, schema }) => {
      expect(() => app.graphql.addHook('preSubscriptionExecution', () => Promise.resolve())).toThrow(
        'without preSubscriptionExecution',
      );
      expect(() => app.graphql.replaceSchema(schema)).toThrow('Restart the server');
    });
  });
});
