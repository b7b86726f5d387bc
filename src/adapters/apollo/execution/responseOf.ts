import { HeaderMap, type GraphQLResponse } from '@apollo/server';
import type { ExecutionResult, GraphQLError, GraphQLFormattedError } from 'graphql';
import { INTERNAL_ERROR } from '../../../core/errors/publicErrors.js';
import type { ExecutionConfig } from './serverConfig.js';

type Head = GraphQLResponse['http'];

/** Apollo Server only reads it. */
const NO_FIELDS: Head = { headers: new HeaderMap() };

/** Returns the response to an executed operation, as Apollo Server creates it. */
export function responseOf(
  result: ExecutionResult,
  { formatError }: Partial<Pick<ExecutionConfig, 'formatError'>>,
): GraphQLResponse {
  const { errors } = result;
  if (errors === undefined) return single(NO_FIELDS, result);
  const http: Head = { headers: new HeaderMap() };
  const formatted = errors.map((error): GraphQLFormattedError => {
    const form = formOf(error, http);
    try {
      return formatError === undefined ? form : formatError(form, error);
    } catch {
      return { message: 'Internal server error', extensions: INTERNAL_ERROR.extensions };
    }
  });
  return single(http, { ...result, errors: formatted });
}

function single(http: Head, singleResult: object): GraphQLResponse {
  return { http, body: { kind: 'single', singleResult } };
}

/** Moves the status and the header fields of an error to the response. */
function formOf(error: GraphQLError, http: Head): GraphQLFormattedError {
  const extensions: Record<string, unknown> = { ...error.extensions };
  extensions.code ??= INTERNAL_ERROR.extensions.code;
  const own = extensions.http;
  if (isHead(own)) {
    if (own.status) http.status = own.status;
    for (const [name, value] of own.headers ?? []) http.headers.set(name, value);
    delete extensions.http;
  }
  return { ...error.toJSON(), extensions };
}

function isHead(given: unknown): given is Partial<Head> {
  if (typeof given !== 'object' || given === null) return false;
  const { status, headers } = given as { readonly status?: unknown; readonly headers?: unknown };
  return (!('status' in given) || typeof status === 'number') && (!('headers' in given) || headers instanceof Map);
}
