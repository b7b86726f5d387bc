import type { Principal } from '../../core/auth/principal.js';
import type { Actor } from '../../core/keys/actor.js';
import type {
  AlertRecord,
  AssetColumns,
  AssetRecord,
  AssetSummary,
  AssetTexts,
  Column,
  ColumnKind,
} from '../store/demoRecords.js';
import { freshnessOf, type Freshness } from './freshness.js';
import { after } from '../../management/schema/after.js';
import { connectionOf, type Page } from '../../management/schema/pageConnection.js';
import { listing, pageRows } from '../../management/schema/listing.js';
import { decodeAssetCursor, encodeAssetCursor } from './cursor.js';
import { checkName, COLUMNS_MAX, LIST_MAX } from './input.js';
import type { AnswerLimits } from '../../core/guard/answer/answerLimits.js';
import { WorkBudgets } from '../../core/guard/answer/work.js';
import type { GraphQLResolveInfo } from 'graphql';
import { ColumnReader, fieldsOf } from './columnReader.js';
import { makeLoaders, type AssetLoaders } from './loaders.js';
import type { AssetService, RecordLoadInput, RefreshSchemaInput, RegisterAssetInput } from './service.js';

/** The part of the request context that the resolvers use. */
export interface AssetContext {
  readonly principal: Principal;
}

interface AssetResolverOptions {
  readonly service: AssetService;
  readonly project: ProjectFinder;
  /** The limits of a response, which also limit reads. */
  readonly limits?: AnswerLimits;
}

/** Returns a project that the caller can access. Rejects with NOT_FOUND for any other project. */
export type ProjectFinder = (actor: Actor, id: string) => Promise<unknown>;

/** A name in the lineage, which may not be registered. */
interface AssetRef {
  readonly name: string;
  readonly projectId: string;
}

/** The project argument; null for the caller's own project. */
interface OfProject {
  readonly project?: string | null;
}

interface PageArguments extends OfProject {
  readonly first?: number | null;
  readonly after?: string | null;
}

/** An asset from the store, usually without its texts and columns, which are read only if they are selected. */
type Asset = AssetSummary & Partial<AssetTexts & AssetColumns>;

type Resolver<Parent, Args, Result> = (
  parent: Parent,
  args: Args,
  context: AssetContext,
  info: GraphQLResolveInfo,
) => Result | Promise<Result>;

type Later<Value> = Value | Promise<Value>;

const NO_TEXTS = { description: null, upstream: [] };

/** The maximum number of columns that one operation can write, over all aliases. A long column counts as several. */
const MAX_COLUMNS = 3 * COLUMNS_MAX;

/** The resolvers of the built-in domain, by type. Times are in ms since the epoch, durations in ms. */
interface AssetResolvers {
  readonly Query: {
    readonly assets: Resolver<unknown, PageArguments, readonly AssetSummary[]>;
    readonly assetsConnection: Resolver<unknown, PageArguments, Page<AssetSummary>>;
    readonly asset: Resolver<unknown, OfProject & { name: string }, AssetSummary | null>;
  };
  readonly Mutation: {
    readonly registerAsset: Resolver<unknown, { input: OfProject & RegisterAssetInput }, AssetRecord>;
    readonly recordLoad: Resolver<unknown, { input: OfProject & RecordLoadInput }, AssetSummary>;
    readonly refreshFreshness: Resolver<unknown, OfProject & { asset: string }, AssetSummary>;
    readonly refreshSchema: Resolver<unknown, { input: OfProject & RefreshSchemaInput }, AssetRecord>;
  };
  readonly Asset: {
    readonly description: Resolver<Asset, unknown, string | null>;
    readonly freshness: Resolver<Asset, unknown, Freshness>;
    readonly schema: Resolver<Asset, unknown, Asset>;
    readonly upstream: Resolver<Asset, unknown, readonly AssetRef[]>;
    readonly downstream: Resolver<Asset, unknown, readonly AssetSummary[]>;
    readonly alerts: Resolver<Asset, unknown, readonly AlertRecord[]>;
  };
  readonly AssetSchema: {
    readonly version: Resolver<Asset, unknown, number>;
    readonly columns: Resolver<Asset, unknown, readonly Column[]>;
    readonly registeredColumns: Resolver<Asset, unknown, readonly Column[]>;
  };
  readonly AssetConnection: ReturnType<typeof connectionOf<AssetSummary>>;
  readonly AssetRef: { readonly asset: Resolver<AssetRef, unknown, AssetSummary | null> };
}

/** Returns the project that a request may access. The only place that decides this; all queries are by project. */
export async function reached(
  project: ProjectFinder,
  { principal }: AssetContext,
  wanted: string | null | undefined,
): Promise<string> {
  // The guard refuses anonymous callers. If it is missing, fail closed.
  if (principal.kind === 'anonymous') throw new Error('No authenticated principal: the guard is missing.');
  const own = principal.projectId ?? principal.workspaceId;
  if (wanted == null || wanted === own) return own;
  await project(principal, wanted);
  return wanted;
}

export function assetResolvers({ service, project, limits }: AssetResolverOptions): AssetResolvers {
  // By the context object, which lives as long as its request does, and then by project.
  const loaders = new WeakMap<AssetContext, Map<string, AssetLoaders>>();
  // One for all projects, kept after changes, because its limit applies to the whole operation.
  const readers = new WeakMap<AssetContext, ColumnReader>();

  const readerOf = (context: AssetContext): ColumnReader => {
    let reader = readers.get(context);
    if (reader === undefined) readers.set(context, (reader = new ColumnReader(service, limits)));
    return reader;
  };

  const load = (context: AssetContext, projectId: string): AssetLoaders => {
    let known = loaders.get(context);
    if (known === undefined) loaders.set(context, (known = new Map<string, AssetLoaders>()));
    let made = known.get(projectId);
    if (made === undefined) known.set(projectId, (made = makeLoaders(service, projectId, readerOf(context))));
    return made;
  };

  const columnsOf = (asset: Asset, context: AssetContext, kind: ColumnKind): Later<readonly Column[]> =>
    asset[kind] ?? after(load(context, asset.projectId)[kind].load(asset.name), (found) => found?.list ?? []);

  const textsOf = (
    { projectId, name, description, upstream }: Asset,
    context: AssetContext,
  ): Later<Pick<AssetTexts, 'description' | 'upstream'>> => {
    if (description !== undefined && upstream !== undefined) return { description, upstream };
    return after(load(context, projectId).texts.load(name), (found) => found ?? NO_TEXTS);
  };

  const budgets = new WorkBudgets({
    limit: MAX_COLUMNS,
    path: ['input', 'columns'],
    message: `This operation has more than ${MAX_COLUMNS} columns in total; one of 256 characters counts twice. Upstream names count too, and the stored columns of these assets. Send some of the assets in another operation.`,
  });
  /** Writes columns, and counts those that it had to read as well. */
  const writeColumns = async (
    info: GraphQLResolveInfo,
    columns: readonly Column[] | null | undefined,
    upstream: readonly string[] | null | undefined,
    write: () => Promise<AssetRecord>,
  ): Promise<AssetRecord> => {
    const sent = Math.max(fieldsOf(columns ?? []) + (upstream?.length ?? 0), 1);
    budgets.spend(info, Math.min(sent, MAX_COLUMNS));
    const asset = await write();
    const read = Math.max(fieldsOf(asset.columns), fieldsOf(asset.expectedColumns));
    budgets.record(info, Math.max(read - sent, 0));
    return asset;
  };

  /**
   * Mutations in one operation run one after another. A later one must not return data that was read before an earlier
   * one.
   */
  const change = async <Changed>(
    context: AssetContext,
    wanted: string | null | undefined,
    write: (projectId: string) => Promise<Changed>,
  ): Promise<Changed> => {
    try {
      return await write(await reached(project, context, wanted));
    } finally {
      loaders.delete(context);
      readerOf(context).noteChange();
    }
  };

  return {
    Query: {
      assets: listing(
        async ({ first, after: place, project: wanted }: PageArguments, context: AssetContext) => {
          const projectId = await reached(project, context, wanted);
          const page = await service.list(projectId, first, place);
          for (const record of page) load(context, projectId).asset.prime(record.name, record);
          return page;
        },
        ({ first }) => pageRows(first, LIST_MAX),
      ),
      assetsConnection: listing(
        async ({ first, after: place, project: wanted }: PageArguments, context: AssetContext) => {
          const projectId = await reached(project, context, wanted);
          const page = await service.page(projectId, first ?? 50, place == null ? null : decodeAssetCursor(place));
          for (const record of page.nodes) load(context, projectId).asset.prime(record.name, record);
          return page;
        },
        ({ first }) => pageRows(first, 50),
      ),
      asset: async (_, { name, project: wanted }, context) =>
        load(context, await reached(project, context, wanted)).asset.load(checkName(name, ['name'])),
    },
    Mutation: {
      registerAsset: (_, { input }, context, info) =>
        writeColumns(info, input.columns, input.upstream, () =>
          change(context, input.project, (id) => service.register(id, input)),
        ),
      recordLoad: (_, { input }, context) => change(context, input.project, (id) => service.recordLoad(id, input)),
      refreshFreshness: (_, { asset, project: wanted }, context) =>
        change(context, wanted, (id) => service.refreshFreshness(id, asset)),
      refreshSchema: (_, { input }, context, info) =>
        writeColumns(info, input.columns, [], () =>
          change(context, input.project, (id) => service.refreshSchema(id, input)),
        ),
    },
    Asset: {
      description: (asset, _, context) => after(textsOf(asset, context), ({ description }) => description),
      freshness: (asset) => freshnessOf(asset, service.now()),
      schema: (asset) => asset,
      upstream: (asset, _, context) => {
        const { projectId } = asset;
        return after(textsOf(asset, context), ({ upstream }) => upstream.map((name) => ({ name, projectId })));
      },
      downstream: ({ name, projectId }, _, context) => load(context, projectId).downstream.load(name),
      alerts: ({ name, projectId }, _, context) => load(context, projectId).alerts.load(name),
    },
    AssetSchema: {
      version: ({ schemaVersion }) => schemaVersion,
      columns: (asset, _, context) => columnsOf(asset, context, 'columns'),
      registeredColumns: (asset, _, context) => columnsOf(asset, context, 'expectedColumns'),
    },
    AssetConnection: connectionOf<AssetSummary>(encodeAssetCursor),
    AssetRef: { asset: ({ name, projectId }, _, context) => load(context, projectId).asset.load(name) },
  };
}
