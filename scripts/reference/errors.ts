import { statusOf } from '../../src/core/errors/http.js';
import { MEANINGS, REASONS, type Meaning } from '../../src/core/errors/meanings.js';
import type { RefusalCode } from '../../src/core/errors/refusal.js';
import { code, head, seePage, table } from './markdown.js';

/** The codes of Apollo Server for invalid requests, and ours for a server error. */
const OTHERS = [
  ['GRAPHQL_PARSE_FAILED', '400', 'the document has a syntax error', 'fix it at `locations`'],
  [
    'GRAPHQL_VALIDATION_FAILED',
    '400',
    'the document is invalid for the schema, or exceeds a [bound](guard.md#bounds)',
    'fix the part that the message names',
  ],
  [
    'OPERATION_RESOLUTION_FAILURE',
    '400',
    'the document has several operations, and none has the `operationName` of the request',
    'send the name of one of them',
  ],
  [
    'BAD_USER_INPUT',
    '400',
    'a variable has the wrong type; the operation did not run',
    'fix the variable that the message names',
  ],
  [
    'PERSISTED_QUERY_NOT_SUPPORTED',
    '200',
    'the request has `extensions.persistedQuery`, and the server stores no persisted queries',
    'send the whole query; Apollo Client does this automatically',
  ],
  [
    'INTERNAL_SERVER_ERROR',
    '200, or 500',
    'an unexpected error on the server; its details are only in the log',
    'try again; if it happens again, give the operator the `X-Request-Id` of the response',
  ],
] as const;

/** Returns docs/reference/errors.md: every code with its meaning and its fix. */
export function errorsPage(): string {
  const codes = Object.entries(MEANINGS) as [RefusalCode, Meaning][];
  return [
    head('Errors', 'src/core/errors'),
    'The code of an error is in `extensions.code`, and its fields are next to the code in `extensions`. `message` is for people: ' +
      'it says what is wrong and how to fix it. Its wording may change; codes and fields do not.\n',
    'An operation that is refused before it runs has the status in the table, and no `data`. Errors with 200 belong to a single field ' +
      'of an operation that ran. If they prevent a stream from starting, their status is 400, or 404 for `NOT_FOUND`.\n',
    'Responses to a missing or invalid credential (401), to a malformed one (400 `BAD_REQUEST`) and to a missing scope ' +
      '(403 `FORBIDDEN`) have a `WWW-Authenticate` challenge (RFC 6750 section 3).\n',
    table(
      ['code', 'status', 'what to do'],
      codes.map(([name, { remedy }]) => [`[${code(name)}](#${name.toLowerCase()})`, String(statusOf(name)), remedy]),
    ),
    ...codes.map(codePart),
    '## Other codes\n',
    'These codes come from Apollo Server, or from an error on the server:\n',
    table(
      ['code', 'status', 'when', 'what to do'],
      OTHERS.map(([name, ...cells]) => [code(name), ...cells]),
    ),
  ].join('\n');
}

function codePart([name, { when, page, fields }]: readonly [RefusalCode, Meaning]): string {
  const rows = Object.entries(fields).map(([field, meaning]) => [code(field), meaning]);
  return [
    `## ${name}\n`,
    `${capital(when)}${seePage(page)}.\n`,
    ...(rows.length === 0 ? [] : [table(['field', 'meaning'], rows)]),
    ...(name === 'UNAUTHENTICATED' ? [reasonsTable()] : []),
  ].join('\n');
}

function reasonsTable(): string {
  return table(
    ['reason', 'when'],
    Object.entries(REASONS).map(([reason, when]) => [code(reason), when]),
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
