import { HeaderMap, type ApolloServer } from '@apollo/server';
import type { FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import type { RequestContext } from './requestContext.js';
import type { Answer } from './sendAnswer.js';

/**
 * Hands a request to Apollo Server. Not by the integration package: that makes a URL of the Host field at every request,
 * which costs more than all of the guard and throws where the field is bad.
 */
export async function askApollo(
  apollo: Pick<ApolloServer<RequestContext>, 'executeHTTPGraphQLRequest'>,
  request: FastifyRequest,
  context: RequestContext,
): Promise<Answer> {
  const { status, headers, body } = await apollo.executeHTTPGraphQLRequest({
    httpGraphQLRequest: {
      method: request.method,
      headers: headersOf(request),
      search: searchOf(request.url),
      body: request.body,
    },
    context: () => Promise.resolve(context),
  });
  return {
    status: status ?? 200,
    headers,
    body: body.kind === 'complete' ? body.string : Readable.from(body.asyncIterator),
  };
}

/** Fields that Apollo Server reads, which is cheaper than all. */
const READ_BY_APOLLO = ['accept', 'x-apollo-operation-name', 'apollo-require-preflight'] as const;

function headersOf({ raw: { headers }, method, principal }: FastifyRequest): HeaderMap {
  const map = new HeaderMap();
  for (const name of READ_BY_APOLLO) {
    const value = headers[name];
    if (value !== undefined) map.set(name, typeof value === 'string' ? value : value.join(', '));
  }
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
