import { HeaderMap, type ApolloServer } from '@apollo/server';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { OutgoingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import type { RequestContext } from './graphqlRoute.js';

export interface HandlerOptions {
  /** True from the moment at which the server is being closed. */
  readonly isClosing: () => boolean;
}

/**
 * Hands a request to Apollo Server and its answer to Node. Not by the integration package: that makes a URL of the Host
 * field at every request, which costs more than all of the guard and throws where the field is bad.
 */
export function apolloHandler(
  apollo: ApolloServer<RequestContext>,
  { isClosing }: HandlerOptions,
): (request: FastifyRequest, reply: FastifyReply) => Promise<unknown> {
  return async (request, reply) => {
    const { status, headers, body } = await apollo.executeHTTPGraphQLRequest({
      httpGraphQLRequest: {
        method: request.method,
        headers: headersOf(request),
        search: searchOf(request.url),
        body: request.body,
      },
      context: () => Promise.resolve({ principal: request.principal, requestId: request.id, outcome: request.outcome }),
    });
    if (body.kind === 'complete' && !isClosing() && isWhole(headers, request)) {
      write(reply, status ?? 200, headers, body.string);
      return undefined;
    }
    for (const [name, value] of headers) reply.header(name, value);
    reply.code(status ?? 200);
    return body.kind === 'complete' ? body.string : Readable.from(body.asyncIterator);
  };
}

/** Has the answer all that the hooks would add to it? */
function isWhole(headers: HeaderMap, { principal }: FastifyRequest): boolean {
  return headers.has('cache-control') && (principal.kind === 'anonymous' || headers.has('ratelimit'));
}

/** Past Fastify's own way of sending, whose hooks and serializers have nothing to do here. */
function write(reply: FastifyReply, status: number, headers: HeaderMap, text: string): void {
  const fields = reply.getHeaders() as OutgoingHttpHeaders;
  for (const [name, value] of headers) fields[name] = value;
  fields['content-length'] = Buffer.byteLength(text);
  reply.hijack();
  reply.raw.writeHead(status, fields);
  reply.raw.end(text);
}

/** Fields that Apollo Server reads, which is cheaper than all. */
const READ_BY_APOLLO = ['x-apollo-operation-name', 'apollo-require-preflight'] as const;

function headersOf({ raw: { headers }, method, principal }: FastifyRequest): HeaderMap {
  const map = new HeaderMap();
  for (const name of READ_BY_APOLLO) {
    const value = headers[name];
    if (value !== undefined) map.set(name, typeof value === 'string' ? value : value.join(', '));
  }
  // Apollo Server looks twice into what is acceptable. Whoever asks for nothing in particular gets the same without that.
  const { accept = '*/*' } = headers;
  map.set('accept', accept === '*/*' ? '' : accept);
  // Whoever sent a credential passes the look for forged requests by that alone, and of a POST the content type serves
  // for nothing else: Fastify has read the body by it.
  if (principal.kind !== 'anonymous') map.set('authorization', 'given');
  if (principal.kind === 'anonymous' || method === 'GET') {
    const type = headers['content-type'];
    if (type !== undefined) map.set('content-type', type);
  }
  return map;
}

function searchOf(url: string): string {
  const start = url.indexOf('?');
  return start === -1 ? '' : url.slice(start);
}
