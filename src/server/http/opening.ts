import type { ApolloServerPlugin } from '@apollo/server';
import { HeaderMap } from '@apollo/server';
import { getVariableValues, OperationTypeNode, type OperationDefinitionNode } from 'graphql';
import { withHttp } from '../../core/errors/http.js';
import { Refusal } from '../../core/errors/refusal.js';
import type { RequestContext } from './requestContext.js';

/**
 * Makes Apollo Server process subscriptions up to the point where an operation would run, and stop there. So the same
 * hooks refuse them with the same errors as on /graphql. Add it before the guard: an operation at the wrong address
 * then costs nothing, because the hooks after a hook that throws don't run.
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
      // Apollo Server calls this even if the document has no such operation, and refuses the request afterwards.
      if (opening === null || (operation as OperationDefinitionNode | undefined) === undefined) return null;
      const { variables = {} } = request;
      // Lets Apollo Server run an operation with invalid variables: this fails before any resolver runs, with the right
      // errors.
      const { errors } = getVariableValues(schema, operation.variableDefinitions ?? [], variables, { maxErrors: 1 });
      if (errors !== undefined) return null;
      opening.admitted = { source, document, operation, variables: declared(operation, variables) };
      return { http: { headers: new HeaderMap() }, body: { kind: 'single', singleResult: { data: null } } };
    },
  }),
};

/**
 * Returns the declared variables. A stream keeps its variables while it is open, so additional values of the request
 * are dropped.
 */
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
const NO_SUBSCRIPTION = 'Only subscriptions are allowed here. Send queries and mutations to /graphql.';

const OTHER_KIND = {
  query: 'The operation is a mutation, but run_query only runs queries. Use run_mutation if it is available.',
  mutation: 'The operation is a query, but run_mutation only runs mutations. Use run_query.',
} as const;

function atTheWrongAddress(message: string): Refusal {
  return withHttp(new Refusal(message, { code: 'BAD_REQUEST' }));
}
