import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { GraphQLSchema, ValidationRule } from 'graphql';
import type { Server } from 'graphql-ws';
import type { Latchkey } from '../../assembly/libraryApi.js';
import { BoundSockets, type ServedSocket, type SocketServer } from '../graphqlWs/socket.js';
import { SocketGuard, socketBounds } from '../graphqlWs/latchkeyWs.js';
import { OperationPubSub } from './operationPubSub.js';
import type { MercuriusSubscriptions } from './subscriptionOptions.js';

interface SocketRouteOptions {
  readonly latchkey: Pick<Latchkey, 'requests' | 'streams' | 'context'>;
  readonly schema: GraphQLSchema;
  readonly validationRules: readonly ValidationRule[];
  readonly subscription: MercuriusSubscriptions;
}

/** How often a connection is checked by a ping, in ms. Proxies close connections that are silent for a minute. */
const KEEP_ALIVE = 12_000;

/** Closes a connection because of a fault of the server, by the protocol. */
const INTERNAL_ERROR = 4500;

/** A WebSocket of `ws`, as a handler of @fastify/websocket gets it. */
interface RouteSocket extends ServedSocket {
  readonly protocol: string;
  send(text: string, done: (error?: Error | null) => void): void;
  ping(): void;
  on(event: 'message', listener: (data: unknown) => void): unknown;
  on(event: 'ping' | 'pong' | 'close', listener: () => void): unknown;
  once(event: 'close', listener: (code: number, reason: Buffer) => void): unknown;
}

interface RouteServer extends SocketServer {
  readonly options: SocketServer['options'] & { handleProtocols?: ChooseProtocol };
}

type ChooseProtocol = (protocols: Set<string>, request: unknown) => string | false;

/** A route, as @fastify/websocket extends it. */
interface SocketRoute {
  wsHandler?: (socket: RouteSocket, request: FastifyRequest) => void;
}

/**
 * Replaces the handler of WebSockets that Mercurius registers, at the same path. Mercurius parses documents without a bound, does not
 * validate them, passes no variables to its hooks, and sends the messages of unexpected errors.
 *
 * Call it before Mercurius is registered.
 *
 * @returns a function that throws if Mercurius has registered no handler
 * @throws TypeError if graphql-ws is not installed
 */
export async function guardSockets(app: FastifyInstance, options: SocketRouteOptions): Promise<() => void> {
  const { makeServer, handleProtocols } = await loadGraphqlWs();
  const { keepAlive = KEEP_ALIVE, ...bounds } = options.subscription;
  const sockets = new BoundSockets(socketBounds(bounds));
  const guard = new SocketGuard(options.latchkey, guardOptions(app, options), (socket) => sockets.verified(socket));
  const server: Server<object> = makeServer(guard.serverOptions());
  let isReplaced = false;
  app.addHook('onRoute', function replace(route) {
    const socketRoute = route as SocketRoute;
    if (isReplaced || socketRoute.wsHandler === undefined) return;
    isReplaced = true;
    const { websocketServer } = this as unknown as { readonly websocketServer: RouteServer };
    sockets.boundMessages(websocketServer.options);
    chooseProtocol(websocketServer.options, handleProtocols);
    socketRoute.wsHandler = (socket, request) => {
      sockets.add(socket);
      serve(server, socket, request, keepAlive);
    };
  });
  return () => {
    if (!isReplaced) throw new Error('latchkeyMercurius: this version of Mercurius has no handler of WebSockets.');
  };
}

async function loadGraphqlWs() {
  try {
    return await import('graphql-ws');
  } catch (error) {
    throw new TypeError(
      'latchkeyMercurius: subscription needs the package graphql-ws. Install it: npm install graphql-ws.',
      { cause: error },
    );
  }
}

function guardOptions(app: FastifyInstance, { schema, validationRules, subscription }: SocketRouteOptions) {
  const { emitter: _, pubsub: __, keepAlive: ___, context, ...bounds } = subscription;
  const report = (error: unknown): void => app.log.error(error);
  return {
    ...{ ...bounds, schema, validationRules },
    context: async (by: Parameters<NonNullable<typeof context>>[1], { request }: { readonly request: unknown }) => ({
      ...(await context?.(request as FastifyRequest, by)),
      ...{ app, reply: { request } },
      pubsub: new OperationPubSub(app.graphql.pubsub, report),
    }),
    onOperationEnd: (own: object) => (own as { readonly pubsub: OperationPubSub }).pubsub.close(),
  };
}

/** The server chooses no subprotocol with a key, because it sends its choice back. Other routes keep theirs. */
function chooseProtocol(options: RouteServer['options'], choose: ChooseProtocol): void {
  const others: ChooseProtocol =
    options.handleProtocols ?? ((protocols) => [...protocols].find((name) => !name.startsWith('bearer.')) ?? false);
  options.handleProtocols = (protocols, request) => {
    const chosen = choose(protocols, request);
    return chosen === false ? others(protocols, request) : chosen;
  };
}

/** Connects a WebSocket to graphql-ws. */
function serve(server: Server<object>, socket: RouteSocket, request: FastifyRequest, keepAlive: number): void {
  const closed = server.opened(
    {
      protocol: socket.protocol,
      close: (code, reason) => socket.close(code ?? INTERNAL_ERROR, reason ?? ''),
      send: (text) =>
        new Promise((resolve, reject) => {
          if (socket.readyState !== 1) resolve();
          else socket.send(text, (error) => (error == null ? resolve() : reject(error)));
        }),
      onMessage: (take) =>
        socket.on('message', (data) => {
          take(String(data)).catch((error: unknown) => {
            request.log.error(error);
            socket.close(INTERNAL_ERROR, 'Internal server error');
          });
        }),
    },
    { socket, request },
  );
  const stopPings = keepAlive === 0 ? () => undefined : ping(socket, keepAlive);
  socket.once('close', (code, reason) => {
    stopPings();
    closed(code, reason.toString()).catch((error: unknown) => request.log.error(error));
  });
}

/** Ends a connection that doesn't answer pings. @returns a function that stops the pings */
function ping(socket: RouteSocket, every: number): () => void {
  let isAlive = true;
  socket.on('pong', () => (isAlive = true));
  const timer = setInterval(() => {
    if (!isAlive) {
      socket.terminate();
      return;
    }
    isAlive = false;
    socket.ping();
  }, every).unref();
  return () => clearInterval(timer);
}
