import { buildClientSchema, getIntrospectionQuery, printSchema, type IntrospectionQuery } from 'graphql';
import { SettingsError } from '../../shared/settings/error.js';
import { Refusal } from '../../core/errors/refusal.js';
import { asJsonText } from './jsonText.js';
import type { Upstream } from './upstream.js';
import { askUpstream } from './wholeAnswer.js';

/** The maximum size of a schema, in bytes of the response. */
const MAX_BYTES = 32 * 2 ** 20;

/** Parts of newer versions of the specification. Servers that don't know one refuse the whole query. */
const NEWEST = { specifiedByUrl: true, directiveIsRepeatable: true, inputValueDeprecation: true, oneOf: true };
const VERSIONS = [NEWEST, { ...NEWEST, oneOf: false }, {}] as const;

/**
 * Asks the upstream for its schema.
 *
 * @returns the schema definition
 * @throws SettingsError with a remedy
 */
export async function introspectUpstream(upstream: Upstream): Promise<string> {
  let refused = '';
  let status = 0;
  for (const version of VERSIONS) {
    const asked = await ask(upstream, getIntrospectionQuery({ descriptions: true, ...version }));
    if (asked.data === undefined) {
      refused = asked.fault;
      status = asked.status;
      continue;
    }
    try {
      return printSchema(buildClientSchema(asked.data));
    } catch (error) {
      throw fault(upstream, `sent a schema that is not valid: ${firstLine(error)}`, 'Correct it');
    }
  }
  throw fault(upstream, `did not return its schema (${refused})`, remedyFor(status));
}

type Asked =
  | { readonly data: IntrospectionQuery }
  | { readonly data?: undefined; readonly status: number; readonly fault: string };

async function ask(upstream: Upstream, query: string): Promise<Asked> {
  const fields = ['content-type', 'application/json', 'accept', 'application/json', 'accept-encoding', 'identity'];
  const headers = [...fields, 'apollo-require-preflight', 'true'];
  const body = JSON.stringify({ query, operationName: 'IntrospectionQuery' });
  try {
    const answer = await askUpstream(
      upstream,
      { method: 'POST', headers, body, isSafe: true },
      { maxBytes: MAX_BYTES },
    );
    const result = (asJsonText(answer.body) ?? {}) as { data?: unknown; errors?: unknown };
    const { data } = result;
    if (typeof data === 'object' && data !== null && '__schema' in data) return { data: data as IntrospectionQuery };
    return { status: answer.status, fault: `HTTP ${answer.status}${messageOf(result.errors)}` };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const cause = (error.cause as Error | undefined)?.message;
    const isTooLarge = error.details.code === 'ANSWER_TOO_LARGE';
    const reason = isTooLarge ? `it is larger than ${MAX_BYTES} bytes` : (cause ?? error.message);
    throw fault(upstream, `did not return its schema: ${reason}`, 'Start it, or correct the address');
  }
}

/** The upstream did not return its schema. */
export class UpstreamFault extends SettingsError {}

/** @param remedy the first part of a sentence */
function fault({ url }: Upstream, what: string, remedy: string): UpstreamFault {
  return new UpstreamFault(
    `The upstream ${url} ${what}. ${remedy}, or give its schema in a file with GATEWAY_SCHEMA or --schema.`,
  );
}

function remedyFor(status: number): string {
  if (status === 401 || status === 403) return 'Set GATEWAY_AUTHORIZATION to a credential that it accepts';
  if (status === 404 || status === 405) return 'Correct the path of the address';
  return 'Check that this is a GraphQL endpoint, and allow introspection from here';
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]?.slice(0, 300) ?? '';
}

function messageOf(errors: unknown): string {
  const [first] = Array.isArray(errors) ? (errors as unknown[]) : [];
  const message = (first as { message?: unknown } | null | undefined)?.message;
  return typeof message === 'string' ? `: ${message.slice(0, 200)}` : '';
}
