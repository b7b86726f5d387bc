import type { ApolloServerOptionsWithSchema, BaseContext } from '@apollo/server';
import { ApolloServerPluginCacheControlDisabled } from '@apollo/server/plugin/disabled';
import type { LatchkeyContext } from '../credentials/principal.js';
import { documentBounds, type DocumentBounds } from './bounds.js';
import { DocumentStore } from './documentStore.js';
import { formatError } from './errors.js';
import { createPlugin, type PluginOptions } from './plugin.js';

/** Options of Apollo Server, but for the schema. */
export type GuardedServerOptions<Context extends BaseContext> = Omit<ApolloServerOptionsWithSchema<Context>, 'schema'>;

/**
 * The options under which Apollo Server guards, limits and tells nothing that it should not: the plugin, bounds on
 * documents, errors without stacks or drivers' messages, and no schema details to who may not introspect.
 */
export function createServerOptions(
  options: PluginOptions,
  bounds: DocumentBounds = documentBounds(),
): GuardedServerOptions<LatchkeyContext> {
  return {
    plugins: [
      createPlugin(options),
      // It would wrap every resolver to work out how long an answer may be kept; here none may.
      ApolloServerPluginCacheControlDisabled(),
    ],
    // Whether a caller may introspect, and is told names, is for the plugin to say; Apollo Server knows only all or nobody.
    introspection: true,
    includeStacktraceInErrorResponses: false,
    allowBatchedHttpRequests: false,
    documentStore: new DocumentStore(),
    persistedQueries: false,
    // Credentials come in header fields that no page can send across origins without a preflight.
    csrfPrevention: {
      requestHeaders: ['authorization', 'x-api-key', 'x-apollo-operation-name', 'apollo-require-preflight'],
    },
    formatError,
    ...bounds,
  };
}
