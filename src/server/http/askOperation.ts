import { HeaderMap, type ApolloServer } from '@apollo/server';
import { unavailable } from '../../core/errors/refusal.js';
import type { RequestContext } from './requestContext.js';

/** A complete response to an operation. */
interface WholeAnswer {
  readonly status: number;
  readonly headers: HeaderMap;
  /** JSON. */
  readonly body: string;
}

/**
 * Runs an operation that did not arrive at /graphql as if it had, by POST.
 *
 * @param body the body of a POST to /graphql
 */
export async function askOperation(
  apollo: Pick<ApolloServer<RequestContext>, 'executeHTTPGraphQLRequest'>,
  body: unknown,
  context: RequestContext,
): Promise<WholeAnswer> {
  const answer = await apollo.executeHTTPGraphQLRequest({
    httpGraphQLRequest: {
      method: 'POST',
      headers: new HeaderMap([['content-type', 'application/json']]),
      search: '',
      body,
    },
    context: () => Promise.resolve(context),
  });
  if (answer.body.kind !== 'complete') throw unavailable('The request could not be checked. Try again in 1 s.', 1);
  return { status: answer.status ?? 200, headers: answer.headers, body: answer.body.string };
}
