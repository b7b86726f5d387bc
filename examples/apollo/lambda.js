// Apollo Server on AWS Lambda, behind an HTTP API of API Gateway or a function URL.
import { ApolloServer } from '@apollo/server';
import { handlers, startServerAndCreateLambdaHandler } from '@as-integrations/aws-lambda';
import { apolloOptions } from 'latchkey/apollo';

/** Returns the handler to export from the function. For a REST API, use createAPIGatewayProxyEventRequestHandler. */
export function createHandler({ latchkey, schema }) {
  const apollo = new ApolloServer(apolloOptions(latchkey, { schema }));
  const events = handlers.createAPIGatewayProxyEventV2RequestHandler();
  return startServerAndCreateLambdaHandler(apollo, events, { context: latchkey.context });
}
