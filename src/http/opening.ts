import type { ApolloServerPlugin } from '@apollo/server';
import { HeaderMap } from '@apollo/server';
import { getVariableValues, OperationTypeNode, type OperationDefinitionNode } from 'graphql';
import { withHttp } from '../refusals/http.js';
import { Refusal } from '../refusals/refusal.js';
import type { RequestContext } from './requestContext.js';

/**
 * Has Apollo Server do for subscriptions all that it does before an operation runs, and stop there: what is refused is
 * refused as on /graphql, by the same hooks, in the same words. To be put before the guard: what comes to the wrong
 * address takes nothing of any limit, since a hook that throws at once keeps those after it from being asked.
 */
export const openingPlugin: ApolloServerPlugin<RequestContext> = {
  requestDidStart: async () => ({
    didResolveOperation({ operation, contextValue: { opening, only } }) {
      if (operation == null) return Promise.resolve();
      const subscribes = operation.operation === OperationTypeNode.SUBSCRIPTION;
      if (subscribes && opening === null) throw atTheWrongAddress(SUBSCRIPTION);
      if (!subscribes && opening !== null) throw atTheWrongAddress(NO_SUBSCRIPTION);
      if (only !== undefined && operation.operation.valueOf() !== only) throw atTheWrongAddress(OTHER_KIND[only]);
      return Promise.resolve();
    },
    async responseForOperation({ schema, source, document, operation, request, contextValue: { opening } }) {
      // Apollo Server asks even if the document has no such operation, and refuses the request itself afterwards.
      if (opening === null || (operation as OperationDefinitionNode | undefined) === undefined) return null;
      const { variables = {} } = request;
      // Apollo Server runs what has wrong variables, which fails before anything does, and knows what to say.
      const { errors } = getVariableValues(schema, operation.variableDefinitions ?? [], variables, { maxErrors: 1 });
      if (errors !== undefined) return null;
      opening.admitted = { source, document, operation, variables: declared(operation, variables) };
      return { http: { headers: new HeaderMap() }, body: { kind: 'single', singleResult: { data: null } } };
    },
  }),
};

/** A stream keeps its variables for as long as it is open: what else the request held under that name is left out. */
function declared(
  { variableDefinitions = [] }: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const names = variableDefinitions.map(({ variable }) => variable.name.value);
  return Object.fromEntries(
    names.filter((name) => Object.hasOwn(variables, name)).map((name) => [name, variables[name]]),
  );
}

const SUBSCRIPTION =
  'Subscriptions are streams. Send this one to /graphql/stream, with the header "Accept: text/event-stream".';
const NO_SUBSCRIPTION = 'Streams are for subscriptions alone. Send queries and mutations to /graphql.';

const OTHER_KIND = {
  query: 'The operation is a mutation, and only queries are run here. Use run_mutation, where it is offered.',
  mutation: 'The operation is a query, and only mutations are run here. Use run_query.',
} as const;

function atTheWrongAddress(message: string): Refusal {
  return withHttp(new Refusal(message, { code: 'BAD_REQUEST' }));
}
