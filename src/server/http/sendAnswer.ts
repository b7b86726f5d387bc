import type { FastifyReply, FastifyRequest } from 'fastify';
import type { OutgoingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { hasLimitFields } from '../../core/limits/limitHeaders.js';
import { endAtOnce } from './endAtOnce.js';

/** A response to an operation. */
export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string | Readable;
}

/**
 * Sends the response to an operation. Most are written straight to the connection, without Fastify's hooks and
 * serializers, which have nothing to add.
 *
 * @param closing whether the server is being closed. Then a hook has to close the connection.
 * @returns the body for Fastify to send; undefined if the response was sent
 */
export function sendAnswer(
  request: FastifyRequest,
  reply: FastifyReply,
  { status, headers, body }: Answer,
  closing: boolean,
): string | Readable | undefined {
  if (typeof body === 'string' && !closing && isWhole(headers, request)) {
    const fields = reply.getHeaders() as OutgoingHttpHeaders;
    for (const [name, value] of headers) fields[name] = value;
    const bytes = Buffer.byteLength(body);
    fields['content-length'] = bytes;
    reply.hijack();
    reply.raw.writeHead(status, fields);
    endAtOnce(reply.raw, body, bytes);
    return undefined;
  }
  for (const [name, value] of headers) reply.header(name, value);
  reply.code(status);
  return body;
}

/** Returns whether the response already has everything that hooks would add. */
function isWhole(headers: Answer['headers'], { principal }: FastifyRequest): boolean {
  return (
    headers.has('cache-control') && (principal.kind === 'anonymous' || hasLimitFields((name) => headers.has(name)))
  );
}
