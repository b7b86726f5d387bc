import type { ApolloServerOptionsWithSchema, ApolloServerPlugin } from '@apollo/server';
import type { DocumentNode, GraphQLSchema } from 'graphql';
import { accessResolvers, type Holder } from './access/resolvers.js';
import { scopeResolvers } from './access/scopes.js';
import { suggestionResolvers } from './access/suggestions.js';
import { lookAtClear, SentInClear } from './audit/clear.js';
import { GatheredEntries } from './audit/gathered.js';
import { Refusals } from './audit/refusals.js';
import { auditResolvers } from './audit/resolvers.js';
import { AuditService } from './audit/service.js';
import { watched } from './audit/watched.js';
import { Authenticator } from './credentials/authenticator.js';
import { NO_CONFIGURATION, type Configuration } from './credentials/configuration.js';
import { ConfiguredKeys } from './credentials/configuredKeys.js';
import { countArrival, refusalOfKnownUsedUp, refusalOfUsedUp } from './credentials/arrival.js';
import { createContextBuilder, principalOf, type ContextBuilder } from './credentials/context.js';
import { Networks } from './credentials/networks.js';
import { ForeignSchemes } from './credentials/foreignSchemes.js';
import type { CredentialSource } from './credentials/locate.js';
import { protectedResource, type ProtectedResource, type ResourceKind } from './credentials/oidc/protectedResource.js';
import { signInOf, type SignIn } from './credentials/oidc/signIn.js';
import { DEFAULT_WORKSPACE_ID, OperatorKey } from './credentials/operator.js';
import {
  configuredHolderOf,
  hasLeft,
  holderOf,
  type AuthenticatedPrincipal,
  type LatchkeyContext,
  type Principal,
} from './credentials/principal.js';
import { SecretVerifier } from './credentials/secretVerifier.js';
import { standingOf, type Standing } from './credentials/standing.js';
import { checkOptions, configurationSchema, guardSchemaOptions, latchkeySchema } from './libraryOptions.js';
import { KeyWatch } from './credentials/watch.js';
import { Explainer } from './guard/explain.js';
import { ANSWER_LIMITS, type AnswerLimits } from './guard/answer/limits.js';
import { assertGuarded, guardWith } from './guard/guard.js';
import { FirstUse, WITHOUT_PLUGIN } from './guard/served.js';
import { combineOptions, type OwnApolloOptions } from './http/apolloOptions.js';
import { documentBounds, type DocumentLimits } from './http/bounds.js';
import { MAX_LINES } from './guard/lines.js';
import { createPlugin } from './http/plugin.js';
import { createServerOptions, type GuardedServerOptions } from './http/serverOptions.js';
import { Verdicts } from './http/verdicts.js';
import { BcryptGate } from './keys/bcryptGate.js';
import type { Actor } from './keys/actor.js';
import { isConfigured, type WholeKey } from './keys/configured.js';
import { KeyMinter } from './keys/minter.js';
import { announcing, type Change, type ChangeFeed } from './keys/changes.js';
import { keyEvent, telling, type KeyEvent } from './keys/events.js';
import { Peppers } from './keys/pepper.js';
import { keyResolvers } from './keys/resolvers.js';
import { KeyService, type IssuedKey } from './keys/service.js';
import { Limiter } from './limits/limiter.js';
import type { RateLimitHeaders } from './limits/fields.js';
import type { Limits } from './limits/limits.js';
import type { TierTable } from './limits/tiers.js';
import { UNOBSERVED, type Observer } from './metrics/observer.js';
import { Count } from './scalars/count.js';
import { DateTime } from './scalars/dateTime.js';
import { Duration } from './scalars/duration.js';
import { JSONValue } from './scalars/json.js';
import { Scope } from './scalars/scope.js';
import { failingClosed } from './schema/resolvers.js';
import { keyTypeDefs } from './schema/typeDefs.js';
import type { Refusal } from './refusals/refusal.js';
import type { Introspection } from './guard/introspection.js';
import type { Roles } from './scopes/roles.js';
import type { KeyType, Tier } from './store/records.js';
import { withBreaker } from './store/breaking.js';
import type { Store } from './store/store.js';
import { UsageLog } from './usage/log.js';
import { usageResolvers } from './usage/resolvers.js';
import { ProjectService } from './workspaces/projects.js';
import { workspaceResolvers } from './workspaces/resolvers.js';
import { WorkspaceService } from './workspaces/service.js';
import { UserService } from './workspaces/users.js';

export interface LatchkeyOptions {
  /** Where keys live: `openSqliteStore` or `openMongoStore` open one. */
  readonly store: Store;
  /** Peppers of the stored digests, newest first, at least 32 characters each. Default: none, so verdicts are remembered in memory alone. */
  readonly peppers?: readonly string[];
  /** An operator's key of at least 32 characters, accepted with scope `platform`. Default: none. */
  readonly adminApiKey?: string | OperatorKey | null;
  /** Prefixes of new tokens by key type. Default: those of {@link configuration}. */
  readonly prefixes?: Readonly<Record<KeyType, string>>;
  /** Configured keys, roles and key types; {@link Latchkey.prepare} replaces it. Default: none but what is built in. */
  readonly configuration?: Configuration;
  /** bcrypt's cost for new keys, 4 to 15. Default: 10. */
  readonly bcryptCost?: number;
  /** Tier of the first workspace. Default: GROWTH. */
  readonly defaultTier?: Tier;
  /** Who may introspect. Default: authenticated. */
  readonly introspection?: Introspection;
  /** How large the answer to one operation may be. Default: {@link ANSWER_LIMITS}. */
  readonly answer?: Partial<AnswerLimits>;
  /**
   * How large a document may be, for {@link Latchkey.serverOptions} and {@link Latchkey.apolloOptions}. Larger values let one request
   * cost more before it is counted. Default: 700 tokens, 12 levels, 200 aliases, 50 directives,
   * 2000 lines.
   */
  readonly document?: Partial<DocumentLimits>;
  /** Actions of scopes that your schema names beside `read` and `write`. Default: none. */
  readonly actions?: readonly string[];
  /**
   * What each tier grants: `tierTable` makes one. Held by reference: what changes in it counts from the next request on.
   * Default: that of `limits`, else the published one.
   */
  readonly tiers?: TierTable;
  /** Which header fields report a key's limits. Default: that of {@link configuration}, else `draft`. */
  readonly rateLimitHeaders?: RateLimitHeaders;
  /** Where limits are counted; closed by {@link Latchkey.close}. Default: a `Limiter`, in this process' memory. */
  readonly limits?: Limits;
  /** Tells other processes on the same store of changes to keys, and hears of theirs. Default: none. */
  readonly changes?: ChangeFeed;
  /** Told of what happens to keys: changes once they are made, and what uses of a key show. Must not wait. Default: nobody. */
  readonly onKeyEvent?: (event: KeyEvent) => void;
  /**
   * How long the record of a key counts after it was read, in ms: a change that another process made acts within it, one
   * of this process at once. 0: every request reads. Default: 1,000.
   */
  readonly cacheTtl?: number;
  /** Is told of verifications, lookups, admissions and refusals. Default: nobody. */
  readonly observer?: Observer;
  /** Sends the requests to the issuer of access tokens, such as through a proxy. Default: the platform's `fetch`. */
  readonly fetch?: typeof fetch;
  /** Milliseconds since the epoch, for expiry and limits alike. Default: Date.now, and for limits a clock that never jumps. */
  readonly now?: () => number;
  /**
   * Receives the errors that callers are not shown, and the causes of refusals, with the request's context.
   * Default: the `logger` of your Apollo Server.
   */
  readonly log?: (error: unknown, context: LatchkeyContext) => void;
}

/** Everything that guards a GraphQL server. */
export interface Latchkey {
  /** The directives and the operations on keys and workspaces, to be merged into your type definitions. */
  readonly typeDefs: DocumentNode;
  /** The resolvers of {@link typeDefs}. */
  readonly resolvers: Readonly<Record<string, object>>;
  /**
   * Guards a schema by its directives, in place. Call it last. If an operation then runs without {@link plugin}, as on a server other
   * than Apollo Server, one warning goes to {@link LatchkeyOptions.log}, or else to `console.warn`.
   *
   * @param options `plugin: false`: the schema is used without the plugin on purpose. Nothing warns.
   * @throws GuardError; TypeError for an option that is unknown
   */
  guard(schema: GraphQLSchema, options?: { readonly plugin?: boolean }): GraphQLSchema;
  /**
   * The principal of a request: without a promise where nothing has to be waited for.
   * @throws Refusal, or rejects with one
   */
  authenticate(source: CredentialSource): Principal | Promise<Principal>;
  /**
   * Counts a request of an anonymous caller, to be called before its body is read; {@link context} calls it by itself.
   * A context made by hand says so by `counted: true`. Of other callers it counts nothing.
   * @throws Refusal RATE_LIMITED, or rejects with one
   */
  arrived(principal: Principal): void | Promise<void>;
  /**
   * Refuses a request of a key that has used up one of its windows, to be called before the document is parsed;
   * {@link context} calls it by itself. Takes nothing: the plugin counts the request.
   * @param where `here` refuses only what this process counts by itself, and so never returns a promise. Default: anywhere
   * @throws Refusal RATE_LIMITED, or rejects with one
   */
  checkLimits(principal: Principal, where?: 'here' | 'anywhere'): void | Promise<void>;
  /**
   * To be told of a request that came over plain HTTP and is refused for that: a right key in it is noted in the audit log.
   * Never rejects.
   */
  sawInClear(source: CredentialSource): Promise<void>;
  /** Authenticates a request again when its body has arrived. An accepted request isn't counted twice. */
  reauthenticate(source: CredentialSource): Principal | Promise<Principal>;
  /** {@link authenticate} for the credential of an open stream, with how long the answer may be relied on unless it changes. It counts as no request. */
  standing(source: CredentialSource): Standing | Promise<Standing>;
  /** @param listener told of each change to keys, once nothing older is remembered; null: anything may have changed */
  onChange(listener: (change: Change | null) => void): void;
  /** Apollo Server's context function. */
  readonly context: ContextBuilder;
  /** Apollo Server's plugin: guard, limits, statuses and header fields. */
  readonly plugin: ApolloServerPlugin<LatchkeyContext>;
  /** Apollo Server's options with {@link plugin} in place, bounds on documents, and errors that tell nothing they should not. */
  readonly serverOptions: GuardedServerOptions<LatchkeyContext>;
  /**
   * Combines your own options of Apollo Server with {@link serverOptions}: plugins, validation rules and bounds are merged, and
   * your `formatError` is called with what Latchkey would answer.
   *
   * @throws TypeError for an option that is unknown, or would turn off part of the guard; GuardError for a `schema` without it
   * @example new ApolloServer(latchkey.apolloOptions({ schema, plugins: [yourPlugin] }))
   */
  apolloOptions<Context extends LatchkeyContext>(
    options: ApolloServerOptionsWithSchema<Context>,
  ): ApolloServerOptionsWithSchema<Context>;
  apolloOptions<Context extends LatchkeyContext>(
    options?: Omit<OwnApolloOptions<Context>, 'schema'>,
  ): GuardedServerOptions<Context>;
  /** The admin key that this start made, the first on an empty store; else null. The only time that its token can be shown. */
  readonly firstKey: IssuedKey | null;
  readonly keys: KeyService;
  readonly workspaces: WorkspaceService;
  readonly projects: ProjectService;
  /**
   * Makes another configuration ready: its keys are hashed and their workspaces looked up. Nothing changes until the answer
   * is called, which puts all of it in place in one step.
   *
   * @throws TypeError for what cannot be; Refusal UNAVAILABLE; StoreUnavailable
   */
  prepare(configuration: Configuration): Promise<() => void>;
  /** What `/.well-known/oauth-protected-resource` answers (RFC 9728); null where no access tokens are let in. */
  protectedResource(kind?: ResourceKind): ProtectedResource | null;
  /** Where that is to be found, as challenges name it; null: nowhere. */
  resourceMetadata(kind?: ResourceKind): string | null;
  /** How the dashboard lets people sign in at the issuer; null: by keys alone. */
  signIn(): Promise<SignIn | null>;
  readonly limiter: Limits;
  /** Which header fields report a key's limits at the moment. */
  readonly rateLimitHeaders: () => RateLimitHeaders;
  /** What keys asked for and is not yet written. */
  readonly usage: UsageLog;
  /** Refusals, counted for the audit log. */
  readonly refusals: Refusals;
  /** What is not yet in the audit log: refusals, and keys that were sent in clear. */
  readonly gathered: GatheredEntries;
  /** bcrypt runs since the start. */
  readonly bcrypt: BcryptGate;
  /** Writes what is pending. The store stays open: who opened it closes it. */
  close(): Promise<void>;
}

/**
 * Puts Latchkey together on a store.
 * @throws TypeError for an option that cannot be
 */
export async function createLatchkey(options: LatchkeyOptions): Promise<Latchkey> {
  checkOptions('createLatchkey', latchkeySchema, options);
  const { now = Date.now, introspection = 'authenticated', observer = UNOBSERVED } = options;
  const store = withBreaker(options.store);
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
  const limiter = limiterOf(options);
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
  const { onKeyEvent: tell } = options;
  const watch = tell === undefined ? null : new KeyWatch(tell);
  const usage = new UsageLog({
    store,
    now,
    ...(tell !== undefined && {
      onLimited: ({ keyId: id, workspaceId, projectId }: AuthenticatedPrincipal) =>
        tell(keyEvent('LIMITED', { id, workspaceId, projectId }, now())),
    }),
  });
  const refusals = new Refusals(now);
  const verdicts = new Verdicts({ usage, refusals, observer });
  const sentInClear = new SentInClear(now);
  const gathered = new GatheredEntries(store.audit, [sentInClear, refusals]);
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
    options.changes?.publish(change);
  });
  // Outermost: by the time that a change is told of, nothing older counts.
  const changing = tell === undefined ? announced : { ...announced, keys: telling(announced.keys, tell) };
  options.changes?.subscribe(changed);

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
  const workspaces = new WorkspaceService({ store: changing, minter, roles, configured: configuredKeys, now });
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
    ...{ limiter, usage, refusals, introspection, answer, observer, resourceMetadata, rateLimitHeaders },
    ...(options.log !== undefined && { log: options.log }),
    ...(options.document?.lines !== undefined && { maxLines: options.document.lines }),
  };
  const serverOptions = createServerOptions(forPlugin, bounds);

  return {
    typeDefs: keyTypeDefs(),
    resolvers: {
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
    },
    guard(schema, given = {}) {
      checkOptions('guard', guardSchemaOptions, given);
      const rules = { answer, ...(options.actions !== undefined && { actions: options.actions }) };
      guardWith(schema, rules, new FirstUse(given.plugin === false ? null : warnWithoutPlugin(options.log)));
      for (const scope of assertGuarded(schema).scopes) knownScopes.add(scope);
      return schema;
    },
    authenticate: (source) => principalOf(source, door, observer, networks),
    arrived,
    checkLimits,
    // Without the observer, which has seen this request.
    reauthenticate: (source) => principalOf(source, door),
    standing: (source) => standingOf(source, authenticator),
    onChange: (listener) => void listeners.push(listener),
    sawInClear: (source) => lookAtClear(source, door, sentInClear),
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
      const combined = combineOptions(serverOptions as GuardedServerOptions<Context>, own);
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
    limiter,
    rateLimitHeaders,
    usage,
    refusals,
    gathered,
    bcrypt: gate,
    async close() {
      await limiter.close();
      await usage.close();
      await gathered.close();
    },
  };
}

function warnWithoutPlugin(log: LatchkeyOptions['log']): (context: unknown) => void {
  return (context) => {
    // There is no logger of a server's to use: the plugin would have it.
    // oxlint-disable-next-line no-console
    if (log === undefined) console.warn(WITHOUT_PLUGIN);
    else log(new Error(WITHOUT_PLUGIN), context as LatchkeyContext);
  };
}

/** A key of a workspace that is not there would be let in by nobody, and found out by whoever uses it. @throws TypeError */
async function assertWorkspaces({ records }: ConfiguredKeys, { workspaces }: Store): Promise<void> {
  const ids = new Set(records.map(({ workspaceId }) => workspaceId));
  for (const id of ids) {
    if ((await workspaces.find(id)) !== null) continue;
    const { name } = records.find(({ workspaceId }) => workspaceId === id) ?? {};
    throw new TypeError(
      `The configured key "${name}" stands in the workspace "${id}", which is not there. Create it first, or correct the key's workspace.`,
    );
  }
}

/** @throws TypeError */
async function assertWorkspaceOfTokens({ oidc }: Configuration, { workspaces }: Store): Promise<void> {
  if (oidc?.workspaceClaim !== null) return;
  if ((await workspaces.find(oidc.workspace)) !== null) return;
  throw new TypeError(
    `Access tokens stand in the workspace "${oidc.workspace}", which is not there. Create it first, or correct auth.oidc.workspace.`,
  );
}

/** One table alone: what is told must be what is counted. */
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
