import type { GraphQLFormattedError } from 'graphql';
import { publicForm } from '../../core/errors/publicErrors.js';

/** Formats an error of Apollo Server just before it is sent: see {@link publicForm}. */
export function formatError(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  const remedy = REMEDIES.get(formatted.message);
  return publicForm(remedy === undefined ? formatted : { ...formatted, message: remedy }, error);
}

/** Replacements for messages of Apollo Server that don't say how to fix the problem. */
const REMEDIES: ReadonlyMap<string, string> = new Map([
  [
    'Operation batching disabled.',
    'Batches of operations are not supported: the body is a JSON array. Send one request for each operation, with a JSON object such as {"query": "..."}.',
  ],
  [
    'POST body missing, invalid Content-Type, or JSON object has no keys.',
    'The body has no operation. Send Content-Type: application/json and a JSON object such as {"query": "..."}.',
  ],
]);
