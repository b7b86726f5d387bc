import { executeSync, type GraphQLSchema } from 'graphql';
import { introspectionPart } from '../../core/guard/introspectionPart.js';
import type { Answered } from './answer.js';

/**
 * Restricts the introspection results in a response to the caller's view of the schema: runs the introspection part of
 * the operation on the view, and replaces the results from the whole schema. A plugin can't choose the schema that is
 * used for execution, and the guards of the view were not checked, so the whole operation can't run on it.
 *
 * @throws Error if this is impossible; then nothing of the response may be sent
 */
export function narrow(
  { response: { body }, schema, document, operation, request }: Answered,
  view: GraphQLSchema | null,
): void {
  if (view === schema || operation == null || document === undefined) return;
  if (body.kind !== 'single') throw new Error('An incremental response cannot be filtered for its caller.');
  const { data } = body.singleResult;
  if (data == null) return;
  if (view === null) throw new Error('A caller without access to any part of the schema read the schema.');
  const { data: own, errors } = executeSync({
    schema: view,
    document: introspectionPart(document, operation),
    variableValues: request.variables,
  });
  if (own == null || errors !== undefined) {
    // Not errors[0] itself, which would be treated as an error of the request.
    throw new Error('The view of the schema could not be read.', { cause: errors?.[0] });
  }
  for (const [key, value] of Object.entries(own)) data[key] = value;
}
