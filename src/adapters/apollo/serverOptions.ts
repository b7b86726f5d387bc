import type { ApolloServerOptionsWithSchema, BaseContext } from '@apollo/server';
import { ApolloServerPluginCacheControlDisabled } from '@apollo/server/plugin/disabled';
import type { LatchkeyContext } from '../../core/auth/principal.js';
import type { RequestGuard } from '../../core/guard/request/requestGuard.js';
import { DocumentStore } from './documentStore.js';
import { formatError } from './formatError.js';
import { pluginOf } from './plugin.js';

/** Options of Apollo Server, without the schema. */
export type GuardedServerOptions<Context extends BaseContext> = Omit<ApolloServerOptionsWithSchema<Context>, 'schema'>;

/**
 * Returns the options that make Apollo Server guarded and limited, and keep it from revealing internals: the plugin, limits for
 * documents, errors without stack traces or messages of drivers, and no schema details for callers who may not
 * introspect.
 */
export function createServerOptions(guard: RequestGuard): GuardedServerOptions<LatchkeyContext> {
  return {
    plugins: [
      pluginOf(guard),
      // The plugin would wrap every resolver to compute how long a response can be cached; here no response is cached.
      ApolloServerPluginCacheControlDisabled(),
    ],
    // The plugin decides who may introspect and see names; Apollo Server can only allow or refuse everyone.
    introspection: true,
    includeStacktraceInErrorResponses: false,
    // B38: the operations of a batch would share one admission.
    allowBatchedHttpRequests: false,
    documentStore: new DocumentStore(),
    persistedQueries: false,
    // Credentials are sent in header fields that a page can't send across origins without a preflight request
    // (B35).
    csrfPrevention: {
      requestHeaders: ['authorization', 'x-api-key', 'x-apollo-operation-name', 'apollo-require-preflight'],
    },
    formatError,
    ...guard.bounds,
  };
}
