import type { ApolloServerPlugin } from '@apollo/server';
import type { KnownOperations } from '../../../core/guard/known/knownOperations.js';

/** Returns a plugin that adds each document that Apollo Server found valid. List it before the guard, which may refuse. */
export function rememberDocuments(known: KnownOperations): ApolloServerPlugin {
  return {
    requestDidStart: async () => ({
      didResolveOperation: async ({ source, document }) => known.remember(source, document),
    }),
  };
}
