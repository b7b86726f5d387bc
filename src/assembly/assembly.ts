import { NO_CONFIGURATION } from '../core/auth/configuration.js';
import type { ForeignSource } from '../core/auth/headerFields.js';
import { protectedResource, type ProtectedResource, type ResourceKind } from '../core/auth/oidc/protectedResource.js';
import { signInOf } from '../core/auth/oidc/issuerSignIn.js';
import { DEFAULT_WORKSPACE_ID } from '../core/auth/operator.js';
import type { LatchkeyContext, Principal } from '../core/auth/principal.js';
import type { PrincipalTokens } from '../core/auth/signing/principalTokens.js';
import type { Standing } from '../core/auth/standing.js';
import { KeyVerifier } from '../core/auth/verification/keyVerifier.js';
import { ProxiedRequests } from '../core/auth/verification/proxiedRequests.js';
import type { Refused } from '../core/errors/refusalValue.js';
import { ANSWER_LIMITS, type AnswerLimits } from '../core/guard/answer/answerLimits.js';
import { SchemaRegistry } from '../core/guard/schemaRegistry.js';
import type { CostMode } from '../core/guard/cost/costMode.js';
import type { Introspection } from '../core/guard/introspection.js';
import { documentBounds } from '../core/guard/document/documentBounds.js';
import type { BcryptGate } from '../core/keys/bcryptGate.js';
import type { EndedKeys } from '../core/keys/ended.js';
import type { KeyEventListeners } from '../core/keys/keyEventListeners.js';
import type { KeyService } from '../core/keys/keyService.js';
import { KnownScopes } from '../core/keys/knownScopes.js';
import { checkedTime } from '../core/limits/checkedClock.js';
import type { RateLimitHeaders } from '../core/limits/limitFields.js';
import type { Limits } from '../core/limits/limits.js';
import type { Meters } from '../core/quotas/meters.js';
import { tiersIn, type TierTable } from '../core/limits/tiers.js';
import type { Tier } from '../core/store/records.js';
import { ENDPOINT_SCOPES } from '../core/scopes/endpointScopes.js';
import type { Observer } from '../core/observer/observer.js';
import { checkOptions } from '../core/util/checkOptions.js';
import type { GatheredEntries } from '../management/audit/gathered.js';
import type { Refusals } from '../management/audit/refusals.js';
import { keyTypeDefs } from '../management/schema/typeDefs.js';
import type { UsageLog } from '../management/usage/usageLog.js';
import type { ProjectService } from '../management/workspaces/projectService.js';
import type { WorkspaceService } from '../management/workspaces/workspaceService.js';
import type { SignIn } from '../shared/signIn.js';
import { openAccounts, openEndedKeys } from './accounts.js';
import { openAdmission } from './admission.js';
import { Principals } from './principals.js';
import { foundationOf } from './foundation.js';
import { guardOf } from './guarding.js';
import { latchkeySchema, type LatchkeyOptions } from './latchkeyOptions.js';
import type { Latchkey } from './libraryApi.js';
import { streamGuardOf } from './streamGuardOf.js';
import { requestGuardOf } from './requestGuardOf.js';
import { allResolvers } from './resolvers.js';
import { openServices } from './services.js';
import { openSigning } from './signing.js';

/** Latchkey with the parts that only its own service uses. */
export interface Assembly extends Latchkey {
  /**
   * Counts a request of an anonymous caller. Call it before the body is read, unless you use {@link context}, which calls it. If
   * you create a context yourself, set `counted: true` in it. Requests of other callers are not counted.
   * @throws Refusal RATE_LIMITED, or rejects with one
   */
  arrived(principal: Principal): void | Promise<void>;
  /**
   * Refuses a request of a key that has used up one of its limits. Call it before the document is parsed, unless you use
   * {@link context}, which calls it. Doesn't count the request: the plugin does.
   * @throws Refusal RATE_LIMITED, or rejects with one
   */
  checkLimits(principal: Principal): void | Promise<void>;
  /** Like {@link checkLimits}, but returns the refusal, and checks only limits that this process counts. null: no such limit is used up. */
  usedUp(principal: Principal): Refused | null;
  /**
   * Records a valid key of a request that was refused because it used plain HTTP in the audit log. Never rejects.
   */
  sawInClear(source: ForeignSource): Promise<void>;
  /** Like {@link authenticate}, but returns frequent refusals, such as refusals of wrong keys, instead of throwing them. */
  judge(source: ForeignSource): Principal | Refused | Promise<Principal | Refused>;
  /** Authenticates a request again after its body has arrived. Doesn't count the request again. */
  reauthenticate(source: ForeignSource): Principal | Promise<Principal>;
  /**
   * Like {@link authenticate}, for the credential of an open stream. Also returns how long the result stays valid. Doesn't count a request.
   */
  standing(source: ForeignSource): Standing | Promise<Standing>;
  /** Verifies tokens for other services. */
  readonly verifier: KeyVerifier;
  /** Decides on requests that a proxy received. */
  readonly proxied: ProxiedRequests;
  readonly keys: KeyService;
  readonly workspaces: WorkspaceService;
  readonly projects: ProjectService;
  /** @param kind default: `graphql` */
  protectedResource(kind?: ResourceKind): ProtectedResource | null;
  /** @param kind default: `graphql` */
  resourceMetadata(kind?: ResourceKind): string | null;
  /** Returns the data for signing in to the dashboard at the issuer; null if the dashboard only accepts keys. */
  signIn(): Promise<SignIn | null>;
  readonly limiter: Limits;
  /** All limits of operations: those of the limiter, quotas and credits. */
  readonly limits: Limits;
  readonly meters: Meters;
  /** Returns the header fields that currently report a key's limits. */
  readonly rateLimitHeaders: () => RateLimitHeaders;
  /** Usage of keys that is not yet written. */
  readonly usage: UsageLog;
  /** Refusals, counted for the audit log. */
  readonly refusals: Refusals;
  /** Entries that are not yet in the audit log: refusals, and keys that were sent over plain HTTP. */
  readonly gathered: GatheredEntries;
  /** Signs the tokens that tell other services who the caller is. */
  readonly principalTokens: PrincipalTokens;
  /** Removes ended keys; null if they are kept forever. */
  readonly endedKeys: EndedKeys | null;
  /** bcrypt runs since the start. */
  readonly bcrypt: BcryptGate;
  /** The schemas that were guarded here. */
  readonly schemas: SchemaRegistry;
  readonly keyEvents: KeyEventListeners;
  readonly observer: Observer;
  /**
   * Replaces the table of tiers in this process, and the names of the tiers in guarded schemas. Call it before
   * the function that {@link prepare} returns, which marks cached principals as stale.
   *
   * @param defaultTier the tier of new workspaces. Default: GROWTH, or the smallest
   * @throws TypeError if the table doesn't have that tier
   */
  setTiers(table: TierTable, defaultTier?: Tier): void;
  /** The tiers of stored workspaces that the table doesn't have, as far as they were read. */
  readonly unknownTiers: () => readonly string[];
  readonly introspection: Introspection;
  readonly cost: CostMode;
  readonly answer: AnswerLimits;
  /** Logs an error that callers don't see. */
  report(error: unknown, context: LatchkeyContext): void;
}

/**
 * Assembles Latchkey on a store.
 * @throws TypeError for an invalid option
 */
export async function assemble(options: LatchkeyOptions): Promise<Assembly> {
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
async function assembled(options: LatchkeyOptions, started: (() => unknown)[]): Promise<Assembly> {
  const foundation = foundationOf(options, started);
  const { now, gate, configured } = foundation;
  const accounts = openAccounts(foundation);
  const admission = openAdmission(foundation, accounts.verdicts);
  const { limiter, limits, meters } = admission;
  const signing = openSigning(foundation);
  const principals = new Principals(foundation, accounts);
  const { authenticate, judge, reauthenticate, standing, sawInClear, onChange, prepare } = principals;
  const { resourceMetadata } = principals;
  const knownScopes = new KnownScopes({
    schemas: foundation.store.guardedSchemas,
    always: ENDPOINT_SCOPES,
    now,
  });
  started.push(() => knownScopes.close());
  const schemas = new SchemaRegistry();
  const services = openServices(foundation, { tiers: limiter.tiers, knownScopes });
  const firstKey = await services.workspaces.ensureFirst({
    id: DEFAULT_WORKSPACE_ID,
    tier: foundation.tiers.defaultTier(),
    withKey: principals.operator === null,
  });
  await principals.open();
  (await prepare(options.configuration ?? NO_CONFIGURATION))();
  // Done last, because a process can't leave a feed again.
  foundation.changes.subscribe();

  const bounds = documentBounds(options.document);
  const answer = { ...ANSWER_LIMITS, ...options.answer };
  const cost = options.cost ?? 'enforce';
  const requests = requestGuardOf(foundation, { limiter: limits, accounts, answer, bounds, resourceMetadata });
  const streams = streamGuardOf(foundation, { limiter: limits, accounts, answer, requests, standing });
  const { derivedTokens } = signing;
  const resolvers = allResolvers(foundation, services, {
    limiter,
    meters,
    knownScopes,
    schemas,
    answer,
    bounds,
    derivedTokens,
  });
  const typeDefs = keyTypeDefs(tiersIn(limiter.tiers));
  const endedKeys = openEndedKeys(foundation);
  const signIn = signInOf(now, options.fetch);
  return {
    typeDefs,
    resolvers,
    guard: guardOf(foundation, { answer, typeDefs, resolvers, knownScopes, schemas }),
    context: principals.contextBuilder(admission),
    ...{ requests, streams },
    ...{ authenticate, judge, reauthenticate, standing, sawInClear, onChange, prepare, resourceMetadata, firstKey },
    arrived: admission.arrived,
    checkLimits: admission.checkLimits,
    usedUp: admission.usedUp,
    verifier: new KeyVerifier({ authenticator: principals, limits, meters, log: accounts.verdicts, cost }),
    proxied: new ProxiedRequests({ limits, log: accounts.verdicts, cost }),
    keys: services.keys,
    workspaces: services.workspaces,
    projects: services.projects,
    protectedResource(kind) {
      const oidc = configured.oidc();
      return oidc && protectedResource(oidc, knownScopes.names, kind);
    },
    signIn: () => signIn(configured.oidc()),
    keySet: () => signing.published.keySet(),
    principalTokens: signing.principalTokens,
    limiter: admission.counter,
    limits,
    meters,
    rateLimitHeaders: configured.rateLimitHeaders,
    setTiers: foundation.tiers.replace,
    unknownTiers: () => foundation.tiers.stored.unknown,
    usage: accounts.usage,
    refusals: accounts.refusals,
    gathered: accounts.gathered,
    endedKeys,
    bcrypt: gate,
    ...{ schemas, answer, observer: foundation.observer, keyEvents: foundation.keyEvents },
    introspection: options.introspection ?? 'authenticated',
    cost,
    report: (error, context) => requests.report(error, context),
    async close() {
      streams.close();
      await signing.keys.close();
      await endedKeys?.close();
      await knownScopes.close();
      await meters.close();
      await limiter.close();
      await accounts.usage.close();
      await accounts.gathered.close();
      foundation.end();
    },
  };
}
