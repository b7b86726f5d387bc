import { WebSocket } from 'undici';
import { Reading, type Stream, type StreamRequest, type StreamResult } from './reading.js';

interface Message {
  readonly type: string;
  readonly payload?: unknown;
}

/** Codes with which a server closes a socket instead of sending an error. */
const CLOSED: ReadonlyMap<number, string> = new Map([
  [4400, 'BAD_REQUEST'],
  [4401, 'UNAUTHENTICATED'],
  [4403, 'FORBIDDEN'],
  [4429, 'RATE_LIMITED'],
]);

/** Both limits have the same close code. */
function codeOf(code: number, reason: string): string | undefined {
  return reason.includes('open streams') ? 'TOO_MANY_STREAMS' : CLOSED.get(code);
}

/** Opens a stream by graphql-transport-ws, with the key in connection_init. */
export async function openWebSocket({ url, query, token }: StreamRequest): Promise<Stream> {
  const socket = new WebSocket(url, 'graphql-transport-ws');
  const stream = new Reading(() => socket.close(1000));
  const tell = (message: object): void => socket.send(JSON.stringify(message));
  const handlers: Readonly<Record<string, (payload: unknown) => void>> = {
    connection_ack: () => tell({ id: '1', type: 'subscribe', payload: { query } }),
    ping: () => tell({ type: 'pong' }),
    next: (payload) => stream.take(payload as StreamResult),
    error(payload) {
      stream.take({ errors: payload as NonNullable<StreamResult['errors']> });
      stream.end();
    },
    complete: () => stream.end(),
  };
  socket.addEventListener('open', () =>
    tell({ type: 'connection_init', ...(token !== null && { payload: { authorization: `Bearer ${token}` } }) }),
  );
  socket.addEventListener('message', ({ data }) => {
    const { type, payload } = JSON.parse(String(data)) as Message;
    handlers[type]?.(payload);
  });
  socket.addEventListener('error', () => stream.end());
  socket.addEventListener('close', ({ code, reason }) => stream.end(codeOf(code, reason)));
  await new Promise<void>((resolve) => {
    socket.addEventListener('open', () => resolve());
    socket.addEventListener('close', () => resolve());
  });
  return stream;
}
