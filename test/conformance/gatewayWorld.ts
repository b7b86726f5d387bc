import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSchema, isAbstractType, isObjectType, print, type ASTNode, type GraphQLSchema } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { pino } from 'pino';
import { WebSocketServer } from 'ws';
import { assemble, type Assembly } from '../../src/assembly/assembly.js';
import type { LatchkeyOptions } from '../../src/index.js';
import type { ConformanceServer, StartedServer, StreamProtocol } from '../../src/conformance/conformanceOptions.js';
import { withResolvers, type Resolvers } from '../../src/conformance/resolvedSchema.js';
import { UNOBSERVED } from '../../src/core/observer/observer.js';
import { OpenStreams } from '../../src/core/streams/openStreams.js';
import { gatewaySchemaOf, openGateway } from '../../src/server/gateway/openGateway.js';
import { createServer } from '../../src/server/http/server.js';
import { readSettings } from '../../src/server/settings/settings.js';

/**
 * Imported by a name that the compiler does not resolve, because the types of its packages replace the types of `fetch` in the whole
 * project.
 */
const YOGA = 'graphql-yoga';
const { createYoga } = (await import(YOGA)) as { createYoga: (options: object) => RequestListener };

const logger = pino({ level: 'silent' });

/** Latchkey with its options, and with the resolvers that the guard has wrapped. */
export interface Guarding extends Assembly {
  readonly options: LatchkeyOptions;
  /** The resolvers of the schemas that were guarded, without the guard. */
  readonly plain: WeakMap<GraphQLSchema, Resolvers>;
}

export async function createGuarding(options: LatchkeyOptions): Promise<Guarding> {
  const latchkey = await assemble(options);
  const plain: Guarding['plain'] = new WeakMap();
  const guard: Assembly['guard'] = (schema, given) => {
    const resolvers = resolversOf(schema);
    const guarded = latchkey.guard(schema, given);
    plain.set(guarded, resolvers);
    return guarded;
  };
  return { ...latchkey, guard, options, plain };
}

/**
 * Returns a function that starts GraphQL Yoga with a schema of the suite and without a guard, and the gateway in front of it. The
 * gateway only gets the text of the schema with its rules.
 *
 * @param protocol of the subscriptions
 */
export function startBehindGateway(protocol: StreamProtocol) {
  return async ({ schema, latchkey }: ConformanceServer<Guarding>): Promise<StartedServer> => {
    const sdl = sdlOf(schema);
    const upstream = await startUpstream(
      withResolvers(buildSchema(sdl, { assumeValidSDL: true }), latchkey.plain.get(schema) ?? resolversOf(schema)),
    );
    const gateway = await startGateway(latchkey, sdl, upstream.url).catch(async (error: unknown) => {
      await upstream.close();
      throw error;
    });
    const { url } = gateway;
    return {
      url,
      streams: { protocol, url: protocol === 'graphql-sse' ? url : url.replace('http:', 'ws:') },
      async close() {
        await gateway.close();
        await upstream.close();
      },
    };
  };
}

async function startGateway(latchkey: Guarding, sdl: string, upstream: string) {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-gateway-'));
  try {
    const file = join(directory, 'schema.graphql');
    writeFileSync(file, sdl);
    const { options, answer } = latchkey;
    const settings = readSettings({
      GATEWAY_UPSTREAM: upstream,
      GATEWAY_SCHEMA: file,
      GATEWAY_CHECK_INTERVAL: '0',
      GATEWAY_ON_DENIED: options.onDenied,
    });
    if (settings.gateway === null) throw new Error('The settings have no gateway.');
    const found = await gatewaySchemaOf(settings.gateway);
    await latchkey.principalTokens.ready();
    const opened = { latchkey, answer, log: logger, onAnswer: () => undefined };
    const { gateway } = await openGateway(settings.gateway, found, opened);
    const streams = new OpenStreams({
      tiers: latchkey.limiter.tiers,
      max: 100,
      ...(options.now !== undefined && { now: options.now }),
    });
    latchkey.onChange((change) => streams.judge(change));
    const server = await createServer({
      latchkey,
      schema: latchkey.guard(administration(latchkey)),
      gateway,
      logger,
      store: options.store,
      settings: { ...settings, answer, introspection: latchkey.introspection },
      streams,
      observer: UNOBSERVED,
      scrape: null,
      tracing: null,
    });
    const origin = await server.listen({ port: 0, host: '127.0.0.1' });
    return { url: `${origin}/graphql`, close: () => server.close() };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The API of keys, which the gateway serves at another path. */
function administration({ typeDefs, resolvers }: Assembly): GraphQLSchema {
  return withResolvers(buildSchema(print(typeDefs), { assumeValidSDL: true }), resolvers);
}

/** Starts GraphQL Yoga, with graphql-ws for WebSockets. */
async function startUpstream(schema: GraphQLSchema) {
  const yoga = createYoga({ schema, logging: false, parserAndValidationCache: false });
  const server = createHttpServer(yoga).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets = new WebSocketServer({ server, path: '/graphql' });
  const serving = useServer({ schema }, sockets);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    async close() {
      for (const socket of sockets.clients) socket.terminate();
      await serving.dispose();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Returns the text of a schema with its directives, which `printSchema` leaves out. */
function sdlOf(schema: GraphQLSchema): string {
  const types = Object.values(schema.getTypeMap()).flatMap(({ astNode, extensionASTNodes }) => [
    astNode,
    ...(extensionASTNodes as readonly ASTNode[]),
  ]);
  const directives = schema.getDirectives().map(({ astNode }) => astNode);
  return [...directives, ...types].flatMap((node) => (node == null ? [] : [print(node)])).join('\n\n');
}

/** Returns the resolvers that a schema has now. */
function resolversOf(schema: GraphQLSchema): Resolvers {
  const found: Record<string, object> = {};
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue;
    if (isAbstractType(type)) found[type.name] = { __resolveType: type.resolveType };
    if (!isObjectType(type)) continue;
    const fields = Object.values(type.getFields()).map(({ name, resolve, subscribe }) => [
      name,
      { resolve, subscribe },
    ]);
    found[type.name] = Object.fromEntries(fields) as object;
  }
  return found;
}
