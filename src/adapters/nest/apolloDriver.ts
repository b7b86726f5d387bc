import type { ApolloDriverConfig } from '@nestjs/apollo';
import type { Latchkey } from '../../assembly/libraryApi.js';
import type { LatchkeyContext } from '../../core/auth/principal.js';
import { withHttp } from '../../core/errors/http.js';
import { Refusal } from '../../core/errors/refusal.js';
import { apolloOptions, APOLLO_NAMES } from '../apollo/apolloOptions.js';
import { refuseSubscriptions, schemaOptions, type ManagementOption, type SchemaOptions } from './guardedSchema.js';

/** Options of Apollo Server that Nest has its own meaning for. */
const OF_NEST: ReadonlySet<string> = new Set(['schema', 'typeDefs', 'resolvers', 'introspection']);

type ContextFunction = (...given: unknown[]) => object | Promise<object>;

/**
 * Returns options for Nest's `GraphQLModule` with the Apollo driver: the guarded schema, the context with the caller's
 * principal, and Apollo Server's options as `apolloOptions` combines them with yours.
 *
 * @param latchkey from `createLatchkey`, injected as `LATCHKEY`
 * @param own your options for the module. `management: true` adds the operations on keys
 * @throws TypeError for an option of Apollo Server that would turn off part of the guard
 * @example
 * ```ts
 * import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
 * import { GraphQLModule } from '@nestjs/graphql';
 * import type { Latchkey } from 'latchkey';
 * import { LATCHKEY } from 'latchkey/nest';
 * import { nestApollo } from 'latchkey/nest/apollo';
 *
 * export const graphqlModule = GraphQLModule.forRootAsync<ApolloDriverConfig>({
 *   driver: ApolloDriver,
 *   inject: [LATCHKEY],
 *   useFactory: (latchkey: Latchkey) => nestApollo(latchkey, { autoSchemaFile: true }),
 * });
 * ```
 */
export function nestApollo(latchkey: Latchkey, own: OwnOptions = {}): ApolloDriverConfig {
  const { management = false, context, ...options } = own as ManagementOption & ContextOption & SchemaOptions;
  refuseSubscriptions('nestApollo', options);
  const ofApollo: Record<string, unknown> = {};
  const ofNest: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    (APOLLO_NAMES.has(name) && !OF_NEST.has(name) ? ofApollo : ofNest)[name] = value;
  }
  const combined: object = {
    // It would load scripts of another origin.
    playground: false,
    // Otherwise, Nest replaces the status of refusals by 200.
    preserveHttpStatusForExecutionErrors: false,
    ...ofNest,
    ...apolloOptions<LatchkeyContext>(latchkey, ofApollo),
    ...schemaOptions(latchkey, options, management),
    context: contextOf(latchkey, context),
  };
  return combined;
}

type OwnOptions = ApolloDriverConfig & ManagementOption;

/**
 * Refuses a form. Nest parses forms into the body like JSON, and a page of another origin can send one.
 *
 * @throws Refusal BAD_REQUEST
 */
function refuseForms(source: unknown): void {
  const { req = source } = (source ?? {}) as { readonly req?: unknown };
  const { headers } = (req ?? {}) as { readonly headers?: Readonly<Record<string, unknown>> };
  const type = headers?.['content-type'];
  if (typeof type !== 'string' || !type.trim().toLowerCase().startsWith('application/x-www-form-urlencoded')) return;
  throw withHttp(
    new Refusal('The body is a form. Send Content-Type: application/json and a JSON object.', { code: 'BAD_REQUEST' }),
  );
}

interface ContextOption {
  readonly context?: object | ContextFunction;
}

/** Returns the context function: yours, with the caller's principal. */
function contextOf(latchkey: Pick<Latchkey, 'context'>, own: ContextOption['context']): ContextFunction {
  return async (...given) => {
    const [source] = given as Parameters<Latchkey['context']>;
    refuseForms(source);
    const base = await latchkey.context(source);
    const more = typeof own === 'function' ? await (own as ContextFunction)(...given) : own;
    return { ...more, ...base };
  };
}
