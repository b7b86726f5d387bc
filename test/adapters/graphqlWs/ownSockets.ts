import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { graphql, type FormattedExecutionResult, type GraphQLSchema } from 'graphql';
import { createClient, type Client } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocket, WebSocketServer } from 'ws';
import { createLatchkey, tierTable, type Latchkey, type LatchkeyOptions } from '../../../src/index.js';
import { latchkeyWs, type LatchkeyWsOptions } from '../../../src/graphqlWs.js';
import { EventQueue } from '../../../src/core/streams/queue.js';
import { openStoreHere } from '../../support/storeHere.js';

const WIDE = { rate: 1_000_000, burst: 1_000_000 };

const TYPE_DEFS = `
  extend type Query {
    opening: String! @public
    orders: [String!]! @auth(scope: "read:orders")
    large: String! @auth(scope: "read:orders")
    slow: String! @auth(scope: "read:orders")
    broken: String @auth(scope: "read:orders")
    who: String! @auth(scope: "read:orders")
  }
  extend type Mutation { ship(id: ID!): ID! @auth(scope: "write:orders") }
  type Subscription {
    shipped: String! @auth(scope: "read:orders")
    opened: String! @public
  }
`;

/** Effects of the resolvers. */
export interface Ran {
  shipped: string[];
  /** Sources that are open. */
  readonly sources: Set<EventQueue<string>>;
  readonly finishSlow: (() => void)[];
}

/** A GraphQL server over WebSockets, with its own store. */
export interface OwnSockets {
  readonly url: string;
  readonly latchkey: Latchkey;
  readonly admin: string;
  readonly schema: GraphQLSchema;
  readonly ran: Ran;
  readonly sockets: WebSocketServer;
  readonly reported: unknown[];
  /** Publishes an event to all open subscriptions. */
  publish(value: string): void;
  /** Runs a document as a key, without a server. */
  // oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into results freely.
  run(document: string, variables?: object): Promise<any>;
  createKey(input?: object): Promise<{ readonly id: string; readonly token: string }>;
  client(token: string | null, more?: Partial<Parameters<typeof createClient>[0]>): Client;
  raw(options?: RawOptions): Raw;
  close(): Promise<void>;
}

interface RawOptions {
  readonly path?: string;
  readonly protocols?: readonly string[];
  readonly headers?: Record<string, string>;
}

/** A WebSocket without a GraphQL client. */
export interface Raw {
  readonly socket: WebSocket;
  // oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into messages freely.
  readonly messages: any[];
  readonly opened: Promise<unknown>;
  /** Resolves when the connection is closed. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  send(message: unknown): void;
}

export interface OwnSocketsOptions {
  readonly latchkey?: Partial<LatchkeyOptions>;
  readonly ws?: Partial<LatchkeyWsOptions>;
}

export async function startOwnSockets(options: OwnSocketsOptions = {}): Promise<OwnSockets> {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-'));
  const store = await openStoreHere(dir);
  const reported: unknown[] = [];
  const latchkey = await createLatchkey({
    store,
    bcryptCost: 4,
    tiers: tierTable({ ANONYMOUS: WIDE, GROWTH: WIDE }),
    log: (error) => void reported.push(error),
    ...options.latchkey,
  });
  const ran: Ran = { shipped: [], sources: new Set(), finishSlow: [] };
  const subscribe = (): EventQueue<string> => {
    const queue = new EventQueue<string>(() => ran.sources.delete(queue));
    ran.sources.add(queue);
    return queue;
  };
  const resolve = (value: string): string => value;
  const schema = latchkey.guard(
    makeExecutableSchema({
      typeDefs: [latchkey.typeDefs, TYPE_DEFS],
      resolvers: [
        latchkey.resolvers,
        {
          Query: {
            opening: () => '9 to 5',
            orders: () => ['a', 'b'],
            large: () => 'x'.repeat(4 * 2 ** 20),
            slow: () => new Promise((done) => ran.finishSlow.push(() => done('slow'))),
            broken: () => Promise.reject(new Error('postgres://secret')),
            who: (_: unknown, __: unknown, { principal, own }: { principal: { keyId: string }; own?: string }) =>
              `${principal.keyId} ${own}`,
          },
          Mutation: {
            ship: (_: unknown, { id }: { id: string }) => {
              ran.shipped.push(id);
              return id;
            },
          },
          Subscription: { shipped: { subscribe, resolve }, opened: { subscribe, resolve } },
        },
      ],
    }),
  );
  const server = createServer();
  const sockets = new WebSocketServer({ server, path: '/graphql' });
  // Without pings, only the limits end the connection of a reader that is too slow.
  const serving = useServer(latchkeyWs(latchkey, { schema, sockets, ...options.ws }), sockets, 0);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  const admin = latchkey.firstKey?.token ?? '';
  const opened: (() => void)[] = [];

  const run: OwnSockets['run'] = async (source, variableValues) => {
    const principal = await latchkey.authenticate({ headers: { authorization: `Bearer ${admin}` } });
    const { data, errors } = await graphql({
      ...{ schema, source, contextValue: { principal } },
      ...(variableValues !== undefined && { variableValues: { ...variableValues } }),
    });
    if (errors?.[0] !== undefined) throw errors[0];
    return data;
  };
  return {
    ...{ url, latchkey, admin, schema, ran, sockets, reported, run },
    publish: (value) => {
      for (const source of ran.sources) source.push(value);
    },
    async createKey(input = {}) {
      const document = 'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { token apiKey { id } } }';
      const { createApiKey } = await run(document, {
        input: { name: 'Reader', scopes: ['read:orders', 'write:orders'], ...input },
      });
      return { id: createApiKey.apiKey.id, token: createApiKey.token };
    },
    client(token, more = {}) {
      const client = createClient({
        url,
        webSocketImpl: WebSocket,
        retryAttempts: 0,
        // Otherwise, the client logs the end of its connection.
        onNonLazyError: () => undefined,
        lazy: true,
        ...(token !== null && { connectionParams: { authorization: `Bearer ${token}` } }),
        ...more,
      });
      opened.push(() => void client.dispose());
      return client;
    },
    raw({ path = '', protocols = ['graphql-transport-ws'], headers = {} } = {}) {
      const socket = new WebSocket(`${url}${path}`, [...protocols], { headers });
      opened.push(() => socket.terminate());
      const messages: unknown[] = [];
      socket.on('message', (data) => messages.push(JSON.parse((data as Buffer).toString())));
      socket.on('error', () => undefined);
      return {
        socket,
        messages,
        opened: once(socket, 'open'),
        closed: once(socket, 'close').then(([code, reason]) => ({ code: code as number, reason: String(reason) })),
        send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
      };
    },
    async close() {
      for (const end of opened) end();
      await serving.dispose();
      server.close();
      await latchkey.close();
      await store.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Runs a query or mutation to its end, and returns its results, or what the client reports as an error. */
export function results(client: Client, query: string, more: object = {}): Promise<FormattedExecutionResult[]> {
  return new Promise((resolve, reject) => {
    const all: FormattedExecutionResult[] = [];
    client.subscribe(
      { query, ...more },
      {
        next: (result) => void all.push(result as FormattedExecutionResult),
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- The client's own report.
        error: (error) => reject(error),
        complete: () => resolve(all),
      },
    );
  });
}

/** A subscription that is being read. */
export interface Listening {
  readonly results: FormattedExecutionResult[];
  /** The client's report; null if none. */
  // oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into reports freely.
  error: any;
  isComplete: boolean;
  readonly stop: () => void;
}

export function listen(client: Client, query: string): Listening {
  const listening: Listening = { results: [], error: null, isComplete: false, stop: () => stop() };
  const stop = client.subscribe(
    { query },
    {
      next: (result) => void listening.results.push(result as FormattedExecutionResult),
      error: (error) => (listening.error = error),
      complete: () => (listening.isComplete = true),
    },
  );
  return listening;
}
