import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { createHandler } from 'graphql-http/lib/use/http';
import fastify from 'fastify';
import mercurius from 'mercurius';
import { shop, yogaUpstream } from '../../support/gateway.js';
import { PROJECT } from '../../support/project.js';

/** A third-party upstream. */
export interface Started {
  readonly url: string;
  close(): Promise<unknown>;
}

const schemaOf = () => makeExecutableSchema(shop as never);

async function listening(server: Server): Promise<Started> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { url: `http://127.0.0.1:${port}/graphql`, close };
}

async function startApollo(): Promise<Started> {
  const server = new ApolloServer({ schema: schemaOf(), introspection: true });
  const { url } = await startStandaloneServer(server, { listen: { port: 0, host: '127.0.0.1' } });
  return { url, close: () => server.stop() };
}

async function startMercurius(): Promise<Started> {
  const app = fastify();
  await app.register(mercurius, { schema: schemaOf() });
  const origin = await app.listen({ port: 0, host: '127.0.0.1' });
  return { url: `${origin}/graphql`, close: () => app.close() };
}

async function startPython(): Promise<Started> {
  const child = spawn('/usr/bin/python3', [join(PROJECT, 'test/support/pythonUpstream.py')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const close = async (): Promise<void> => {
    child.kill();
    await once(child, 'exit');
  };
  return { url: `http://127.0.0.1:${line.toString().trim()}/graphql`, close };
}

/** Starts each upstream, by its name. */
export const UPSTREAMS: Readonly<Record<string, () => Promise<Started>>> = {
  'GraphQL Yoga': yogaUpstream,
  'graphql-http': () => listening(createServer(createHandler({ schema: schemaOf() }))),
  Mercurius: startMercurius,
  'Apollo Server': startApollo,
  'graphql-core of Python': startPython,
};
