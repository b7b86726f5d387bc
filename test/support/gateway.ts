import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TIER_LIMITS } from '../../src/core/limits/tiers.js';
import { answerOf, startService, type Answer, type TestService, type TestServiceOptions } from './service.js';

/** Its types add those of browsers, which differ from Node's, to every file. */
const YOGA = 'graphql-yoga';

/** A request as the upstream received it. */
export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A running upstream. */
export interface TestUpstream {
  /** Of its endpoint. */
  readonly url: string;
  readonly server: Server;
  /** All requests except introspection by the gateway. */
  readonly received: Received[];
  close(): Promise<void>;
}

export const SDL = /* GraphQL */ `
  type Query {
    order(id: ID!): Order
    orders(first: Int): [Order!]!
    health: String!
    internal: String!
  }
  type Mutation {
    cancel(id: ID!): Order
  }
  type Subscription {
    ticks(to: Int!): Int!
  }
  type Order {
    id: ID!
    total: Float!
    margin: Float!
  }
`;

const orders = [1, 2, 3].map((id) => ({ id: String(id), total: id * 10.5, margin: id / 10 }));

/** The schema of the upstream of most tests, with its resolvers. */
export const shop = {
  typeDefs: SDL,
  resolvers: {
    Query: {
      order: (_: unknown, { id }: { id: string }) => orders.find((order) => order.id === id) ?? null,
      orders: (_: unknown, { first = 3 }: { first?: number }) => orders.slice(0, first),
      health: () => 'ok',
      internal: () => 'a secret of the upstream',
    },
    Mutation: { cancel: (_: unknown, { id }: { id: string }) => orders.find((order) => order.id === id) ?? null },
    Subscription: {
      ticks: {
        subscribe: async function* (_: unknown, { to }: { to: number }) {
          for (let i = 1; i <= to; i += 1) {
            yield { ticks: i };
            await new Promise((resolve) => setTimeout(resolve, 10));
          }
        },
      },
    },
  },
};

/** Serves any handler of Node as an upstream, and records its requests. */
export async function serveUpstream(handle: RequestListener, path = '/graphql'): Promise<TestUpstream> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      if (body.includes('IntrospectionQuery')) return;
      received.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body });
    });
    handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${path}`,
    server,
    received,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** GraphQL Yoga with {@link shop}. */
export async function yogaUpstream(source: object = shop): Promise<TestUpstream> {
  const { createSchema, createYoga } = await import(YOGA);
  const yoga = createYoga({ schema: createSchema(source), logging: false, maskedErrors: false });
  return serveUpstream((request, response) => yoga(request, response));
}

export const POLICY = `
Query.orders: read:orders
Query.order: read:orders
Query.health: public
Query.internal: deny
Mutation.*: write:orders
Subscription.ticks: read:orders
Order.margin: [read:margins]
`;

/** The published tiers, but with any number of new keys in a second: a fast machine creates more than 20. */
const MANY_KEYS = { ...TIER_LIMITS, KEY_CREATION: { ...TIER_LIMITS.KEY_CREATION, rate: 1e6, burst: 1e6 } };

/** Tiers whose windows are never full. */
export const UNLIMITED = {
  ...MANY_KEYS,
  GROWTH: { ...TIER_LIMITS.GROWTH, rate: 1e6, burst: 1e6 },
  ANONYMOUS: { ...TIER_LIMITS.ANONYMOUS, rate: 1e6, burst: 1e6 },
};

export interface TestGateway extends TestService {
  /** Runs an operation of key management. */
  admin(query: string, variables?: object): Promise<Answer>;
  /** Creates a key and returns its token. */
  key(...scopes: string[]): Promise<string>;
}

interface TestGatewayOptions extends TestServiceOptions {
  readonly policy?: string | null;
  readonly sdl?: string | null;
}

/** Starts the service as a gateway. */
export async function startGateway(
  upstream: string,
  { policy = POLICY, sdl = null, ...options }: TestGatewayOptions = {},
): Promise<TestGateway> {
  const dir = mkdtempSync(join(tmpdir(), 'gateway-'));
  const file = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  try {
    const service = await startService({
      tiers: MANY_KEYS,
      ...options,
      env: {
        GATEWAY_UPSTREAM: upstream,
        ...(policy !== null && { GATEWAY_POLICY: file('policy.yaml', policy) }),
        ...(sdl !== null && { GATEWAY_SCHEMA: file('schema.graphql', sdl) }),
        ...options.env,
      },
    });
    const admin = (query: string, variables = {}): Promise<Answer> =>
      ask(`${service.origin}/admin/graphql`, { query, variables }, { authorization: `Bearer ${service.adminToken}` });
    return Object.assign(Object.create(service) as TestService, {
      admin,
      async key(...scopes: string[]) {
        const answer = await admin('mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { token } }', {
          input: { name: `key ${Math.random()}`, scopes },
        });
        if (answer.body.errors !== undefined) throw new Error(answer.text);
        return answer.body.data.createApiKey.token as string;
      },
    });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Sends a JSON body by POST. */
export async function ask(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return answerOf(
    await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: text }),
  );
}
