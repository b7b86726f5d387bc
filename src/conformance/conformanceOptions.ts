import type { GraphQLSchema } from 'graphql';
import type { Latchkey, LatchkeyOptions } from '../index.js';
import type { ConformanceException } from './exceptions.js';

/** The protocols of subscriptions that the suite speaks. */
export type StreamProtocol = 'graphql-sse' | 'graphql-transport-ws';

/**
 * The server that {@link ConformanceOptions.start} starts.
 *
 * @example
 * ```ts
 * import { apolloOptions } from 'latchkey/apollo';
 * import type { ConformanceServer } from 'latchkey/conformance';
 *
 * export const optionsOf = ({ schema, latchkey }: ConformanceServer) => apolloOptions(latchkey, { schema });
 * ```
 */
export interface ConformanceServer<L extends Latchkey = Latchkey> {
  /** The schema to serve. It may be unguarded on purpose: then the start must fail. */
  readonly schema: GraphQLSchema;
  readonly latchkey: L;
}

/**
 * A server that accepts requests.
 *
 * @example
 * ```ts
 * import type { StartedServer } from 'latchkey/conformance';
 *
 * export const started = (port: number, close: () => Promise<void>): StartedServer => ({
 *   url: `http://127.0.0.1:${port}/graphql`,
 *   close,
 * });
 * ```
 */
export interface StartedServer {
  /** The address of operations, with its path. */
  readonly url: string;
  /** Where subscriptions are opened, unless the exception `NO_STREAMS` is set. */
  readonly streams?: { readonly protocol: StreamProtocol; readonly url: string };
  close(): unknown;
}

/**
 * The options of {@link conformance}.
 *
 * @example
 * ```ts
 * import { ApolloServer } from '@apollo/server';
 * import { startStandaloneServer } from '@apollo/server/standalone';
 * import { apolloOptions } from 'latchkey/apollo';
 * import type { ConformanceOptions } from 'latchkey/conformance';
 *
 * export const options: ConformanceOptions = {
 *   async start({ schema, latchkey }) {
 *     const server = new ApolloServer(apolloOptions(latchkey, { schema }));
 *     const { url } = await startStandaloneServer(server, { context: latchkey.context, listen: { port: 0 } });
 *     return { url, close: () => server.stop() };
 *   },
 *   exceptions: ['NO_STREAMS'],
 * };
 * ```
 */
export interface ConformanceOptions<L extends Latchkey = Latchkey> {
  /**
   * Starts your server on a free port. Must reject if the schema is not guarded; close everything that was opened before that.
   */
  start(given: ConformanceServer<L>): Promise<StartedServer>;
  /** Features that the server lacks. The suite then asserts the documented alternative. Default: nothing. */
  readonly exceptions?: readonly ConformanceException[];
  /** Creates the Latchkey of a case, for an adapter that wraps it. Default: `createLatchkey`. */
  readonly createLatchkey?: (options: LatchkeyOptions) => Promise<L>;
}

/**
 * One case of the suite, to register in any test runner.
 *
 * @example
 * ```ts
 * import { test } from 'node:test';
 * import type { ConformanceCase } from 'latchkey/conformance';
 *
 * export function register(cases: readonly ConformanceCase[]): void {
 *   for (const { name, run } of cases) test(name, run);
 * }
 * ```
 */
export interface ConformanceCase {
  readonly name: string;
  /**
   * Rejects with an `AssertionError` if the server does not conform. Cases that run in sequence with the same options of Latchkey share a
   * server. It is closed half a second after the last of them.
   */
  readonly run: () => Promise<void>;
}
