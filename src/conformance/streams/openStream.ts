import type { StreamProtocol } from '../conformanceOptions.js';
import type { World } from '../world.js';
import type { Stream, StreamRequest } from './reading.js';
import { openSse } from './sse.js';
import { openWebSocket } from './webSocket.js';

const OPENERS: Readonly<Record<StreamProtocol, (request: StreamRequest) => Promise<Stream>>> = {
  'graphql-sse': openSse,
  'graphql-transport-ws': openWebSocket,
};

/** Opens a subscription by the protocol of the server. @param token null for no credential */
export function openStream({ server }: World, query: string, token: string | null): Promise<Stream> {
  const { streams } = server;
  if (streams === undefined)
    throw new Error('start returned no streams. Return them, or set the exception NO_STREAMS.');
  return OPENERS[streams.protocol]({ url: streams.url, query, token });
}
