import type { ApolloServerPlugin } from '@apollo/server';
import {
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';

/**
 * Returns plugins that turn off the features of Apollo Server that Latchkey's own servers don't have. Otherwise `APOLLO_KEY` and
 * `APOLLO_GRAPH_REF`, which a host may have set for its own server, would report operations on keys to Apollo. The build leaves the code
 * of these features out (scripts/build/bundle.js).
 */
export function withoutApollo(): ApolloServerPlugin[] {
  return [
    // Apollo's own page is loaded from a CDN, and replaces the response to any GET of a browser, even with a query.
    ApolloServerPluginLandingPageDisabled(),
    ApolloServerPluginInlineTraceDisabled(),
    ApolloServerPluginUsageReportingDisabled(),
    ApolloServerPluginSchemaReportingDisabled(),
  ];
}
