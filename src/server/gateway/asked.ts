import { GraphQLError } from 'graphql';
import { withHttp } from '../../core/errors/http.js';
import { Refusal } from '../../core/errors/refusal.js';
import { membersOf } from './jsonMembers.js';

/** An operation as a caller sent it. */
export interface Asked {
  readonly query: string;
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>>;
  /** The text of `variables` as the caller wrote it, with all digits of its numbers; null if there are none. */
  readonly variablesText: string | null;
}

const NO_BATCH = 'The body is a batch. Send one operation in each request.';
const NO_QUERY = 'The body has no operation. Send {"query": "...", "variables": {...}}.';

/**
 * Reads the body of a POST request.
 *
 * @param body the parsed body
 * @param text the body as it was sent
 * @throws GraphQLError, with the status of the response
 */
export function askedInBody(body: unknown, text: string): Asked {
  if (Array.isArray(body)) throw bad(NO_BATCH);
  if (!isRecord(body)) throw bad(NO_QUERY);
  const { texts, repeated } = membersOf(text);
  if (repeated !== null) throw bad(twice(repeated));
  const { query, operationName, variables } = askedIn(body);
  const variablesText = isRecord(body.variables) ? (texts.get('variables') ?? null) : null;
  return { query, operationName, variables, variablesText };
}

/**
 * Reads the parameters of a GET request.
 *
 * @throws GraphQLError, with the status of the response
 */
export function askedInAddress(parameters: URLSearchParams): Asked {
  const once = (name: string): string | null => {
    const values = parameters.getAll(name);
    if (values.length > 1) throw bad(`The address contains ${name} more than once. Send it once.`);
    return values[0] ?? null;
  };
  const text = once('variables');
  const variables = text === null || text === '' ? null : parsedVariables(text);
  const operationName = once('operationName');
  const query = once('query');
  const extensions = once('extensions') === null ? undefined : { persistedQuery: true };
  const asked = askedIn({ query: query ?? undefined, operationName, variables, extensions });
  return { ...asked, variablesText: variables === null ? null : text };
}

function parsedVariables(text: string): unknown {
  let variables: unknown;
  try {
    variables = JSON.parse(text);
  } catch {
    throw bad('The variables in the address are not valid JSON. Send an object.');
  }
  const repeated = isRecord(variables) ? membersOf(text).repeated : null;
  if (repeated !== null) throw bad(twice(repeated));
  return variables;
}

function askedIn({ query, operationName = null, variables = null, extensions }: Record<string, unknown>) {
  if (query === undefined || query === null || query === '') {
    throw isRecord(extensions) && 'persistedQuery' in extensions ? unknownDocument() : bad(NO_QUERY);
  }
  if (typeof query !== 'string') throw bad('The query is not a string. Send the text of the operation.');
  if (operationName !== null && typeof operationName !== 'string') {
    throw bad('operationName is not a string. Send the name of the operation, or null.');
  }
  if (variables !== null && !isRecord(variables)) {
    throw bad('variables is not an object. Send {"name": value}, or null.');
  }
  return { query, operationName, variables: variables ?? {} };
}

/**
 * Returns the body for the upstream, with only the checked parts: an operation that only the upstream knows, or a name in
 * another case, must not reach it.
 */
export function bodyOf({ query, operationName, variablesText }: Asked): string {
  const name = operationName === null ? '' : `,"operationName":${JSON.stringify(operationName)}`;
  const variables = variablesText === null ? '' : `,"variables":${variablesText}`;
  return `{"query":${JSON.stringify(query)}${name}${variables}}`;
}

/** Returns the operation to forward. @param filtered replaces its text; null if it is forwarded as it was sent */
export function forwardedAs(asked: Asked, filtered: { readonly source: string } | null): Asked {
  return filtered === null ? asked : { ...asked, query: filtered.source };
}

/** Returns the parameters for the upstream. */
export function parametersOf({ query, operationName, variablesText }: Asked): string {
  const parameters = new URLSearchParams({ query });
  if (operationName !== null) parameters.set('operationName', operationName);
  if (variablesText !== null) parameters.set('variables', variablesText);
  return parameters.toString();
}

/** Returns the refusal of a request that has no valid operation. */
export function bad(message: string): Refusal {
  return withHttp(new Refusal(message, { code: 'BAD_REQUEST' }));
}

/** The gateway can only check text. With this code, clients of automatic persisted queries send the text instead. */
function unknownDocument(): GraphQLError {
  return new GraphQLError('PersistedQueryNotSupported: send the text of the operation as "query".', {
    extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED', http: { status: 400 } },
  });
}

function twice(name: string): string {
  return `The JSON has the name ${JSON.stringify(name.slice(0, 100))} twice in one object. Send each name once.`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
