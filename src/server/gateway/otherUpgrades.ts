import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

/** Serves the connection of a request that wanted another protocol. */
export type ServeAgain = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Fields that request another protocol (RFC 9110 section 7.8, RFC 7540 section 3.2.1). */
const ASKING: ReadonlySet<string> = new Set(['upgrade', 'http2-settings']);

/**
 * Returns a function that serves a request as if it had not asked for another protocol, which a server may always do. If a server listens
 * to `upgrade`, Node passes it each such request without its body, even from HTTP clients that request HTTP/2, as Java's client does by
 * default.
 *
 * @param server before other listeners for its connections were added
 */
export function servingAgain(server: Server): ServeAgain {
  const [serve] = server.listeners('setSecureContext' in server ? 'secureConnection' : 'connection');
  return (request, socket, head) => {
    socket.unshift(Buffer.concat([Buffer.from(headOf(request), 'latin1'), head]));
    Reflect.apply(serve as (socket: Duplex) => void, server, [socket]);
  };
}

function headOf({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (!ASKING.has(name.toLowerCase())) text += `${name}: ${rawHeaders[i + 1]}\r\n`;
  }
  return `${text}\r\n`;
}
