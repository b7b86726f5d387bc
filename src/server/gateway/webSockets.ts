import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { handleProtocols } from 'graphql-ws';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { WebSocketServer } from 'ws';
import { boundSockets } from '../../adapters/graphqlWs/socket.js';
import type { Assembly } from '../../assembly/assembly.js';
import { MAX_BODY_BYTES } from '../../core/guard/document/documentBounds.js';
import type { Observer } from '../../core/observer/observer.js';
import type { OpenStreams } from '../../core/streams/openStreams.js';
import type { Connections } from '../http/connections.js';
import { isLocal } from '../http/requireHttps.js';
import type { Callers } from '../net/trustedProxies.js';
import type { Gateway } from './gateway.js';
import type { ServeAgain } from './otherUpgrades.js';
import { SocketForwarder } from './socketForwarder.js';

interface WebSocketsOptions {
  readonly gateway: Gateway;
  readonly latchkey: Assembly;
  readonly streams: OpenStreams;
  readonly observer: Observer;
  readonly connections: Connections;
  readonly callers: Callers;
  readonly serveAgain: ServeAgain;
  readonly logger: FastifyBaseLogger;
  /** Whether callers on other machines must use HTTPS. */
  readonly needsHttps: boolean;
  readonly path: string;
  /** The maximum size of a result, in bytes. */
  readonly maxBytes: number;
}

/** Messages of one connection in a second. */
const MAX_MESSAGES = 200;

/** Connections that have sent no valid key yet. */
const MAX_UNVERIFIED = 1_000;

/** A close code of the registry of RFC 6455. */
const SERVICE_RESTART = 1012;

const STOPPING = 'The server is stopping. Connect again to reach another server.';

/**
 * Accepts WebSockets at the path of the API, and forwards their operations. Upgrade requests for other protocols or at other paths are
 * served like ordinary requests.
 */
export function forwardWebSockets(app: FastifyInstance, options: WebSocketsOptions): void {
  const { gateway, latchkey, streams, observer, connections, callers, serveAgain, logger } = options;
  if (gateway.webSockets === null) return;
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, handleProtocols });
  const verified = boundSockets(sockets, {
    maxMessageBytes: MAX_BODY_BYTES,
    maxMessages: MAX_MESSAGES,
    maxUnverified: MAX_UNVERIFIED,
  });
  const forwarder = new SocketForwarder({
    ...{ gateway, latchkey, streams, observer, logger, verified, maxBytes: options.maxBytes },
  });
  app.server.on('upgrade', (request, socket, head) => {
    const caller = callers.callerOf(request, (request.socket as Partial<TLSSocket>).encrypted === true);
    const isInClear = options.needsHttps && !caller.https && !isLocal(request);
    if (isInClear || !isAsked(request, options.path)) {
      serveAgain(request, socket, head);
      return;
    }
    // Otherwise, a stop would take the connection for one without a request.
    connections.arrived(request);
    sockets.handleUpgrade(request, socket, head, (opened) => {
      if (connections.isLeaving) {
        // Clients connect again after this code, and not after a refused request.
        opened.on('error', () => undefined).close(SERVICE_RESTART, STOPPING);
        return;
      }
      sockets.emit('connection', opened, request);
      forwarder.open(opened, request, caller.address);
    });
  });
  connections.onCut(() => forwarder.cut());
  app.addHook('preClose', (done) => {
    forwarder.stop();
    streams.close();
    done();
  });
}

function isAsked({ method, url = '', headers }: IncomingMessage, path: string): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && url.split('?', 1)[0] === path;
}
