import type { DocumentNode, GraphQLFieldResolver, GraphQLScalarType, GraphQLSchema } from 'graphql';
import type { Configuration } from '../core/auth/configuration.js';
import type { ContextBuilder } from '../core/auth/context.js';
import type { ForeignSource } from '../core/auth/headerFields.js';
import type { ProtectedResource } from '../core/auth/oidc/protectedResource.js';
import type { KeySet } from '../core/auth/signing/publishedKeys.js';
import type { Principal } from '../core/auth/principal.js';
import type { Change } from '../core/keys/changeFeed.js';
import type { RequestGuard } from '../core/guard/request/requestGuard.js';
import type { StreamGuard } from '../core/streams/streamGuard.js';
import type { IssuedKey } from '../core/keys/keyService.js';

/**
 * Resolvers by type and field, and scalars, as graphql-tools and Apollo's packages take them.
 *
 * @example
 * ```ts
 * import { buildSubgraphSchema } from '@apollo/subgraph';
 * import type { Latchkey, ResolverMap } from 'latchkey';
 *
 * export const schemaOf = ({ typeDefs }: Latchkey, resolvers: ResolverMap) => buildSubgraphSchema({ typeDefs, resolvers });
 * ```
 */
export type ResolverMap = Readonly<Record<string, TypeResolvers | GraphQLScalarType>>;

// oxlint-disable-next-line typescript/no-explicit-any -- They are compatible with resolvers of any context.
type TypeResolvers = Readonly<Record<string, GraphQLFieldResolver<any, any>>>;

/**
 * Guards a GraphQL server.
 *
 * @example
 * ```ts
 * import { ApolloServer } from '@apollo/server';
 * import { makeExecutableSchema } from '@graphql-tools/schema';
 * import { createLatchkey, openSqliteStore, type Latchkey } from 'latchkey';
 * import { apolloOptions } from 'latchkey/apollo';
 *
 * const latchkey: Latchkey = await createLatchkey({ store: await openSqliteStore({ dir: './data' }) });
 * const schema = latchkey.guard(
 *   makeExecutableSchema({
 *     typeDefs: [latchkey.typeDefs, 'extend type Query { opening: String! @public }'],
 *     resolvers: [latchkey.resolvers, { Query: { opening: () => '9 to 5' } }],
 *   }),
 * );
 * export const server = new ApolloServer(apolloOptions(latchkey, { schema }));
 * ```
 */
export interface Latchkey {
  /** The directives, and the operations on keys and workspaces. Add them to your type definitions. */
  readonly typeDefs: DocumentNode;
  /** The resolvers of {@link typeDefs}. */
  readonly resolvers: ResolverMap;
  /**
   * Guards a schema by its directives, in place. Call it after all other changes of the schema. If an operation runs without
   * Latchkey's plugin, for example on a server other than Apollo Server, one warning goes to {@link LatchkeyOptions.log}, or to
   * `console.warn`.
   *
   * @param options `plugin: false`: don't warn, because the schema is used without the plugin on purpose
   * @throws GuardError, also if a field of {@link typeDefs} has no resolver; TypeError for an unknown option
   */
  guard(schema: GraphQLSchema, options?: { readonly plugin?: boolean }): GraphQLSchema;
  /** The context function for Apollo Server. */
  readonly context: ContextBuilder;
  /** The steps that guard a request on any GraphQL server, for adapters. Latchkey's own adapters use it, too. */
  readonly requests: RequestGuard;
  /** The steps that guard subscriptions and connections on any GraphQL server, for adapters. */
  readonly streams: StreamGuard;
  /**
   * Returns the principal of a request: immediately if the credential is cached, otherwise as a promise.
   * @throws Refusal, or rejects with one; TypeError for header fields in a form that can't be read
   */
  authenticate(source: ForeignSource): Principal | Promise<Principal>;
  /** The first admin key, if this start created it in an empty store; else null. Its token can't be shown again later. */
  readonly firstKey: IssuedKey | null;
  /**
   * Prepares a new configuration: hashes its keys and looks up their workspaces. Nothing changes until you call the returned
   * function, which applies all of it in one step.
   *
   * @throws TypeError for an invalid configuration; Refusal UNAVAILABLE; StoreUnavailable
   */
  prepare(configuration: Configuration): Promise<() => void>;
  /** Adds a listener for changes of keys. @param listener called after caches were updated; null if anything may have changed */
  onChange(listener: (change: Change | null) => void): void;
  /** Returns the content of `/.well-known/oauth-protected-resource` (RFC 9728); null if access tokens are not accepted. */
  protectedResource(): ProtectedResource | null;
  /** Returns the address of this content, for challenges; null if none. */
  resourceMetadata(): string | null;
  /**
   * Returns the content of `/.well-known/jwks.json`: the public keys of all processes on this store, with which others verify the
   * tokens that Latchkey signs. Reads the store at most once a second.
   *
   * @throws Refusal UNAVAILABLE
   */
  keySet(): Promise<KeySet>;
  /** Writes pending data. Doesn't close the store: the code that opened it must close it. */
  close(): Promise<void>;
}
