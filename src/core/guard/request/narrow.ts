import { executeSync, type GraphQLSchema } from 'graphql';
import { introspectionPart } from '../introspectionPart.js';
import type { Reply } from './reply.js';

/**
 * Restricts the introspection results in a response to the caller's view of the schema: runs the introspection part of
 * the operation on the view, and replaces the results from the whole schema. A server's hook can't choose the schema that
 * is used for execution, and the guards of the view were not checked, so the whole operation can't run on it.
 *
 * @throws Error if this is impossible; the response must not be sent then
 */
export function narrow({ result, schema, document, operation, variables }: Reply, view: GraphQLSchema | null): void {
  if (view === schema || operation == null || document === undefined) return;
  if (result === null) throw new Error('An incremental response cannot be filtered for its caller.');
  const { data } = result;
  if (data == null) return;
  if (view === null) throw new Error('A caller without access to any part of the schema read the schema.');
  const { data: own, errors } = executeSync({
    schema: view,
    document: introspectionPart(document, operation),
    variableValues: variables,
  });
  if (own == null || errors !== undefined) {
    // Not errors[0] itself, which would be treated as an error of the request.
    throw new Error('The view of the schema could not be read.', { cause: errors?.[0] });
  }
  for (const [key, value] of Object.entries(own)) data[key] = value;
}
