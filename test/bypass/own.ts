import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { makeExecutableSchema } from '@graphql-tools/schema';
import type { GraphQLSchema } from 'graphql';
import { pino } from 'pino';
import { ANONYMOUS, authenticated, type LatchkeyContext, type Principal } from '../../src/core/auth/principal.js';
import { GuardError } from '../../src/core/guard/rules.js';
import { guardSchema } from '../../src/core/guard/guard.js';
import { createPlugin } from '../../src/adapters/apollo/plugin.js';
import { Limiter } from '../../src/core/limits/limiter.js';
import { directiveTypeDefs } from '../../src/management/schema/typeDefs.js';
import type { OnDenied } from '../../src/core/guard/authorize.js';
import type { Introspection } from '../../src/core/guard/introspection.js';
import type { Tier } from '../../src/core/store/records.js';
import { answerOf, type Answer } from '../support/service.js';

/** Names of the resolvers that ran, in order. Refused fields must not be among them. */
export type Ran = string[];

/** Returns the resolvers of a type. Each records its coordinate before it returns its value. */
export function noting(ran: Ran, type: string, values: Record<string, unknown>): Record<string, () => unknown> {
  return Object.fromEntries(
    Object.entries(values).map(([field, value]) => [
      field,
      () => {
        ran.push(`${type}.${field}`);
        return value;
      },
    ]),
  );
}

/** Returns a schema with Latchkey's directives, without a guard. */
export function ownSchema(
  typeDefs: string | readonly string[],
  resolvers: Record<string, object> = {},
  options: { assumeValidSDL?: boolean } = {},
): GraphQLSchema {
  return makeExecutableSchema({ typeDefs: [directiveTypeDefs(), typeDefs].flat(), resolvers, ...options });
}

/** Returns the faults that prevent guarding the schema; empty if there are none. */
export function faultsOf(attempt: () => unknown): readonly string[] {
  try {
    attempt();
    return [];
  } catch (error) {
    if (error instanceof GuardError) return error.faults;
    throw error;
  }
}

/** Returns the faults of guarding an SDL text that graphql-js did not validate. */
export function faultsIn(typeDefs: string): readonly string[] {
  return faultsOf(() => guardSchema(ownSchema(typeDefs, {}, { assumeValidSDL: true })));
}

export function keyWith(scopes: readonly string[], more: { family?: string; tier?: Tier } = {}): Principal {
  return authenticated({
    kind: 'key',
    keyId: 'key_test',
    familyId: more.family ?? 'family_test',
    workspaceId: 'ws_test',
    projectId: null,
    userId: null,
    tier: more.tier ?? 'ENTERPRISE',
    keyType: 'SECRET',
    scopes,
  });
}

export interface OwnServer {
  readonly url: string;
  /** Sends an operation by POST with a key that has these scopes; null: without a key. */
  query(
    query: string,
    scopes: readonly string[] | null,
    more?: { variables?: object; operationName?: string; family?: string },
  ): Promise<Answer>;
  close(): Promise<void>;
}

export interface OwnServerOptions {
  readonly introspection?: Introspection;
  readonly onDenied?: OnDenied;
  readonly plugins?: readonly ApolloServerPlugin<LatchkeyContext>[];
  /** Tier of every key. Default: ENTERPRISE. */
  readonly tier?: Tier;
  /** A stopped clock, so that windows do not move while a test counts. Default: the limiter's clock. */
  readonly clock?: () => number;
  /** Replaces the context with the principal from the request's header fields. */
  readonly context?: () => Promise<LatchkeyContext>;
}

/**
 * A guarded schema on a separate Apollo Server over HTTP, with the plugin and a context that trusts a header field.
 * Tests of credentials cover authentication.
 */
export async function serve(schema: GraphQLSchema, options: OwnServerOptions = {}): Promise<OwnServer> {
  const { introspection, onDenied, clock, tier = 'ENTERPRISE' } = options;
  const limiter = new Limiter(clock === undefined ? {} : { clock });
  const apollo = new ApolloServer<LatchkeyContext>({
    schema,
    plugins: [
      createPlugin({ limiter, ...(introspection !== undefined && { introspection }), ...(onDenied && { onDenied }) }),
      ...(options.plugins ?? []),
    ],
    introspection: true,
    stopOnTerminationSignals: false,
    includeStacktraceInErrorResponses: false,
    logger: pino({ level: 'silent' }),
  });
  const { url } = await startStandaloneServer(apollo, {
    listen: { port: 0, host: '127.0.0.1' },
    context: async ({ req }) => {
      if (options.context !== undefined) return options.context();
      const scopes = req.headers['x-test-scopes'];
      const family = req.headers['x-test-family'];
      if (typeof scopes !== 'string') return { principal: ANONYMOUS };
      return { principal: keyWith(scopes.split(' '), { tier, ...(typeof family === 'string' && { family }) }) };
    },
  });
  return {
    url,
    query: async (query, scopes, { family, ...more } = {}) =>
      answerOf(
        await fetch(url, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            ...(scopes !== null && { 'x-test-scopes': scopes.join(' ') }),
            ...(family !== undefined && { 'x-test-family': family }),
          },
          body: JSON.stringify({ query, ...more }),
        }),
      ),
    async close() {
      await apollo.stop();
      limiter.close();
    },
  };
}

/** Serves a schema during a test. */
export async function serving<T>(
  schema: GraphQLSchema,
  look: (server: OwnServer) => Promise<T>,
  options: OwnServerOptions = {},
): Promise<T> {
  const server = await serve(schema, options);
  try {
    return await look(server);
  } finally {
    await server.close();
  }
}
