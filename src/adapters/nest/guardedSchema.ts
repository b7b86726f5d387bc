import { print, type GraphQLSchema } from 'graphql';
import type { Latchkey } from '../../assembly/libraryApi.js';
import { isGuardedAtAll } from '../../core/guard/guardedResolvers.js';
import { directiveTypeDefs } from '../../management/schema/typeDefs.js';
import { withManagement } from '../../management/schema/withManagement.js';
import { withPublicExceptions } from './httpExceptions.js';
import { assertRulesTakeEffect } from './ruleDecorators.js';

/** The options of Nest's GraphQL module that concern the schema. */
export interface SchemaOptions {
  readonly typePaths?: string[];
  readonly typeDefs?: string | string[];
  readonly transformSchema?: (schema: GraphQLSchema) => GraphQLSchema | Promise<GraphQLSchema>;
}

const SUBSCRIPTIONS = ['subscriptions', 'installSubscriptionHandlers'];

/**
 * Refuses Nest's own server of WebSockets, which has no hook for the guard, and no bound for messages.
 *
 * @throws TypeError
 */
export function refuseSubscriptions(what: string, options: object): void {
  const name = SUBSCRIPTIONS.find((each) => Boolean((options as Readonly<Record<string, unknown>>)[each]));
  if (name === undefined) return;
  throw new TypeError(
    `${what}: ${name} cannot be used with Latchkey, because Nest's WebSockets are not guarded. Use latchkeyWs of latchkey/graphql-ws on the HTTP server of the application.`,
  );
}

/** A Latchkey option in the options of Nest's GraphQL module. */
export interface ManagementOption {
  /** Whether the schema gets the operations on keys and workspaces. Default: false. */
  readonly management?: boolean;
}

/** Returns the options with which Nest's GraphQL module serves the guarded schema. */
export function schemaOptions(
  latchkey: Pick<Latchkey, 'guard' | 'typeDefs' | 'resolvers'>,
  { typePaths, typeDefs, transformSchema = (schema) => schema }: SchemaOptions,
  management: boolean,
): SchemaOptions {
  const isSchemaFirst = typePaths !== undefined || typeDefs !== undefined;
  return {
    ...(isSchemaFirst && { typeDefs: [print(directiveTypeDefs()), ...[typeDefs ?? []].flat()] }),
    async transformSchema(built) {
      assertRulesTakeEffect();
      const given = await transformSchema(built);
      // A schema that was guarded before must not change.
      const own = isGuardedAtAll(given) ? given : withPublicExceptions(given);
      return latchkey.guard(management ? withManagement(own, latchkey) : own);
    },
  };
}
