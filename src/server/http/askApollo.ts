import { HeaderMap, type ApolloServer } from '@apollo/server';
import type { FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import type { RequestContext } from './requestContext.js';
import type { Answer } from './sendAnswer.js';

/**
 * Passes a request to Apollo Server. Not through an integration package: that parses the Host field as part of a URL
 * for each request, which costs more than the whole guard and throws if the field is invalid.
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

/** The fields that Apollo Server reads. Copying only these is faster. */
const READ_BY_APOLLO = ['accept', 'x-apollo-operation-name', 'apollo-require-preflight'] as const;

function headersOf({ raw: { headers }, method, principal }: FastifyRequest): HeaderMap {
  const map = new HeaderMap();
  for (const name of READ_BY_APOLLO) {
    const value = headers[name];
    if (value !== undefined) map.set(name, typeof value === 'string' ? value : value.join(', '));
  }
  // A request with a credential passes CSRF prevention because of it. The content type of its POST isn't needed any
  // more: Fastify has already parsed the body.
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
