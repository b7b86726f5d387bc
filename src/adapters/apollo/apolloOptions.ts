import type { ApolloServerOptionsWithSchema, ApolloServerPlugin, BaseContext } from '@apollo/server';
import { ApolloServerPluginInlineTraceDisabled } from '@apollo/server/plugin/disabled';
import { isSchema, type GraphQLFormattedError, type GraphQLSchema } from 'graphql';
import type { Latchkey } from '../../assembly/libraryApi.js';
import type { LatchkeyContext } from '../../core/auth/principal.js';
import { assertGuarded } from '../../core/guard/guard.js';
import { withoutTokens } from '../../core/keys/withoutTokens.js';
import type { Callbacks } from '../../shared/callbacks.js';
import { checkNames, checkObject, isPromise, optionError, unknownOption } from '../../shared/optionChecks.js';
import { requestsOf } from '../requestsOf.js';
import { checkApolloForms } from './apolloForms.js';
import { watchOptions } from './plugin.js';
import { createServerOptions, type GuardedServerOptions } from './serverOptions.js';

/** Your own options for Apollo Server. `schema` is optional here: you can also add it to the returned options. */
export type OwnApolloOptions<Context extends BaseContext> = Partial<ApolloServerOptionsWithSchema<Context>>;

type Given = OwnApolloOptions<BaseContext>;
type Name = keyof Given;

/** Options passed on unchanged. They neither weaken the guard nor reveal more to callers. */
const PASSED: readonly Name[] = [
  ...(['schema', 'rootValue', 'cache', 'logger', 'stringifyResult', 'maxRecursiveSelections', 'apollo'] as const),
  ...(['hideSchemaDetailsFromClientErrors', 'stopOnTerminationSignals', 'nodeEnv', 'documentStore'] as const),
  ...(['persistedQueries', 'introspection', 'status400ForVariableCoercionErrors'] as const),
];

/** Options combined with Latchkey's. */
const COMBINED = [
  ...(['plugins', 'formatError', 'validationRules', 'parseOptions', 'validationOptions'] as const),
  ...(['executionOptions', 'csrfPrevention'] as const),
] satisfies readonly Name[];

/** Options that can only be false, and why. */
const ONLY_FALSE: Readonly<Partial<Record<Name, string>>> = {
  includeStacktraceInErrorResponses: 'Stack traces would reach callers. Read them in the log instead.',
  allowBatchedHttpRequests: 'One request could run any number of operations. Send one operation per request.',
  dangerouslyDisableValidation: 'The guard can only check valid documents.',
};

/** Rejected options, and what to do instead. */
const REFUSED: Readonly<Record<string, string>> = {
  fieldResolver: 'Guarded fields would not use it. Put the resolver into the schema before you call guard.',
  gateway: 'A gateway replaces the guarded schema. Guard the schemas of the subgraphs.',
  typeDefs: 'Apollo Server would build a schema without a guard. Pass the guarded schema as schema.',
  resolvers: 'Apollo Server would build a schema without a guard. Pass the guarded schema as schema.',
  legacyExperimentalExecuteIncrementally: 'Limits and redaction do not cover incremental responses.',
};

/** All options of Apollo Server that {@link apolloOptions} knows, also to reject them. */
export const APOLLO_NAMES: ReadonlySet<string> = new Set([
  ...[...PASSED, ...COMBINED],
  ...[...Object.keys(ONLY_FALSE), ...Object.keys(REFUSED)],
]);

/**
 * Returns options for Apollo Server: the plugin that checks and counts operations, limits of documents, and errors that reveal no
 * internals. Your options are combined with them: plugins, validation rules and limits are merged, and your `formatError` is
 * called with Latchkey's error.
 *
 * @throws TypeError for an option that is unknown or disables part of the guard; GuardError for an unguarded `schema`
 * @example
 * ```ts
 * import { ApolloServer } from '@apollo/server';
 * import type { GraphQLSchema } from 'graphql';
 * import type { Latchkey, LatchkeyContext } from 'latchkey';
 * import { apolloOptions } from 'latchkey/apollo';
 *
 * export const serverOf = (latchkey: Latchkey, schema: GraphQLSchema): ApolloServer<LatchkeyContext> =>
 *   new ApolloServer(apolloOptions(latchkey, { schema: latchkey.guard(schema) }));
 * ```
 */
export function apolloOptions<Context extends LatchkeyContext>(
  latchkey: Pick<Latchkey, 'requests'>,
  options: ApolloServerOptionsWithSchema<Context>,
): ApolloServerOptionsWithSchema<Context>;
export function apolloOptions<Context extends LatchkeyContext>(
  latchkey: Pick<Latchkey, 'requests'>,
  options?: Omit<OwnApolloOptions<Context>, 'schema'>,
): GuardedServerOptions<Context>;
export function apolloOptions<Context extends LatchkeyContext>(
  latchkey: Pick<Latchkey, 'requests'>,
  own: OwnApolloOptions<Context> = {},
): GuardedServerOptions<Context> {
  const requests = requestsOf('apolloOptions', latchkey);
  const guarded = createServerOptions(requests) as GuardedServerOptions<Context>;
  const combined = combineOptions(guarded, own, requests.callbacks('apolloOptions'));
  if (own.schema !== undefined) assertGuarded(own.schema);
  watchOptions(combined);
  return combined;
}

/**
 * Combines a user's options for Apollo Server with Latchkey's.
 *
 * @throws TypeError for an option that is unknown or would turn off part of the guard
 */
function combineOptions<Context extends BaseContext>(
  latchkey: GuardedServerOptions<Context>,
  given: OwnApolloOptions<Context>,
  callbacks: Callbacks,
): GuardedServerOptions<Context> {
  const own = given as Given & Record<string, unknown>;
  const names = [...PASSED, ...COMBINED, ...Object.keys(ONLY_FALSE)];
  if (isSchema(own))
    throw new TypeError(
      'apolloOptions: options is a GraphQLSchema. Allowed: an object with it: apolloOptions(latchkey, { schema }).',
    );
  checkObject('apolloOptions', own, `an object with ${names.join(', ')}`);
  for (const [name, reason] of Object.entries(REFUSED)) {
    if (own[name] !== undefined) throw new TypeError(`apolloOptions: ${name} cannot be used with Latchkey. ${reason}`);
  }
  // A rejected option can be present with the value undefined.
  const isUnset = (name: string): boolean => Object.hasOwn(REFUSED, name) && own[name] === undefined;
  const unknown = Reflect.ownKeys(own).find((name) => !names.includes(String(name)) && !isUnset(String(name)));
  if (unknown !== undefined) throw unknownOption('apolloOptions', unknown, names);
  for (const [name, reason] of Object.entries(ONLY_FALSE)) {
    if (own[name] !== undefined && own[name] !== false) {
      throw optionError(`apolloOptions: ${name}`, own[name], `false. ${reason}`);
    }
  }
  checkApolloForms(own);
  checkBounds(latchkey, own);
  const passed = Object.fromEntries(PASSED.flatMap((name) => (own[name] === undefined ? [] : [[name, own[name]]])));
  return { ...latchkey, ...passed, ...combined(latchkey, given, callbacks) };
}

function combined<Context extends BaseContext>(
  latchkey: GuardedServerOptions<Context>,
  own: OwnApolloOptions<Context>,
  callbacks: Callbacks,
): Partial<GuardedServerOptions<Context>> {
  return {
    plugins: pluginsOf([...(latchkey.plugins ?? []), ...withoutTraces(own.schema)], own.plugins ?? []),
    validationRules: [...(latchkey.validationRules ?? []), ...(own.validationRules ?? [])],
    parseOptions: { ...latchkey.parseOptions, ...defined(own.parseOptions) },
    validationOptions: { ...latchkey.validationOptions, ...defined(own.validationOptions) },
    executionOptions: { ...latchkey.executionOptions, ...defined(own.executionOptions) },
    ...csrfPreventionOf(latchkey.csrfPrevention, own.csrfPrevention),
    ...(own.formatError !== undefined && {
      formatError: formattingBy(latchkey.formatError, own.formatError, callbacks),
    }),
  };
}

/**
 * Puts Latchkey's plugin first, so that no other plugin acts on an operation that it refuses. Apollo Server does not
 * start with both a plugin and the one that disables it: a user's cache control plugin replaces ours.
 */
function pluginsOf<Context extends BaseContext>(
  latchkey: readonly ApolloServerPlugin<Context>[],
  own: readonly ApolloServerPlugin<Context>[],
): ApolloServerPlugin<Context>[] {
  const ids = new Set(own.map(idOf).filter((id) => id !== undefined));
  return [...latchkey.filter((plugin) => !ids.has(idOf(plugin) ?? '')), ...own];
}

/** Apollo Server adds a plugin that sends traces to every server, and turns it on for subgraphs. Without the plugin, requests take fewer steps. */
function withoutTraces(schema: GraphQLSchema | undefined): ApolloServerPlugin[] {
  const isSubgraph = schema?.getType('_Service') !== undefined;
  return schema === undefined || isSubgraph ? [] : [ApolloServerPluginInlineTraceDisabled()];
}

function idOf(plugin: object): string | undefined {
  return (plugin as { __internal_plugin_id__?: string }).__internal_plugin_id__;
}

type FormatError = NonNullable<GuardedServerOptions<BaseContext>['formatError']>;

/**
 * Calls the user's function with Latchkey's formatted error. Its result is sent, after tokens were removed from it. If it fails,
 * Latchkey's error is sent.
 */
function formattingBy(latchkey: FormatError | undefined, own: FormatError, callbacks: Callbacks): FormatError {
  return (formatted, error): GraphQLFormattedError => {
    const ours = latchkey === undefined ? formatted : latchkey(formatted, error);
    const format = (): unknown => {
      const result = own({ ...ours }, error);
      return isPromise(result) ? result : withoutTokens(result);
    };
    return callbacks.ask('formatError', format, {
      isValid: isFormatted,
      allowed: 'an object with message',
      otherwise: ours,
    });
  };
}

function isFormatted(value: unknown): value is GraphQLFormattedError {
  return typeof value === 'object' && value !== null && !isPromise(value);
}

type Csrf = Given['csrfPrevention'];

function csrfPreventionOf(latchkey: Csrf, own: Csrf): { csrfPrevention?: NonNullable<Csrf> } {
  if (own === false) return { csrfPrevention: false };
  if (typeof own !== 'object' || typeof latchkey !== 'object') return {};
  return { csrfPrevention: { requestHeaders: [...(latchkey.requestHeaders ?? []), ...(own.requestHeaders ?? [])] } };
}

/** Options that set bounds, and the option of createLatchkey that raises each; null if no option does. */
const BOUNDS: Readonly<Record<string, Readonly<Record<string, string | null>>>> = {
  parseOptions: { maxLexicalTokens: 'document.tokens' },
  validationOptions: { maxErrors: null },
  executionOptions: { maxCoercionErrors: null },
};

/**
 * Checks that a user's bounds are not higher than Latchkey's, because they would replace them.
 *
 * @throws TypeError
 */
function checkBounds(latchkey: object, own: Record<string, unknown>): void {
  for (const [option, bounds] of Object.entries(BOUNDS)) {
    if (own[option] === undefined) continue;
    const names = [...Object.keys(bounds), ...(option === 'parseOptions' ? ['noLocation'] : [])];
    checkNames(`apolloOptions: ${option}`, own[option], names);
    const given = own[option] as Record<string, unknown>;
    const most = (latchkey as Record<string, Readonly<Record<string, number>> | undefined>)[option] ?? {};
    for (const [name, raisedBy] of Object.entries(bounds)) {
      const value = given[name];
      if (
        value === undefined ||
        (Number.isSafeInteger(value) && (value as number) >= 0 && !(Number(value) > Number(most[name])))
      )
        continue;
      const raise =
        raisedBy === null
          ? ''
          : ` To allow more, set createLatchkey({ document: { ${raisedBy.split('.')[1] ?? ''}: … } }).`;
      throw optionError(`apolloOptions: ${option}.${name}`, value, `an integer from 0 to ${most[name]}.${raise}`);
    }
    if (given.noLocation !== undefined && typeof given.noLocation !== 'boolean') {
      throw optionError('apolloOptions: parseOptions.noLocation', given.noLocation, 'true or false');
    }
  }
}

function defined<T extends object>(options: T | undefined): Partial<T> {
  return Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined)) as Partial<T>;
}
