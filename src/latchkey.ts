import type { ApolloServerOptionsWithSchema, ApolloServerPlugin } from '@apollo/server';
import { isSchema, type DocumentNode, type GraphQLSchema } from 'graphql';
import { accessResolvers, type Holder } from './management/access/resolvers.js';
import { scopeResolvers } from './management/access/scopeResolvers.js';
import { suggestionResolvers } from './management/access/suggestions.js';
import { lookAtClear, SentInClear } from './management/audit/clear.js';
import { GatheredEntries } from './management/audit/gathered.js';
import { Refusals } from './management/audit/refusals.js';
import { auditResolvers } from './management/audit/resolvers.js';
import { AuditService } from './management/audit/auditService.js';
import { watched } from './management/audit/watched.js';
import { Authenticator } from './core/auth/authenticator.js';
import { NO_CONFIGURATION, type Configuration } from './core/auth/configuration.js';
import { ConfiguredKeys } from './core/auth/configuredKeys.js';
import { checkedTime } from './core/limits/checkedClock.js';
import { Callbacks } from './shared/callbacks.js';
import { countArrival, refusalOfKnownUsedUp, refusalOfUsedUp } from './core/auth/arrival.js';
import { createContextBuilder, principalOf, type ContextBuilder } from './core/auth/context.js';
import { Networks } from './core/auth/networks.js';
import { ForeignSchemes } from './core/auth/foreignSchemes.js';
import { readableSource, type ForeignSource } from './core/auth/headerFields.js';
import { protectedResource, type ProtectedResource, type ResourceKind } from './core/auth/oidc/protectedResource.js';
import { signInOf } from './core/auth/oidc/issuerSignIn.js';
import type { SignIn } from './shared/signIn.js';
import { DEFAULT_WORKSPACE_ID, OperatorKey } from './core/auth/operator.js';
import {
  ANONYMOUS,
  configuredHolderOf,
  hasLeft,
  holderOf,
  type AuthenticatedPrincipal,
  type LatchkeyContext,
  type Principal,
} from './core/auth/principal.js';
import { SecretVerifier } from './core/auth/secretVerifier.js';
import { standingOf, type Standing } from './core/auth/standing.js';
import { checkOptions } from './core/util/checkOptions.js';
import { configurationSchema, guardSchemaOptions, latchkeySchema } from './latchkeyOptions.js';
import { KeyWatch } from './core/auth/watch.js';
import { Explainer } from './core/guard/explain.js';
import { ANSWER_LIMITS, type AnswerLimits } from './core/guard/answer/answerLimits.js';
import { assertGuarded, guardWith } from './core/guard/guard.js';
import { FirstUse, WITHOUT_PLUGIN } from './core/guard/served.js';
import { combineOptions, type OwnApolloOptions } from './adapters/apollo/apolloOptions.js';
import { documentBounds, type DocumentLimits } from './core/guard/document/documentBounds.js';
import { MAX_LINES } from './core/guard/lines.js';
import { createPlugin } from './adapters/apollo/plugin.js';
import { createServerOptions, type GuardedServerOptions } from './adapters/apollo/serverOptions.js';
import { Verdicts } from './management/verdicts.js';
import { BcryptGate } from './core/keys/bcryptGate.js';
import type { Actor } from './core/keys/actor.js';
import { isConfigured, type WholeKey } from './core/keys/configured.js';
import { KeyMinter } from './core/keys/minter.js';
import { announcing, readChange, type Change, type ChangeFeed } from './core/keys/changeFeed.js';
import { EndedKeys, type RemovalPass } from './core/keys/ended.js';
import { keyEvent, telling, type KeyEvent } from './core/keys/keyEvent.js';
import { Peppers } from './core/keys/pepper.js';
import { keyResolvers } from './management/keys/resolvers.js';
import { KeyService, type IssuedKey } from './core/keys/keyService.js';
import { checkedLimits } from './core/limits/checked.js';
import { Limiter } from './core/limits/limiter.js';
import type { RateLimitHeaders } from './core/limits/limitFields.js';
import type { Limits } from './core/limits/limits.js';
import type { TierTable } from './core/limits/tiers.js';
import { containedObserver } from './core/observer/containedObserver.js';
import type { Observer } from './core/observer/observer.js';
import { Count } from './management/scalars/count.js';
import { DateTime } from './management/scalars/dateTime.js';
import { Duration } from './management/scalars/duration.js';
import { JSONValue } from './management/scalars/json.js';
import { Scope } from './management/scalars/scope.js';
import { failingClosed } from './management/schema/failingClosed.js';
import { keyTypeDefs } from './management/schema/typeDefs.js';
import { assertResolved } from './management/schema/unresolved.js';
import { optionError } from './shared/optionChecks.js';
import type { Refusal } from './core/errors/refusal.js';
import type { Introspection } from './core/guard/introspection.js';
import type { Roles } from './core/scopes/roles.js';
import type { KeyType, Tier } from './core/store/records.js';
import { withBreaker } from './core/store/breaking.js';
import type { Store } from './core/store/store.js';
import { UsageLog } from './management/usage/usageLog.js';
import { usageResolvers } from './management/usage/resolvers.js';
import { ProjectService } from './management/workspaces/projectService.js';
import { workspaceResolvers } from './management/workspaces/resolvers.js';
import { WorkspaceService } from './management/workspaces/workspaceService.js';
import { UserService } from './management/workspaces/userService.js';

export interface LatchkeyOptions {
  /** The store of keys, from `openSqliteStore` or `openMongoStore`. */
  readonly store: Store;
  /** Peppers of the stored digests, newest first, at least 32 characters each. Default: none, so digests are only kept in memory. */
  readonly peppers?: readonly string[];
  /** An operator's key of at least 32 characters, accepted with scope `platform`. Default: none. */
  readonly adminApiKey?: string | OperatorKey | null;
  /** Prefixes of new tokens by key type. Default: those of {@link configuration}. */
  readonly prefixes?: Readonly<Record<KeyType, string>>;
  /** Configured keys, roles and key types. {@link Latchkey.prepare} replaces them. Default: only the built-in roles and key types. */
  readonly configuration?: Configuration;
  /** The bcrypt cost for new keys, 4 to 15. Default: 10. */
  readonly bcryptCost?: number;
  /** The tier of the first workspace. Default: GROWTH. */
  readonly defaultTier?: Tier;
  /** The callers that can use introspection. Default: `authenticated`. */
  readonly introspection?: Introspection;
  /** The maximum size of the response to one operation. Default: {@link ANSWER_LIMITS}. */
  readonly answer?: Partial<AnswerLimits>;
  /**
   * The maximum size of a document, for {@link Latchkey.serverOptions} and {@link Latchkey.apolloOptions}. With larger values, a
   * request can cost more before it is counted. Default: 700 tokens, 12 levels, 200 aliases, 50 directives, 2000 lines.
   */
  readonly document?: Partial<DocumentLimits>;
  /** Actions of scopes in your schema, in addition to `read` and `write`. Default: none. */
  readonly actions?: readonly string[];
  /**
   * The limits of each tier, from `tierTable`. It is used by reference, so changes apply from the next request. Default: the table
   * of `limits`, else the published one.
   */
  readonly tiers?: TierTable;
  /** Which header fields report a key's limits. Default: that of {@link configuration}, else `draft`. */
  readonly rateLimitHeaders?: RateLimitHeaders;
  /** Counts requests against limits. {@link Latchkey.close} closes it. Default: a `Limiter`, in the memory of this process. */
  readonly limits?: Limits;
  /** Sends changes of keys to other processes on the same store, and receives theirs. Default: none. */
  readonly changes?: ChangeFeed;
  /** Called for events of keys: changes after they were made, and events of use. Must return immediately. Default: none. */
  readonly onKeyEvent?: (event: KeyEvent) => void;
  /**
   * How long the record of a key is used after it was read, in ms. A change by another process takes effect within this
   * time, a change by this process immediately. 0: every request reads the record. Default: 1,000.
   */
  readonly cacheTtl?: number;
  /** How long a key is kept after it was revoked or expired, in ms; then it is removed from the store. At least a day. Default: kept forever. */
  readonly keepEndedKeys?: number | null;
  /** Called after each hourly pass that removed such keys, or failed. An error that it throws is reported to `log`. Default: none. */
  readonly onEndedKeysRemoved?: (pass: RemovalPass) => void;
  /** Called for verifications, lookups, admissions and refusals. Default: none. */
  readonly observer?: Observer;
  /** Sends the requests to the issuer of access tokens, for example through a proxy. Default: the platform's `fetch`. */
  readonly fetch?: typeof fetch;
  /** Returns milliseconds since the epoch, for expiry and limits. Default: Date.now, and a monotonic clock for limits. */
  readonly now?: () => number;
  /**
   * Receives errors that callers don't see, and the causes of refusals, with the request's context.
   * Default: the `logger` of your Apollo Server.
   */
  readonly log?: (error: unknown, context: LatchkeyContext) => void;
}

/** Guards a GraphQL server. */
export interface Latchkey {
  /** The directives, and the operations on keys and workspaces. Add them to your type definitions. */
  readonly typeDefs: DocumentNode;
  /** The resolvers of {@link typeDefs}. */
  readonly resolvers: Readonly<Record<string, object>>;
  /**
   * Guards a schema by its directives, in place. Call it after all other changes of the schema. If an operation runs without
   * {@link plugin}, for example on a server other than Apollo Server, one warning goes to {@link LatchkeyOptions.log}, or to
   * `console.warn`.
   *
   * @param options `plugin: false`: don't warn, because the schema is used without the plugin on purpose
   * @throws GuardError, also if a field of {@link typeDefs} has no resolver; TypeError for an unknown option
   */
  guard(schema: GraphQLSchema, options?: { readonly plugin?: boolean }): GraphQLSchema;
  /**
   * Returns the principal of a request; not a promise if the credential is cached.
   * @throws Refusal, or rejects with one; TypeError for header fields in a form that can't be read
   */
  authenticate(source: ForeignSource): Principal | Promise<Principal>;
  /**
   * Counts a request of an anonymous caller. Call it before the body is read, unless you use {@link context}, which calls it. If
   * you create a context yourself, set `counted: true` in it. Requests of other callers are not counted.
   * @throws Refusal RATE_LIMITED, or rejects with one
   */
  arrived(principal: Principal): void | Promise<void>;
  /**
   * Refuses a request of a key that has used up one of its limits. Call it before the document is parsed, unless you use
   * {@link context}, which calls it. Doesn't count the request: the plugin does.
   * @param where `here`: check only limits that this process counts, and never return a promise. Default: `anywhere`
   * @throws Refusal RATE_LIMITED, or rejects with one
   */
  checkLimits(principal: Principal, where?: 'here' | 'anywhere'): void | Promise<void>;
  /**
   * Records a valid key of a request that was refused because it used plain HTTP in the audit log. Never rejects.
   */
  sawInClear(source: ForeignSource): Promise<void>;
  /** Authenticates a request again after its body has arrived. Doesn't count the request again. */
  reauthenticate(source: ForeignSource): Principal | Promise<Principal>;
  /** Like {@link authenticate}, for the credential of an open stream. Also returns how long the result stays valid. Counts no request. */
  standing(source: ForeignSource): Standing | Promise<Standing>;
  /** Adds a listener for changes of keys. @param listener called after caches were updated; null: anything may have changed */
  onChange(listener: (change: Change | null) => void): void;
  /** The context function for Apollo Server. */
  readonly context: ContextBuilder;
  /** The plugin for Apollo Server: guard, limits, statuses and header fields. */
  readonly plugin: ApolloServerPlugin<LatchkeyContext>;
  /** Options for Apollo Server, with {@link plugin}, limits of documents, and errors that reveal no internals. */
  readonly serverOptions: GuardedServerOptions<LatchkeyContext>;
  /**
   * Combines your options for Apollo Server with {@link serverOptions}. Plugins, validation rules and limits are merged, and your
   * `formatError` is called with Latchkey's error.
   *
   * @throws TypeError for an option that is unknown or disables part of the guard; GuardError for an unguarded `schema`
   * @example new ApolloServer(latchkey.apolloOptions({ schema, plugins: [yourPlugin] }))
   */
  apolloOptions<Context extends LatchkeyContext>(
    options: ApolloServerOptionsWithSchema<Context>,
  ): ApolloServerOptionsWithSchema<Context>;
  apolloOptions<Context extends LatchkeyContext>(
    options?: Omit<OwnApolloOptions<Context>, 'schema'>,
  ): GuardedServerOptions<Context>;
  /** The first admin key, if this start created it in an empty store; else null. Its token can't be shown again later. */
  readonly firstKey: IssuedKey | null;
  readonly keys: KeyService;
  readonly workspaces: WorkspaceService;
  readonly projects: ProjectService;
  /**
   * Prepares a new configuration: hashes its keys and looks up their workspaces. Nothing changes until you call the returned
   * function, which applies all of it in one step.
   *
   * @throws TypeError for an invalid configuration; Refusal UNAVAILABLE; StoreUnavailable
   */
  prepare(configuration: Configuration): Promise<() => void>;
  /** Returns the content of `/.well-known/oauth-protected-resource` (RFC 9728); null: access tokens are not accepted. */
  protectedResource(kind?: ResourceKind): ProtectedResource | null;
  /** Returns the address of this content, for challenges; null: none. */
  resourceMetadata(kind?: ResourceKind): string | null;
  /** Returns the data for signing in to the dashboard at the issuer; null: the dashboard only accepts keys. */
  signIn(): Promise<SignIn | null>;
  readonly limiter: Limits;
  /** Returns the header fields that currently report a key's limits. */
  readonly rateLimitHeaders: () => RateLimitHeaders;
  /** Usage of keys that is not yet written. */
  readonly usage: UsageLog;
  /** Refusals, counted for the audit log. */
  readonly refusals: Refusals;
  /** Entries that are not yet in the audit log: refusals, and keys that were sent over plain HTTP. */
  readonly gathered: GatheredEntries;
  /** Removes ended keys; null if they are kept forever. */
  readonly endedKeys: EndedKeys | null;
  /** bcrypt runs since the start. */
  readonly bcrypt: BcryptGate;
  /** Writes pending data. Doesn't close the store: the code that opened it must close it. */
  close(): Promise<void>;
}

/**
 * Creates a Latchkey on a store.
 * @throws TypeError for an invalid option
 */
export async function createLatchkey(options: LatchkeyOptions): Promise<Latchkey> {
  checkOptions('createLatchkey', latchkeySchema, options);
  const own = options.now === undefined ? {} : { now: checkedTime('createLatchkey: now', options.now) };
  const started: (() => unknown)[] = [];
  try {
    return await assembled({ ...options, ...own }, started);
  } catch (error) {
    await Promise.allSettled(started.map(async (end) => end()));
    throw error;
  }
}

/** @param started receives functions that end what was started, for a start that fails */
async function assembled(options: LatchkeyOptions, started: (() => unknown)[]): Promise<Latchkey> {
  const { now = Date.now, introspection = 'authenticated' } = options;
  const callbacks = callbacksOf('createLatchkey', options);
  const observer = containedObserver(callbacks, options.observer);
  const log = options.log && callbacks.contain('log', options.log);
  const { store, end } = withBreaker(options.store);
  started.push(end);
  const peppers = Peppers.of(options.peppers ?? []);
  const gate = new BcryptGate(options.bcryptCost === undefined ? {} : { cost: options.bcryptCost });
  let configured = { configuration: NO_CONFIGURATION, keys: ConfiguredKeys.NONE };
  const minter = new KeyMinter({
    gate,
    peppers,
    get prefixes() {
      return options.prefixes ?? configured.configuration.prefixes;
    },
  });
  const counter = limiterOf(options);
  if (counter !== options.limits) started.push(() => counter.close());
  const limiter = checkedLimits('createLatchkey: limits', counter);
  const { tiers } = limiter;
  const networks = new Networks(options.now ?? (() => performance.now()));
  const arrived = (principal: Principal) => countArrival(principal, limiter, observer);
  const checkLimits = (principal: Principal, where: 'here' | 'anywhere' = 'anywhere'): void | Promise<void> => {
    const settle = (refusal: Refusal | null): void => {
      if (refusal === null) return;
      verdicts.refused(principal, refusal);
      throw refusal;
    };
    const found = (where === 'here' ? refusalOfKnownUsedUp : refusalOfUsedUp)(principal, limiter);
    if (found instanceof Promise) return found.then(settle);
    settle(found);
  };
  const tell = options.onKeyEvent && callbacks.contain('onKeyEvent', options.onKeyEvent);
  const watch = tell === undefined ? null : new KeyWatch(tell);
  const usage = new UsageLog({
    store,
    now,
    ...(tell !== undefined && {
      onLimited: ({ keyId: id, workspaceId, projectId }: AuthenticatedPrincipal) =>
        tell(keyEvent('LIMITED', { id, workspaceId, projectId }, now())),
    }),
  });
  started.push(() => usage.close());
  const refusals = new Refusals(now);
  const recording = {
    usage: callbacks.containAll('usage', usage, ['admitted', 'refused']),
    refusals: callbacks.containAll('refusals', refusals, ['key']),
  };
  const verdicts = new Verdicts({ ...recording, observer });
  const sentInClear = new SentInClear(now);
  const gathered = new GatheredEntries(store.audit, [sentInClear, refusals]);
  started.push(() => gathered.close());
  const operator = operatorOf(options.adminApiKey);
  const roles = (): Roles => configured.configuration.roles;

  const authenticator = new Authenticator({
    store,
    operator,
    roles,
    prefixes: () => Object.values(options.prefixes ?? configured.configuration.prefixes),
    now,
    secrets: new SecretVerifier({ gate, peppers, now, saveDigest: (id, digest) => store.keys.saveDigest(id, digest) }),
    onUse: (keyId, at, key, address) => {
      usage.used(keyId, at);
      watch?.used(key, at, address);
    },
    observer,
    fetch: options.fetch,
    ...(options.cacheTtl !== undefined && { cacheTtl: options.cacheTtl }),
  });
  const door = watched(authenticator, refusals);
  const listeners: ((change: Change | null) => void)[] = [];
  const changed = (change: Change | null): void => {
    authenticator.forget(change);
    for (const listener of listeners) listener(change);
  };
  const announced = announcing(store, (change) => {
    changed(change);
    callbacks.call('changes.publish', () => options.changes?.publish(change));
  });
  // Outermost, so that caches are updated before a change is reported.
  const changing = tell === undefined ? announced : { ...announced, keys: telling(announced.keys, tell) };

  const foreign = new ForeignSchemes(store.keys, now);
  const knownScopes = new Set<string>();
  const configuredKeys = () => configured.keys.records;
  const keys = new KeyService({
    store: { ...changing, projects: store.projects },
    minter,
    now,
    tiers,
    knownScopes: () => [...knownScopes].sort(),
    ceilings: () => configured.configuration.ceilings,
    configured: configuredKeys,
    roles,
    locateForeign: (token) => foreign.locate(token),
  });
  const projects = new ProjectService({ store, roles, configured: configuredKeys, now });
  const users = new UserService({ store: changing, roles, configured: configuredKeys, now });
  const holder = async (actor: Actor, key: WholeKey): Promise<Holder> => {
    const { tier } = await keys.workspace(actor, key.workspaceId);
    if (isConfigured(key)) return { principal: configuredHolderOf(key, tier), left: false };
    const user = key.userId === null ? null : await store.users.find(key.userId);
    return { principal: holderOf({ key, tier, user }, roles()), left: hasLeft({ key, user }) };
  };
  const workspaces = new WorkspaceService({
    store: { ...changing, audit: store.audit },
    minter,
    roles,
    configured: configuredKeys,
    now,
  });
  const firstKey = await workspaces.ensureFirst({
    id: DEFAULT_WORKSPACE_ID,
    tier: options.defaultTier ?? 'GROWTH',
    withKey: operator === null,
  });
  await authenticator.open();

  const prepare = async (configuration: Configuration): Promise<() => void> => {
    checkOptions('prepare: configuration', configurationSchema, configuration);
    const next = await ConfiguredKeys.hashed(configuration, gate);
    await assertWorkspaces(next, store);
    await assertWorkspaceOfTokens(configuration, store);
    return () => {
      configured = { configuration, keys: next };
      authenticator.configure(configuration.apiKeys, next, configuration.oidc);
      for (const listener of listeners) listener(null);
    };
  };
  (await prepare(options.configuration ?? NO_CONFIGURATION))();
  // Last, because a feed can't be left again.
  callbacks.call('changes.subscribe', () => options.changes?.subscribe((change) => changed(readChange(change))));
  const signIn = signInOf(now, options.fetch);
  const resourceMetadata = (kind: ResourceKind = 'graphql'): string | null => {
    const { oidc } = configured.configuration;
    return (kind === 'mcp' ? oidc?.mcpMetadata : oidc?.resourceMetadata) ?? null;
  };
  const bounds = documentBounds(options.document);
  const answer = { ...ANSWER_LIMITS, ...options.answer };
  const rateLimitHeaders = (): RateLimitHeaders =>
    options.rateLimitHeaders ?? configured.configuration.rateLimitHeaders ?? 'draft';
  const forPlugin = {
    ...{ limiter, ...recording, introspection, answer, observer, resourceMetadata, rateLimitHeaders },
    ...(log !== undefined && { log }),
    ...(options.document?.lines !== undefined && { maxLines: options.document.lines }),
  };
  const serverOptions = createServerOptions(forPlugin, bounds);
  const { keepEndedKeys: keep = null } = options;
  const onPass = options.onEndedKeysRemoved && callbacks.contain('onEndedKeysRemoved', options.onEndedKeysRemoved);
  const endedKeys = keep === null ? null : new EndedKeys({ keys: store.keys, keep, now, ...(onPass && { onPass }) });

  const resolvers: Readonly<Record<string, object>> = {
    ...failingClosed(
      merge(
        keyResolvers({ keys, projects, users, limiter, answer, roles, now }),
        workspaceResolvers({ workspaces, projects, users, keys, tiers }),
        auditResolvers(new AuditService(store.audit)),
        usageResolvers({ usage: store.usage, now }),
        suggestionResolvers({ keys, usage: store.usage, now }),
        scopeResolvers({ ceilings: () => configured.configuration.ceilings }),
        accessResolvers({
          explainer: new Explainer({ bounds, introspection, maxLines: options.document?.lines ?? MAX_LINES }),
          keys,
          holderOf: holder,
          limiter,
          now,
        }),
      ),
    ),
    Count,
    DateTime,
    Duration,
    JSON: JSONValue,
    Scope,
  };

  return {
    typeDefs: keyTypeDefs(),
    resolvers,
    guard(schema, given = {}) {
      checkOptions('guard', guardSchemaOptions, given);
      const rules = { answer, ...(options.actions !== undefined && { actions: options.actions }) };
      if (isSchema(schema)) assertResolved(schema, resolvers);
      guardWith(schema, rules, new FirstUse(given.plugin === false ? null : warnWithoutPlugin(log)));
      for (const scope of assertGuarded(schema).scopes) knownScopes.add(scope);
      return schema;
    },
    authenticate: (source) => principalOf(readableSource(source), door, observer, networks),
    arrived,
    checkLimits,
    // Without the observer, which has counted this request already.
    reauthenticate: (source) => principalOf(readableSource(source), door),
    standing: (source) => standingOf(readableSource(source), authenticator),
    onChange(listener) {
      if (typeof listener !== 'function') throw optionError('onChange: listener', listener, 'a function');
      listeners.push(callbacks.contain('onChange', listener));
    },
    sawInClear: async (source) => lookAtClear(readableSource(source), door, sentInClear),
    context: createContextBuilder(door, observer, resourceMetadata, {
      networks,
      arrived: async (principal) => {
        await arrived(principal);
        await checkLimits(principal);
      },
    }),
    plugin: createPlugin(forPlugin),
    serverOptions,
    apolloOptions<Context extends LatchkeyContext>(own: OwnApolloOptions<Context> = {}) {
      const combined = combineOptions(
        serverOptions as GuardedServerOptions<Context>,
        own,
        callbacksOf('apolloOptions', options),
      );
      if (own.schema !== undefined) assertGuarded(own.schema);
      return combined as ApolloServerOptionsWithSchema<Context>;
    },
    firstKey,
    keys,
    workspaces,
    projects,
    prepare,
    protectedResource: (kind) =>
      configured.configuration.oidc && protectedResource(configured.configuration.oidc, knownScopes, kind),
    resourceMetadata,
    signIn: () => signIn(configured.configuration.oidc),
    limiter: counter,
    rateLimitHeaders,
    usage,
    refusals,
    gathered,
    endedKeys,
    bcrypt: gate,
    async close() {
      await endedKeys?.close();
      await limiter.close();
      await usage.close();
      await gathered.close();
      end();
    },
  };
}

/** The functions of the options. Their faults go to `log`. */
function callbacksOf(what: string, { log }: LatchkeyOptions): Callbacks {
  return new Callbacks(what, log && ((fault) => log(fault, { principal: ANONYMOUS })));
}

function warnWithoutPlugin(log: LatchkeyOptions['log']): (context: unknown) => void {
  return (context) => {
    // Without the plugin, there is no server whose logger could be used.
    // oxlint-disable-next-line no-console
    if (log === undefined) console.warn(WITHOUT_PLUGIN);
    else log(new Error(WITHOUT_PLUGIN), context as LatchkeyContext);
  };
}

/** Checks that the workspaces of configured keys exist. Otherwise only the callers would notice. @throws TypeError */
async function assertWorkspaces({ records }: ConfiguredKeys, { workspaces }: Store): Promise<void> {
  const ids = new Set(records.map(({ workspaceId }) => workspaceId));
  for (const id of ids) {
    if ((await workspaces.find(id)) !== null) continue;
    const { name } = records.find(({ workspaceId }) => workspaceId === id) ?? {};
    throw new TypeError(
      `The configured key "${name}" is in the workspace "${id}", which does not exist. Create it first, or correct the key's workspace.`,
    );
  }
}

/** @throws TypeError */
async function assertWorkspaceOfTokens({ oidc }: Configuration, { workspaces }: Store): Promise<void> {
  if (oidc?.workspaceClaim !== null) return;
  if ((await workspaces.find(oidc.workspace)) !== null) return;
  throw new TypeError(
    `Access tokens are in the workspace "${oidc.workspace}", which does not exist. Create it first, or correct auth.oidc.workspace.`,
  );
}

/** Requires a single table of tiers, so that the displayed limits are those that are counted. @throws TypeError */
function limiterOf({ limits, tiers, now }: LatchkeyOptions): Limits {
  if (limits === undefined) {
    return new Limiter({ ...(now !== undefined && { clock: now }), ...(tiers !== undefined && { tiers }) });
  }
  if (tiers === undefined || limits.tiers === tiers) return limits;
  throw new TypeError(
    'createLatchkey: tiers is not the table of limits. Pass the table where you create limits, and leave tiers out here.',
  );
}

function operatorOf(key: LatchkeyOptions['adminApiKey']): OperatorKey | null {
  if (key == null) return null;
  return typeof key === 'string' ? new OperatorKey(key) : key;
}

function merge(...maps: readonly Readonly<Record<string, object>>[]): Record<string, object> {
  const merged: Record<string, object> = {};
  for (const map of maps)
    for (const [type, fields] of Object.entries(map)) merged[type] = { ...merged[type], ...fields };
  return merged;
}
