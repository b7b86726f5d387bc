import { OperationTypeNode, type GraphQLResolveInfo } from 'graphql';
import { WorkBudgets } from '../../core/guard/answer/work.js';
import { CATEGORIES, type Category } from '../../core/limits/category.js';
import { BulkCreation } from '../../core/limits/keyCreation.js';
import { limitsOf } from '../../core/limits/bounds.js';
import type { Limits, Subject } from '../../core/limits/limits.js';
import { KeyOverrides, NO_OVERRIDES, type CurrentOverrides } from '../../core/limits/overrides.js';
import { subjectOfShared } from '../../core/limits/peekAll.js';
import { subjectOfKey, type Limited } from '../../core/limits/subjects.js';
import { rowOf, tierOf, tiersIn, type TierLimits, type WindowLimits } from '../../core/limits/tiers.js';
import { notFound } from '../../core/errors/refusal.js';
import type { ResolvedField } from '../../core/store/keyFields.js';
import {
  statusOf,
  subjectsOf,
  type Environment,
  type KeyRecord,
  type KeyStatus,
  type KeyType,
  type LimitOverride,
  type OverrideSubject,
  type ProjectRecord,
  type Tier,
  type UserRecord,
  type WorkspaceRecord,
} from '../../core/store/records.js';
import type { Actor, ActorContext } from '../../core/keys/actor.js';
import type { AuditEntry } from '../../core/store/audit.js';
import { NEWEST_FIRST, type KeyOrder } from '../../core/store/ordering.js';
import type { LimitOverrideStore } from '../../core/store/store.js';
import { meet } from '../../core/scopes/meet.js';
import type { Roles } from '../../core/scopes/roles.js';
import { roomsOf, shownLimit } from '../limits/shownLimits.js';
import { after } from '../schema/after.js';
import { connectionOf, type Page } from '../schema/pageConnection.js';
import type { AnswerLimits } from '../../core/guard/answer/answerLimits.js';
import { listing, pageRows, SEARCH } from '../schema/listing.js';
import { isConfigured, type AnyKey, type KeySelection, type WholeKey } from '../../core/keys/configured.js';
import { readingDocuments } from '../../core/keys/documentReader.js';
import { gathering, oncePerParent, oncePerQuery } from './keyLoaders.js';
import { mentionedIn } from '../../core/keys/mentions.js';
import { nameOfKey } from '../../core/keys/names.js';
import { decodePosition, encodePosition, positionIn } from './order.js';
import { MAX_DOCUMENTS } from '../../core/keys/keyInput.js';
import { MAX_SEARCH } from '../../core/keys/search.js';
import type { CreateKeyInput, KeyService, UpdateKeyInput } from '../../core/keys/keyService.js';
import { shownPrefix } from '../../core/keys/token.js';

interface KeyResolverOptions {
  readonly keys: KeyService;
  readonly projects: { findMany(actor: Actor, ids: readonly string[]): Promise<ReadonlyMap<string, ProjectRecord>> };
  readonly users: { ownersOf(actor: Actor, ids: readonly string[]): Promise<ReadonlyMap<string, UserRecord>> };
  readonly overrides: Pick<LimitOverrideStore, 'findMany'>;
  readonly limiter: Limits;
  /** The limits of a response, which also limit how many trusted documents an operation reads. */
  readonly answer?: AnswerLimits;
  /** Scopes that the roles of users grant. Default: none. */
  readonly roles?: () => Pick<Roles, 'scopesOf'>;
  readonly now: () => number;
}

/** The key whose limits are shown. */
type LimitsSource = Limited;

interface KeysArguments {
  readonly first?: number | null;
  readonly after?: string | null;
  readonly workspaceId?: string | null;
  readonly orderBy?: KeyOrder | null;
  readonly filter?: {
    readonly status?: KeyStatus | null;
    readonly type?: KeyType | null;
    readonly environment?: Environment | null;
    readonly nameContains?: string | null;
    readonly scope?: string | null;
    readonly projectId?: string | null;
    readonly userId?: string | null;
    readonly externalId?: string | null;
  } | null;
}

interface CreateArguments {
  readonly input: Omit<CreateKeyInput, 'type' | 'environment'> & {
    readonly type?: KeyType | null;
    readonly environment?: Environment | null;
  };
}

/** The fields of `ApiKey` that show a field of a key in another form, and others. */
type Resolved = Readonly<Record<ResolvedField, unknown> & Record<string, unknown>>;

const DAY = 24 * 60 * 60_000;

/** The maximum number of trusted documents in one operation, over all its aliases. */
const MAX_BOUND = 3 * MAX_DOCUMENTS;

/** The maximum number of characters that one operation searches for, over all its aliases. */
const MAX_SEARCHED = 4 * MAX_SEARCH;

const CREDENTIAL_KINDS = { key: 'API_KEY', configured: 'CONFIGURED', oidc: 'OIDC', operator: 'OPERATOR' } as const;

/** Resolvers of keys, their limits, and the viewer. */
export function keyResolvers({ keys, projects, users, overrides, limiter, answer, roles, now }: KeyResolverOptions) {
  const issued = ({ key, token }: { readonly key: KeyRecord; readonly token: string }) => ({ apiKey: key, token });
  const workspaceOf = gathering<string, WorkspaceRecord>(async ({ principal }, ids) => {
    const found = await Promise.all(ids.map((id) => keys.workspace(principal, id)));
    return new Map(found.map((workspace) => [workspace.id, workspace]));
  });
  const keyOf = gathering<string, AnyKey>(({ principal }, ids) => keys.findMany(principal, ids));
  const documentsOf = readingDocuments(keys, answer);
  const projectOf = gathering<string, ProjectRecord>(({ principal }, ids) => projects.findMany(principal, ids));
  const userOf = gathering<string, UserRecord>(({ principal }, ids) => users.ownersOf(principal, ids));
  const roomOf = roomsOf(limiter);
  const subjectOf = (source: LimitsSource, category?: Category): Subject =>
    subjectOfKey(source, limiter.tiers, category);
  const overridesFor = gathering<OverridesOf, readonly LimitOverride[]>(
    (_, keysOf) => overridesByKey(overrides, keysOf),
    ({ key }) => key.id,
  );
  const limitedOf = async (context: ActorContext, key: AnyKey, tier: Tier): Promise<LimitsSource> => {
    const { id: keyId, familyId, workspaceId, projectId, userId } = key;
    const common = { keyId, familyId, tier, workspaceId, projectId, userId };
    if (isConfigured(key)) return common;
    const user = userId === null ? null : await userOf(context, userId);
    const externalId = key.externalId ?? user?.externalId ?? null;
    const found = (await overridesFor(context, { key, user })) ?? [];
    return {
      ...common,
      ...(externalId !== null && { externalId }),
      ...(found.length > 0 && { overrides: new KeyOverrides(found, now) }),
    };
  };
  const totalOf = oncePerQuery(
    (selection: KeySelection) => keys.count(selection),
    ({ workspaceId, filter }) => JSON.stringify([workspaceId, Object.entries(filter).toSorted()]),
  );
  // Queries take the tier of the caller's workspace from the principal, because a promise for each key and alias would take
  // longer than the rest of a large page. A mutation may just have changed the tier.
  const tierIn = (context: ActorContext, workspaceId: string, operation: OperationTypeNode): Tier | Promise<Tier> => {
    const { principal } = context;
    if (principal.workspaceId === workspaceId && operation === OperationTypeNode.QUERY) return principal.tier;
    return workspaceOf(context, workspaceId).then((workspace) => {
      if (workspace === null) throw notFound('workspace');
      return workspace.tier;
    });
  };

  const nameOf = async (context: ActorContext, id: string, workspaceId: string): Promise<string | null> => {
    if (id.startsWith('prj_')) return (await projectOf(context, id))?.name ?? null;
    if (id.startsWith('usr_')) return (await userOf(context, id))?.name ?? null;
    return nameOfKey(context, id, workspaceId, keyOf);
  };

  const documentBudgets = new WorkBudgets({
    limit: MAX_BOUND,
    path: ['input', 'trustedDocuments'],
    message: `This operation binds keys to more than ${MAX_BOUND} documents in total. Send some of them in another operation.`,
  });
  const searchBudgets = new WorkBudgets({
    limit: MAX_SEARCHED,
    path: ['text'],
    message: `This operation searches for more than ${MAX_SEARCHED} characters in total. Send some of the texts in another operation.`,
  });
  // A list that is too long by itself gets its own error later.
  const spendDocuments = (info: GraphQLResolveInfo, documents: readonly string[] | null | undefined): void =>
    documentBudgets.spend(info, Math.min(documents?.length ?? 0, MAX_DOCUMENTS));

  return {
    Query: {
      viewer: (_: unknown, __: unknown, { principal }: ActorContext) => principal,
      tiers: () => tiersIn(limiter.tiers).map((tier) => ({ tier, ...rowOf(limiter.tiers, tier) })),
      apiKey: (_: unknown, { id }: { id: string }, context: ActorContext) => keyOf(context, id),
      apiKeys: listing(
        async (
          { first, after: place, filter, workspaceId, orderBy }: KeysArguments,
          { principal }: ActorContext,
        ): Promise<OrderedPage> => {
          const order = orderBy ?? NEWEST_FIRST;
          const { keys: nodes, ...page } = await keys.list(principal, {
            workspaceId: workspaceId ?? null,
            first: first ?? 50,
            after: place == null ? null : decodePosition(order, place),
            filter: withoutNulls(filter ?? {}),
            order,
          });
          return { ...page, nodes, order };
        },
        ({ first, filter }) => pageRows(first, 50) + (filter == null ? 0 : SEARCH),
      ),
      findApiKeys: (_: unknown, { text }: { text: string }, { principal }: ActorContext, info: GraphQLResolveInfo) => {
        searchBudgets.spend(info, Math.min(text.length, MAX_SEARCH));
        return keys.search(principal, text);
      },
    },
    Mutation: {
      createApiKey: async (
        _: unknown,
        { input }: CreateArguments,
        { principal, origin }: ActorContext,
        info: GraphQLResolveInfo,
      ) => {
        spendDocuments(info, input.trustedDocuments);
        return issued(await keys.create(principal, withDefaults(input), origin));
      },
      createApiKeys: async (
        _: unknown,
        { input }: { readonly input: readonly CreateArguments['input'][] },
        { principal, origin }: ActorContext,
        info: GraphQLResolveInfo,
      ) => {
        for (const { trustedDocuments } of input) spendDocuments(info, trustedDocuments);
        const creation = new BulkCreation(limiter, principal);
        await creation.assertRoom(input.length);
        const made = await keys.createMany(principal, input.map(withDefaults), {
          origin,
          admit: (count) => creation.take(count),
        });
        return { keys: made.map(issued) };
      },
      rotateApiKey: async (
        _: unknown,
        { input }: { input: { id: string; overlap?: number | null } },
        { principal, origin }: ActorContext,
      ) => issued(await keys.rotate(principal, { id: input.id, overlap: input.overlap ?? DAY }, origin)),
      expireApiKey: async (
        _: unknown,
        { input }: { input: { id: string; at: number } },
        { principal, origin }: ActorContext,
      ) => ({
        apiKey: await keys.expire(principal, input, origin),
      }),
      revokeApiKey: async (
        _: unknown,
        { input }: { input: { id: string; reason?: string | null } },
        { principal, origin }: ActorContext,
      ) => ({
        apiKey: await keys.revoke(principal, input, origin),
      }),
      updateApiKey: async (
        _: unknown,
        { input }: { input: UpdateKeyInput },
        { principal, origin }: ActorContext,
        info: GraphQLResolveInfo,
      ) => {
        spendDocuments(info, input.trustedDocuments);
        return { apiKey: await keys.update(principal, input, origin) };
      },
    },
    Viewer: {
      credential: (viewer: Actor) => viewer,
      project: ({ projectId }: Actor, _: unknown, context: ActorContext) =>
        projectId === null ? null : projectOf(context, projectId),
      user: ({ userId }: Actor, _: unknown, context: ActorContext) =>
        userId === null ? null : userOf(context, userId),
      workspace: ({ workspaceId }: Actor, _: unknown, context: ActorContext) => workspaceOf(context, workspaceId),
      limits: (viewer: Actor): LimitsSource => viewer,
    },
    Credential: {
      kind: (viewer: Actor) => (viewer.tokenId === undefined ? CREDENTIAL_KINDS[viewer.kind] : 'DERIVED_TOKEN'),
      id: (viewer: Actor) => viewer.keyId,
      apiKey: ({ kind, keyId }: Actor, _: unknown, context: ActorContext) =>
        kind === 'operator' || kind === 'oidc' ? null : keyOf(context, keyId),
    },
    AuditEntry: {
      actorName: oncePerParent(({ actor, workspaceId }: AuditEntry, context) =>
        nameOfKey(context, actor, workspaceId, keyOf),
      ),
      names: oncePerParent(async (entry: AuditEntry, context) => {
        const ids = mentionedIn(entry);
        const names = await Promise.all(ids.map((id) => nameOf(context, id, entry.workspaceId)));
        return ids.flatMap((id, i) => {
          const name = names[i];
          return name == null ? [] : { id, name };
        });
      }),
      subjectName: oncePerParent(async ({ subject, workspaceId }: AuditEntry, context) => {
        return subject === workspaceId
          ? ((await workspaceOf(context, subject))?.name ?? null)
          : nameOf(context, subject, workspaceId);
      }),
    },
    TierLimits: {
      ...published,
      categories: ({ categories }: TierLimits) =>
        CATEGORIES.flatMap((category) => {
          const limits = categories[category];
          return limits === undefined ? [] : [{ category: category.toUpperCase(), ...limits }];
        }),
    },
    TierCategoryLimits: published,
    TierSharedLimits: published,
    TierCostLimits: published,
    Limits: {
      tier: ({ tier }: LimitsSource) => tierOf(limiter.tiers, tier),
      rate: (source: LimitsSource, _: unknown, context: ActorContext) =>
        after(roomOf(context, subjectOf(source)), ({ rate }) => shownLimit(rate, 'rate', overridesOf(source).key)),
      burst: (source: LimitsSource, _: unknown, context: ActorContext) =>
        after(roomOf(context, subjectOf(source)), ({ burst }) => shownLimit(burst, 'burst', overridesOf(source).key)),
      // Without promises, unless the windows are in Redis.
      categories: (source: LimitsSource, _: unknown, context: ActorContext) =>
        CATEGORIES.filter((category) => rowOf(limiter.tiers, source.tier).categories[category] !== undefined).map(
          (category) =>
            after(roomOf(context, subjectOf(source, category)), ({ rate, burst }) => ({
              category: category.toUpperCase(),
              rate: shownLimit(rate, 'rate'),
              burst: shownLimit(burst, 'burst'),
            })),
        ),
      shared: (source: LimitsSource, _: unknown, context: ActorContext) => {
        const subject = subjectOf(source);
        const limits = limitsOf(subject, limiter.tiers);
        const overrides = overridesOf(source);
        return (subject.shared ?? []).map((windows) =>
          after(roomOf(context, subjectOfShared(windows, subject, limits)), ({ rate, burst }) => ({
            subject: windows.of.toUpperCase(),
            rate: shownLimit(rate, 'rate', overrides[windows.of]),
            burst: shownLimit(burst, 'burst', overrides[windows.of]),
          })),
        );
      },
      cost: (source: LimitsSource, _: unknown, context: ActorContext) => {
        const subject = subjectOf(source);
        const { cost } = limitsOf(subject, limiter.tiers);
        if (cost === null) return null;
        return after(roomOf(context, subject, 'cost'), ({ rate, burst }) => ({
          max: cost.max,
          rate: shownLimit(rate, 'rate'),
          burst: shownLimit(burst, 'burst'),
        }));
      },
    },
    ApiKey: {
      // A configured key was chosen by a person, so even its first characters may be guessable.
      prefix: (key: AnyKey) => (isConfigured(key) ? '' : shownPrefix(key)),
      source: (key: AnyKey) => (isConfigured(key) ? 'CONFIGURED' : 'CREATED'),
      roles: (key: AnyKey) => (isConfigured(key) ? key.roles : []),
      effectiveScopes: oncePerParent(({ scopes, userId }: AnyKey, context) => {
        if (userId === null) return scopes;
        return userOf(context, userId).then((user) => {
          if (user?.removedAt !== null) return [];
          return roles === undefined ? [] : meet(scopes, roles().scopesOf(user.roles));
        });
      }),
      createdByName: oncePerParent((key: AnyKey, context) =>
        isConfigured(key) ? null : nameOfKey(context, key.createdBy, key.workspaceId, keyOf),
      ),
      // A key that a mutation returns has its documents.
      trustedDocuments: (key: AnyKey | WholeKey, _: unknown, context: ActorContext, info: GraphQLResolveInfo) =>
        'trustedDocuments' in key ? key.trustedDocuments : documentsOf(context, key.id, info),
      project: ({ projectId }: AnyKey, _: unknown, context: ActorContext) =>
        projectId === null ? null : projectOf(context, projectId),
      user: ({ userId }: AnyKey, _: unknown, context: ActorContext) =>
        userId === null ? null : userOf(context, userId),
      previousTokenLastUsedAt: async ({ replaces }: AnyKey, _: unknown, context: ActorContext) => {
        const previous = replaces === null ? null : await keyOf(context, replaces);
        return previous === null || isConfigured(previous) ? null : previous.lastUsedAt;
      },
      status: (key: AnyKey) => statusOf(key, now()),
      replaces: ({ replaces }: AnyKey, _: unknown, context: ActorContext) =>
        replaces === null ? null : keyOf(context, replaces),
      replacedBy: ({ replacedBy }: AnyKey, _: unknown, context: ActorContext) =>
        replacedBy === null ? null : keyOf(context, replacedBy),
      limits: (key: AnyKey, _: unknown, context: ActorContext, { operation: { operation } }: GraphQLResolveInfo) =>
        after(tierIn(context, key.workspaceId, operation), (tier) => limitedOf(context, key, tier)),
    } satisfies Resolved,
    ApiKeyConnection: {
      ...connectionOf<AnyKey>(() => ''),
      edges: (page: OrderedPage) => keyConnection(page).edges(page),
      pageInfo: (page: OrderedPage) => keyConnection(page).pageInfo(page),
      totalCount: ({ selection }: OrderedPage, _: unknown, context: ActorContext, info: GraphQLResolveInfo) =>
        selection === null ? 0 : totalOf(context, info, selection),
    },
  };
}

function withDefaults({ type, environment, ...input }: CreateArguments['input']): CreateKeyInput {
  return { ...input, type: type ?? 'SECRET', environment: environment ?? 'LIVE' };
}

/** A page of keys with its order, which is part of the cursors. */
interface OrderedPage extends Page<AnyKey> {
  readonly selection: KeySelection | null;
  readonly order: KeyOrder;
}

const connections = new Map<string, ReturnType<typeof connectionOf<AnyKey>>>();

function keyConnection({ order }: OrderedPage) {
  const name = `${order.field} ${order.direction}`;
  const connection =
    connections.get(name) ?? connectionOf<AnyKey>((key) => encodePosition(order, positionIn(order.field, key)));
  connections.set(name, connection);
  return connection;
}

/** Resolves the limits of a tier. */
const published = {
  perMinute: ({ rate }: WindowLimits) => rate,
  perSecond: ({ burst }: WindowLimits) => burst,
};

function overridesOf({ overrides }: LimitsSource): CurrentOverrides {
  return overrides?.current() ?? NO_OVERRIDES;
}

/** A key whose overrides are read, and its user. */
interface OverridesOf {
  readonly key: Pick<KeyRecord, 'id' | 'familyId' | 'workspaceId' | 'projectId' | 'userId' | 'externalId'>;
  readonly user: UserRecord | null;
}

/** Reads the overrides of several keys, in one read for each of their workspaces. Returns them by the IDs of the keys. */
async function overridesByKey(
  overrides: Pick<LimitOverrideStore, 'findMany'>,
  asked: readonly OverridesOf[],
): Promise<ReadonlyMap<string, readonly LimitOverride[]>> {
  const wanted = new Map<string, Map<string, OverrideSubject>>();
  for (const { key, user } of asked) {
    const subjects = wanted.get(key.workspaceId) ?? new Map<string, OverrideSubject>();
    wanted.set(key.workspaceId, subjects);
    for (const subject of subjectsOf(key, user)) subjects.set(`${subject.kind} ${subject.subjectId}`, subject);
  }
  const found = new Map<string, LimitOverride>();
  for (const [workspaceId, subjects] of wanted) {
    for (const override of await overrides.findMany(workspaceId, [...subjects.values()])) {
      found.set(`${workspaceId} ${override.kind} ${override.subjectId}`, override);
    }
  }
  return new Map(
    asked.map(({ key, user }) => [
      key.id,
      subjectsOf(key, user).flatMap(
        ({ kind, subjectId }) => found.get(`${key.workspaceId} ${kind} ${subjectId}`) ?? [],
      ),
    ]),
  );
}

type WithoutNulls<T> = { [Key in keyof T]: Exclude<T[Key], null> };

/** Removes null filters: null means the same as a missing filter. */
function withoutNulls<T extends object>(value: T): WithoutNulls<T> {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== null)) as WithoutNulls<T>;
}
