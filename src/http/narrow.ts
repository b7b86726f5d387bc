import { executeSync, type GraphQLSchema } from 'graphql';
import { introspectionPart } from '../guard/introspectionPart.js';
import type { Answered } from './answer.js';

/**
 * Puts what an operation read of the schema in terms of the caller's view of it: the introspection part of the operation,
 * executed on the view, takes the place of what the whole schema answered. No server lets a plugin choose the schema on
 * which it executes; and to execute all of the operation on the view would be to serve a schema whose guards nobody proved.
 *
 * @throws Error where it cannot be done; nothing of the answer may then leave
 */
export function narrow(
  { response: { body }, schema, document, operation, request }: Answered,
  view: GraphQLSchema | null,
): void {
  if (view === schema || operation == null || document === undefined) return;
  if (body.kind !== 'single') throw new Error('An answer in parts cannot be narrowed to what its caller may see.');
  const { data } = body.singleResult;
  if (data == null) return;
  if (view === null) throw new Error('The schema was read by somebody who may see nothing of it.');
  const { data: own, errors } = executeSync({
    schema: view,
    document: introspectionPart(document, operation),
    variableValues: request.variables,
  });
  if (own == null || errors !== undefined) {
    // Not errors[0] itself, which would pass for an error about the request.
    throw new Error('The view of the schema could not be read.', { cause: errors?.[0] });
  }
  for (const [key, value] of Object.entries(own)) data[key] = value;
}
