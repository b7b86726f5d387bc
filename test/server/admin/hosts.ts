import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeExecutableSchema } from '@graphql-tools/schema';
import express from 'express';
import Fastify from 'fastify';
import type { Latchkey } from '../../../src/assembly/libraryApi.js';
import { createLatchkey } from '../../../src/latchkey.js';
import { useLatchkey } from '../../../src/adapters/yoga/useLatchkey.js';
import { directiveTypeDefs } from '../../../src/management/schema/typeDefs.js';
import { createAdmin, type Admin } from '../../../src/server/admin/createAdmin.js';
import { mountAdmin as mountOnExpress } from '../../../src/server/admin/mountExpress.js';
import { mountAdmin as mountOnFastify } from '../../../src/server/admin/mountFastify.js';
import type { AdminOptions } from '../../../src/server/admin/adminOptions.js';
import { answerOf, type Answer } from '../../support/service.js';
import { openStoreHere } from '../../support/storeHere.js';

/** Not imported statically: Yoga's types contain those of browsers, which would then be visible in all tests. */
const YOGA = 'graphql-yoga';
const { createYoga } = (await import(YOGA)) as { readonly createYoga: (options: object) => Handler };

/** A schema whose types and fields have the same names as Latchkey's. */
const TYPES = /* GraphQL */ `
  type Query {
    viewer: User @auth
    users: [User!]! @auth(scope: "read:people")
    projects: [Project!]! @auth(scope: "read:boards")
    greeting: String! @public
  }
  type Mutation {
    createProject(name: String!): Project @auth(scope: "write:boards")
  }
  type User {
    id: ID!
    nickname: String!
  }
  type Project {
    title: String!
    salary: Int @auth(scope: "read:salaries")
  }
`;

const projects = [{ title: 'Roof', salary: 7 }];
const RESOLVERS = {
  Query: {
    viewer: (_: unknown, __: unknown, context: { readonly greeter?: string }) => ({
      id: '1',
      nickname: context.greeter ?? 'nobody',
    }),
    users: () => [{ id: '1', nickname: 'ada' }],
    projects: () => projects,
    greeting: () => 'hello',
  },
  Mutation: { createProject: (_: unknown, { name }: { readonly name: string }) => ({ title: name, salary: 1 }) },
};

/** A server of a host, whose API is at /graphql. */
export interface Host {
  readonly origin: string;
  readonly latchkey: Latchkey;
  readonly admin: Admin;
  readonly adminToken: string;
  readonly errors: readonly unknown[];
  post(path: string, body: object, token?: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  close(): Promise<void>;
}

export const FRAMEWORKS = ['express', 'fastify', 'node'] as const;
export type Framework = (typeof FRAMEWORKS)[number];

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

interface Started {
  readonly admin: Admin;
  readonly port: number;
  close(): Promise<unknown>;
}

/** @param parsesBodies whether the host reads bodies before the administration API gets them */
export async function startHost(
  framework: Framework,
  options: AdminOptions & { readonly parsesBodies?: boolean; readonly trustProxy?: boolean } = {},
): Promise<Host> {
  const { parsesBodies = false, trustProxy = false, ...adminOptions } = options;
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-mount-'));
  const store = await openStoreHere(dir);
  const errors: unknown[] = [];
  const latchkey = await createLatchkey({ store, bcryptCost: 4, log: (error) => void errors.push(error) });
  const schema = latchkey.guard(makeExecutableSchema({ typeDefs: [directiveTypeDefs(), TYPES], resolvers: RESOLVERS }));
  const yoga = createYoga({
    schema,
    logging: false,
    parserAndValidationCache: false,
    plugins: [useLatchkey(latchkey)],
  });
  const given = { latchkey, api: yoga, parsesBodies, trustProxy, options: adminOptions };
  const { admin, port, ...running } = await { express: onExpress, fastify: onFastify, node: onNode }[framework](given);
  const origin = `http://127.0.0.1:${port}`;
  const adminToken = latchkey.firstKey?.token ?? '';
  return {
    ...{ origin, latchkey, admin, adminToken, errors },
    async post(path, body, token = adminToken, headers = {}) {
      const authorization = token === '' ? {} : { authorization: `Bearer ${token}` };
      return answerOf(
        await fetch(origin + path, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...authorization, ...headers },
          body: JSON.stringify(body),
        }),
      );
    },
    async close() {
      await running.close();
      await latchkey.close();
      await store.close();
      rmSync(dir, { recursive: true });
    },
  };
}

interface Given {
  readonly latchkey: Latchkey;
  readonly api: Handler;
  readonly parsesBodies: boolean;
  readonly trustProxy: boolean;
  readonly options: AdminOptions;
}

async function onExpress({ latchkey, api, parsesBodies, trustProxy, options }: Given): Promise<Started> {
  const app = express();
  if (trustProxy) app.set('trust proxy', 'loopback');
  app.use((_request: unknown, response: ServerResponse, next: () => void) => {
    response.setHeader('x-host', 'express');
    next();
  });
  if (parsesBodies) app.use(express.json());
  const admin = await mountOnExpress(app, latchkey, options);
  app.use('/graphql', api);
  return { admin, ...(await listen(createServer(app), admin)) };
}

async function onFastify({ latchkey, api, trustProxy, options }: Given): Promise<Started> {
  const app = Fastify({ trustProxy: trustProxy ? 'loopback' : false, forceCloseConnections: 'idle' });
  app.addHook('onRequest', async (_request, reply) => void reply.header('x-host', 'fastify'));
  const admin = await mountOnFastify(app, latchkey, options);
  await app.register(async (below) => {
    below.removeAllContentTypeParsers();
    below.addContentTypeParser('*', (_request, _body, done) => done(null));
    below.all('/graphql', (request, reply) => {
      reply.hijack();
      void api(request.raw, reply.raw);
    });
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  return { admin, port: (app.server.address() as AddressInfo).port, close: () => app.close() };
}

async function onNode({ latchkey, api, trustProxy, options }: Given): Promise<Started> {
  const address = (request: IncomingMessage) => String(request.headers['x-forwarded-for']);
  const admin = await createAdmin(latchkey, { ...options, ...(trustProxy && { address }) });
  const server = createServer((request, response) => {
    response.setHeader('x-host', 'node');
    if (!admin.handle(request, response)) void api(request, response);
  });
  return { admin, ...(await listen(server, admin)) };
}

async function listen(server: Server, admin: Admin): Promise<Omit<Started, 'admin'>> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      await admin.close();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      await closed;
    },
  };
}

/** Creates a key by the administration API. */
export async function keyOn(
  host: Host,
  scopes: readonly string[],
  path = '/admin',
): Promise<{ id: string; token: string }> {
  const query =
    'mutation ($scopes: [Scope!]!) { createApiKey(input: { name: "k", scopes: $scopes }) { token apiKey { id } } }';
  const { body } = await host.post(`${path}/graphql`, { query, variables: { scopes } });
  if (body.errors !== undefined) throw new Error(JSON.stringify(body.errors));
  const { token, apiKey } = body.data.createApiKey;
  return { id: apiKey.id, token };
}
