import type { GraphQLSchema } from 'graphql';
import type { IncomingMessage } from 'node:http';
import { isSchema } from 'graphql';
import type { LatchkeyContext } from '../../core/auth/principal.js';
import { checkNames, checkTexts, optionError } from '../../shared/optionChecks.js';

/**
 * The options of `createAdmin` and `mountAdmin`. All are optional.
 *
 * @example
 * ```ts
 * import type { AdminOptions } from 'latchkey/admin';
 *
 * export const options: AdminOptions = { path: '/internal/keys', endpoint: '/api/graphql' };
 * ```
 */
export interface AdminOptions {
  /** The path below which everything is served, as a browser requests it. Default: `/admin`. */
  readonly path?: string;
  /** The path of your GraphQL endpoint, which GraphiQL calls. Default: `/graphql`. */
  readonly endpoint?: string;
  /** The guarded schema that MCP's tools and `schema.graphql` show. Default: the schema that was guarded last. */
  readonly schema?: GraphQLSchema;
  /** Returns what your resolvers expect in their context, for operations that MCP's tools run. Default: nothing. */
  readonly context?: (context: LatchkeyContext) => object | Promise<object>;
  /** Returns the address of a caller behind a proxy. Default: Express' and Fastify's `request.ip`, or the connection's. */
  readonly address?: (request: IncomingMessage) => string | undefined;
  /** Serves the dashboard. Default: true. */
  readonly dashboard?: boolean;
  /** Origins of pages that may call the API and MCP; `*`: any. Default: none, except for the pages served here. */
  readonly corsOrigins?: readonly string[];
}

export type CheckedOptions = Required<Omit<AdminOptions, 'schema' | 'context' | 'address'>> &
  Pick<AdminOptions, 'schema' | 'context' | 'address'>;

const NAMES = ['path', 'endpoint', 'schema', 'context', 'address', 'dashboard', 'corsOrigins'];

/** Paths go into pages and messages, so they contain no other characters. */
const PATH = /^(?:\/[\w.~-]+)+$/;

/** @param what the function that has the options @throws TypeError for an invalid option */
export function checkAdminOptions(what: string, options: AdminOptions): CheckedOptions {
  checkNames(what, options, NAMES);
  const { path = '/admin', endpoint = '/graphql', dashboard = true, corsOrigins = [], ...others } = options;
  for (const [name, value] of Object.entries({ path, endpoint })) {
    if (typeof value === 'string' && PATH.test(value)) continue;
    throw optionError(`${what}: ${name}`, value, 'a path such as /admin, without a slash at the end');
  }
  if (typeof dashboard !== 'boolean') throw optionError(`${what}: dashboard`, dashboard, 'true or false');
  checkTexts(`${what}: corsOrigins`, corsOrigins, 'a list of origins such as https://app.example.com');
  for (const name of ['context', 'address'] as const) {
    const value: unknown = others[name];
    if (value !== undefined && typeof value !== 'function') throw optionError(`${what}: ${name}`, value, 'a function');
  }
  if (others.schema !== undefined && !isSchema(others.schema)) {
    throw optionError(`${what}: schema`, others.schema, 'a GraphQLSchema of the same graphql module');
  }
  return { path, endpoint, dashboard, corsOrigins, ...others };
}
