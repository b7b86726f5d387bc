import type { IncomingHttpHeaders } from 'node:http';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { createClient, type Client, type FormattedExecutionResult } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocket, WebSocketServer } from 'ws';
import { serveUpstream, shop, yogaUpstream, type TestUpstream } from './gateway.js';

/** An upstream that speaks graphql-transport-ws with graphql-ws, and GraphQL over HTTP with Yoga. */
export interface SocketUpstream extends TestUpstream {
  readonly sockets: WebSocketServer;
  /** The header fields and the payload of connection_init of each connection. */
  readonly connected: { readonly headers: IncomingHttpHeaders; readonly payload: unknown }[];
  /** The texts of all operations. */
  readonly operations: string[];
  /** Operations that are running. */
  readonly running: Set<string>;
}

/** @param source a schema and its resolvers */
export async function socketUpstream(source: object = shop): Promise<SocketUpstream> {
  const upstream = await yogaUpstream(source);
  const sockets = new WebSocketServer({ server: upstream.server, path: '/graphql' });
  const connected: { headers: IncomingHttpHeaders; payload: unknown }[] = [];
  const operations: string[] = [];
  const running = new Set<string>();
  const serving = useServer(
    {
      schema: makeExecutableSchema(source as never),
      onConnect: ({ connectionParams, extra }) => {
        connected.push({ headers: extra.request.headers, payload: connectionParams });
      },
      onSubscribe: (_, id, { query }) => {
        operations.push(query);
        running.add(id);
      },
      onComplete: (_, id) => void running.delete(id),
      onDisconnect: () => running.clear(),
    },
    sockets,
  );
  const close = async (): Promise<void> => {
    await serving.dispose();
    await upstream.close();
  };
  return { ...upstream, sockets, connected, operations, running, close };
}

/** An upstream that answers WebSockets as a test wants. */
export async function hostileUpstream(
  serve: (socket: WebSocket, message: { type: string; id?: string }) => void,
): Promise<TestUpstream> {
  const upstream = await serveUpstream((_, response) => response.writeHead(404).end());
  const sockets = new WebSocketServer({ server: upstream.server, handleProtocols: () => 'graphql-transport-ws' });
  sockets.on('connection', (socket) => {
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer) => serve(socket, JSON.parse(data.toString())));
  });
  const close = async (): Promise<void> => {
    for (const socket of sockets.clients) socket.terminate();
    await upstream.close();
  };
  return { ...upstream, close };
}

/** Sends a message to a caller of a {@link hostileUpstream}. */
export const say = (socket: WebSocket, message: object): void => socket.send(JSON.stringify(message));

/** A client of graphql-ws. @param token null if none */
export function socketClient(
  url: string,
  token: string | null,
  more: Partial<Parameters<typeof createClient>[0]> = {},
): Client {
  return createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    ...(token !== null && { connectionParams: { authorization: `Bearer ${token}` } }),
    ...more,
  });
}

/** The reports of a client about one operation. */
export interface Heard {
  readonly results: FormattedExecutionResult[];
  /** Errors of the operation, or the close of the connection; null if none. */
  // oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into reports freely.
  error: any;
  isOver: boolean;
  readonly stop: () => void;
}

export function hear(client: Client, query: string, more: object = {}): Heard {
  const heard: Heard = { results: [], error: null, isOver: false, stop: () => stop() };
  const stop = client.subscribe(
    { query, ...more },
    {
      next: (result) => void heard.results.push(result as FormattedExecutionResult),
      error: (error) => {
        heard.error = error;
        heard.isOver = true;
      },
      complete: () => (heard.isOver = true),
    },
  );
  return heard;
}

/** A WebSocket without a GraphQL client. */
export function rawSocket(url: string, protocols = ['graphql-transport-ws'], headers: Record<string, string> = {}) {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), protocols, { headers });
  // oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into messages freely.
  const messages: any[] = [];
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString())));
  socket.on('error', () => undefined);
  return {
    socket,
    messages,
    opened: new Promise((resolve) => socket.once('open', resolve)),
    closed: new Promise<{ readonly code: number; readonly reason: string }>((resolve) => {
      socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    }),
    send: (message: unknown) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
  };
}
