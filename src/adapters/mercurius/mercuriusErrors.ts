import { GraphQLError } from 'graphql';

/** The errors of a request that was not executed. */
export class RequestErrors extends Error {
  readonly errors: readonly GraphQLError[];

  constructor(errors: readonly GraphQLError[]) {
    super('The request is invalid.');
    this.errors = errors;
  }
}

/** An error of Fastify or Mercurius about a request. */
interface RequestFault extends Error {
  readonly code: string;
  readonly statusCode: number;
  readonly errors?: readonly unknown[];
}

/** Returns the errors that Mercurius wrapped in one, each with its code and status. */
export function unwrapped(error: GraphQLError): readonly GraphQLError[] {
  const { originalError: original } = error;
  if (error.path !== undefined || original == null) return [error];
  if (original instanceof RequestErrors) return original.errors;
  if (!isRequestFault(original)) return [error];
  const { errors = [original], statusCode } = original;
  return errors.map((fault) => {
    if (!(fault instanceof GraphQLError)) return badRequest(fault instanceof Error ? fault.message : '', statusCode);
    const code = fault.message.startsWith('Syntax Error') ? 'GRAPHQL_PARSE_FAILED' : 'GRAPHQL_VALIDATION_FAILED';
    return Object.assign(fault, { extensions: { code, http: { status: 400 }, ...fault.extensions } });
  });
}

/** Their messages are for callers: "Unsupported Media Type", "body/query must be string". */
function isRequestFault(error: Error): error is RequestFault {
  const { code, statusCode } = error as Partial<RequestFault>;
  return typeof code === 'string' && /^(?:FST|MER)_ERR_/.test(code) && Math.floor((statusCode ?? 0) / 100) === 4;
}

export function badRequest(message: string, status = 400): GraphQLError {
  return new GraphQLError(REMEDIES.get(message) ?? message, { extensions: { code: 'BAD_REQUEST', http: { status } } });
}

/** Replacements for messages that don't say how to fix the problem. */
const REMEDIES: ReadonlyMap<string, string> = new Map([
  [
    'body must be object',
    'Batches of operations are not supported: the body is not a JSON object. Send one request for each operation, such as {"query": "..."}.',
  ],
  ['Unknown query', 'The request has no operation. Send a JSON object such as {"query": "..."}.'],
]);

export function unknownOperation(): GraphQLError {
  return new GraphQLError('Unknown operation. Send the operationName of an operation in the document.', {
    extensions: { code: 'OPERATION_RESOLUTION_FAILURE', http: { status: 400 } },
  });
}

/** Gives an error its code, and the status 400. */
export function withCode(error: GraphQLError, code: string): GraphQLError {
  return Object.assign(error, { extensions: { code, ...error.extensions, http: { status: 400 } } });
}
