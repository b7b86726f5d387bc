import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  isSchema,
  type GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  type ValidationRule,
} from 'graphql';
import type { MercuriusOptions } from 'mercurius';
import type { Latchkey } from '../../assembly/libraryApi.js';
import type { LatchkeyContext } from '../../core/auth/principal.js';
import { checkSubscriptions, type MercuriusSubscriptions } from './subscriptionOptions.js';
import { checkObject, optionError, unknownOption } from '../../shared/optionChecks.js';

/** Options that are passed on to Mercurius unchanged. They neither weaken the guard nor reveal more to callers. */
const PASSED = [
  ...(['schema', 'path', 'prefix', 'ide', 'graphiql', 'cache', 'jit', 'compilerOptions', 'queryDepth'] as const),
  ...(['persistedQueries', 'onlyPersisted', 'persistedQueryProvider'] as const),
] satisfies readonly (keyof MercuriusOptions | 'compilerOptions')[];

/** Options that Latchkey interprets itself. */
const OWN = [
  'latchkey',
  'context',
  'validationRules',
  'additionalRouteOptions',
  'csrfPrevention',
  'formatError',
  'subscription',
] as const;

/** Rejected options, and what to do instead. */
const REFUSED: Readonly<Record<string, string>> = {
  resolvers: 'They would replace guarded resolvers. Put them into the schema before you call guard.',
  loaders: 'They would replace guarded resolvers. Batch in resolvers instead, for example with dataloader.',
  defineMutation: 'Pass the guarded schema as schema.',
  schemaTransforms: 'They would change the guarded schema. Transform it before you call guard.',
  allowBatchedQueries: 'One request could run any number of operations. Send one operation per request.',
  errorHandler: 'Latchkey sets the status of each error.',
  errorFormatter: 'Latchkey formats errors. Use formatError: (formatted, error) => formatted.',
  graphql: 'Latchkey limits documents. To change the limits, set createLatchkey({ document: { … } }).',
  routes: 'Only the routes of Mercurius have limits and statuses.',
};

/**
 * The options of `latchkeyMercurius`: `latchkey`, the guarded `schema`, and options of Mercurius.
 *
 * @example
 * ```ts
 * import type { GraphQLSchema } from 'graphql';
 * import type { Latchkey } from 'latchkey';
 * import type { GuardedMercuriusOptions } from 'latchkey/mercurius';
 *
 * export const optionsOf = (latchkey: Latchkey, schema: GraphQLSchema): GuardedMercuriusOptions => ({
 *   latchkey,
 *   schema: latchkey.guard(schema),
 *   path: '/api',
 * });
 * ```
 */
export interface GuardedMercuriusOptions extends Pick<
  MercuriusOptions & { readonly compilerOptions?: object },
  Exclude<(typeof PASSED)[number], 'schema'> | 'additionalRouteOptions'
> {
  readonly latchkey: Pick<Latchkey, 'context' | 'requests' | 'streams'>;
  /** Guarded. */
  readonly schema: GraphQLSchema;
  /** Returns more of the context. Its third argument has the caller as `principal`, like the result. */
  readonly context?: (
    request: FastifyRequest,
    reply: FastifyReply,
    latchkey: LatchkeyContext,
  ) => object | Promise<object>;
  /** Further rules for documents. */
  readonly validationRules?: readonly ValidationRule[];
  /**
   * Whether requests are refused that a page of another origin can send without a preflight request. `requestHeaders` lists additional
   * header fields that prove a preflight request.
   *
   * @default true
   */
  readonly csrfPrevention?: boolean | { readonly requestHeaders?: readonly string[] };
  /**
   * Whether subscriptions are served, as WebSockets at the same path. Needs the package graphql-ws.
   *
   * @default false
   */
  readonly subscription?: boolean | MercuriusSubscriptions;
  /** Changes an error of a request over HTTP before it is sent. Its first argument is what Latchkey would send. */
  readonly formatError?: (formatted: GraphQLFormattedError, error: GraphQLError) => GraphQLFormattedError;
}

/**
 * Checks the options, and returns the ones for Mercurius.
 *
 * @throws TypeError for an option that is unknown or would turn off part of the guard
 */
export function checkMercuriusOptions(given: GuardedMercuriusOptions): MercuriusOptions {
  const own = given as unknown as Readonly<Record<string, unknown>>;
  const names = [...new Set<string>([...OWN, ...PASSED])];
  checkObject('latchkeyMercurius', own, 'an object with at least latchkey and schema');
  for (const [name, reason] of Object.entries(REFUSED)) {
    if (own[name] !== undefined && own[name] !== false) {
      throw new TypeError(`latchkeyMercurius: ${name} cannot be used with Latchkey. ${reason}`);
    }
  }
  for (const name of Object.keys(own)) {
    if (!names.includes(name) && !Object.hasOwn(REFUSED, name)) throw unknownOption('latchkeyMercurius', name, names);
  }
  for (const [name, [isAllowed, allowed]] of Object.entries(FORMS)) {
    if (!isAllowed(own[name])) throw optionError(`latchkeyMercurius: ${name}`, own[name], allowed);
  }
  const subscription = checkSubscriptions(own.subscription);
  if (subscription !== null) refuseUnapplied(own);
  return {
    ...Object.fromEntries(PASSED.flatMap((name) => (own[name] === undefined ? [] : [[name, own[name]]]))),
    ...(subscription !== null && { subscription: publisherOf(subscription) }),
  };
}

/** Options that Mercurius only applies over HTTP, and what to do instead. */
const HTTP_ONLY: Readonly<Record<string, string>> = {
  onlyPersisted: "Restrict keys to trusted documents, or don't serve subscriptions.",
  persistedQueryProvider: "Restrict keys to trusted documents, or don't serve subscriptions.",
  queryDepth: 'Set createLatchkey({ document: { depth: … } }), which limits every operation.',
};

/** @throws TypeError for an option that operations over WebSockets would circumvent */
function refuseUnapplied(own: Readonly<Record<string, unknown>>): void {
  for (const [name, instead] of Object.entries(HTTP_ONLY)) {
    if (own[name] === undefined || own[name] === false) continue;
    throw new TypeError(`latchkeyMercurius: ${name} does not apply to WebSockets. ${instead}`);
  }
}

function publisherOf({ emitter, pubsub }: MercuriusSubscriptions): true | object {
  if (emitter === undefined && pubsub === undefined) return true;
  return { ...(emitter && { emitter }), ...(pubsub && { pubsub }) };
}

type Form = readonly [isAllowed: (value: unknown) => boolean, allowed: string];

const aFunction: Form = [(value) => value === undefined || typeof value === 'function', 'a function'];

const FORMS: Readonly<Record<string, Form>> = {
  schema: [isSchema, 'the GraphQLSchema that latchkey.guard returned, of the graphql module in use here'],
  context: aFunction,
  formatError: aFunction,
  validationRules: [
    (value) => value === undefined || (Array.isArray(value) && value.every((rule) => typeof rule === 'function')),
    'a list of functions',
  ],
  csrfPrevention: [isCsrfPrevention, 'true, false, or an object with requestHeaders, a list of names of header fields'],
};

function isCsrfPrevention(value: unknown): boolean {
  if (value === undefined || typeof value === 'boolean') return true;
  if (typeof value !== 'object' || value === null) return false;
  const { requestHeaders = [], ...others } = value as { requestHeaders?: unknown };
  if (Object.keys(others).length > 0 || !Array.isArray(requestHeaders)) return false;
  return requestHeaders.every((name) => typeof name === 'string' && name !== '');
}
