import { statusOf } from '../../src/refusals/http.js';
import { MEANINGS, REASONS, type Meaning } from '../../src/refusals/meanings.js';
import type { RefusalCode } from '../../src/refusals/refusal.js';
import { code, head, seePage, table } from './markdown.js';

/** Apollo Server's codes for faults of the request, and ours for what is nobody's but the server's. */
const OTHERS = [
  ['GRAPHQL_PARSE_FAILED', '400', 'the document is no GraphQL', 'mend it where `locations` says'],
  [
    'GRAPHQL_VALIDATION_FAILED',
    '400',
    'the document does not fit the schema, or is beyond a [bound](../guard.md#bounds)',
    'mend what the message names',
  ],
  [
    'OPERATION_RESOLUTION_FAILURE',
    '400',
    'the document has several operations and `operationName` names none of them',
    'send the name of one',
  ],
  [
    'BAD_USER_INPUT',
    '400',
    'a variable does not fit its type: nothing ran',
    'mend the variable that the message names',
  ],
  [
    'PERSISTED_QUERY_NOT_SUPPORTED',
    '200',
    'the request has `extensions.persistedQuery`, and the server stores no persisted queries',
    'send the whole query; Apollo Client does so by itself',
  ],
  [
    'INTERNAL_SERVER_ERROR',
    '200, or 500',
    'an unexpected error on the server; its details are only in the log',
    'try again; if it happens again, give the operator the `X-Request-Id` of the response',
  ],
] as const;

/** docs/reference/errors.md: every code, what it means and what helps. */
export function errorsPage(): string {
  const codes = Object.entries(MEANINGS) as [RefusalCode, Meaning][];
  return [
    head('Errors', 'src/refusals'),
    'An error has its code in `extensions.code`, and its fields beside it. `message` names the fault and the remedy, for people: ' +
      'its words may change, codes and fields do not.\n',
    'What is refused before it runs has the status given, and no `data`. Those with 200 are answers of an operation that ran, ' +
      'each at its own field. On a stream that did not begin they have 400, `NOT_FOUND` 404.\n',
    'A credential that is missing or wrong (401), one that is sent wrongly (400 `BAD_REQUEST`) and a missing scope (403 `FORBIDDEN`) ' +
      'carry a `WWW-Authenticate` challenge (RFC 6750 section 3).\n',
    table(
      ['code', 'status', 'what to do'],
      codes.map(([name, { remedy }]) => [`[${code(name)}](#${name.toLowerCase()})`, String(statusOf(name)), remedy]),
    ),
    ...codes.map(codePart),
    '## Others\n',
    'Not refusals of Latchkey, but answers that a caller may get:\n',
    table(
      ['code', 'status', 'when', 'what to do'],
      OTHERS.map(([name, ...cells]) => [code(name), ...cells]),
    ),
  ].join('\n');
}

function codePart([name, { when, page, fields }]: readonly [RefusalCode, Meaning]): string {
  const rows = Object.entries(fields).map(([field, holds]) => [code(field), holds]);
  return [
    `## ${name}\n`,
    `${capital(when)}${seePage(page)}.\n`,
    ...(rows.length === 0 ? [] : [table(['field', 'holds'], rows)]),
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
