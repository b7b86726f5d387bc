import type { Principal } from '../credentials/principal.js';
import type { Actor } from '../keys/actor.js';
import type { AlertRecord, AssetRecord, Column } from '../store/records.js';
import { freshnessOf, type Freshness } from './freshness.js';
import { connectionOf, type Page } from '../schema/connection.js';
import { decodeAssetCursor, encodeAssetCursor } from './cursor.js';
import { checkName } from './input.js';
import { makeLoaders, type AssetLoaders } from './loaders.js';
import type { AssetService, RecordLoadInput, RefreshSchemaInput, RegisterAssetInput } from './service.js';

/** What the resolvers need of the request. */
export interface AssetContext {
  readonly principal: Principal;
}

export interface AssetResolverOptions {
  readonly service: AssetService;
  readonly project: ProjectFinder;
}

/** A project that the caller reaches. Rejects, as NOT_FOUND, for any other. */
export type ProjectFinder = (actor: Actor, id: string) => Promise<unknown>;

/** A name in the lineage. It need not be registered. */
interface AssetRef {
  readonly name: string;
  readonly projectId: string;
}

/** Whose assets are meant; null: the caller's own project's. */
interface OfProject {
  readonly project?: string | null;
}

interface AssetSchema {
  readonly version: number;
  readonly columns: readonly Column[];
  readonly registeredColumns: readonly Column[];
}

type Resolver<Parent, Args, Result> = (parent: Parent, args: Args, context: AssetContext) => Result | Promise<Result>;

/** The resolvers of the built-in domain, by type. Times are ms since the epoch, lengths of time ms. */
export interface AssetResolvers {
  readonly Query: {
    readonly assets: Resolver<
      unknown,
      OfProject & { first?: number | null; after?: string | null },
      readonly AssetRecord[]
    >;
    readonly assetsConnection: Resolver<
      unknown,
      OfProject & { first?: number | null; after?: string | null },
      Page<AssetRecord>
    >;
    readonly asset: Resolver<unknown, OfProject & { name: string }, AssetRecord | null>;
  };
  readonly Mutation: {
    readonly registerAsset: Resolver<unknown, { input: OfProject & RegisterAssetInput }, AssetRecord>;
    readonly recordLoad: Resolver<unknown, { input: OfProject & RecordLoadInput }, AssetRecord>;
    readonly refreshFreshness: Resolver<unknown, OfProject & { asset: string }, AssetRecord>;
    readonly refreshSchema: Resolver<unknown, { input: OfProject & RefreshSchemaInput }, AssetRecord>;
  };
  readonly Asset: {
    readonly freshness: Resolver<AssetRecord, unknown, Freshness>;
    readonly schema: Resolver<AssetRecord, unknown, AssetSchema>;
    readonly upstream: Resolver<AssetRecord, unknown, readonly AssetRef[]>;
    readonly downstream: Resolver<AssetRecord, unknown, readonly AssetRecord[]>;
    readonly alerts: Resolver<AssetRecord, unknown, readonly AlertRecord[]>;
  };
  readonly AssetConnection: ReturnType<typeof connectionOf<AssetRecord>>;
  readonly AssetRef: { readonly asset: Resolver<AssetRef, unknown, AssetRecord | null> };
}

/** The one place that says whose assets and events a request may reach: all else is asked for by project. */
export async function reached(
  project: ProjectFinder,
  { principal }: AssetContext,
  wanted: string | null | undefined,
): Promise<string> {
  // The guard lets nobody unknown come this far; should it be left out, nothing may be answered in no one's name.
  if (principal.kind === 'anonymous') throw new Error('A project was asked for by nobody: the guard is missing.');
  const own = principal.projectId ?? principal.workspaceId;
  if (wanted == null || wanted === own) return own;
  await project(principal, wanted);
  return wanted;
}

export function assetResolvers({ service, project }: AssetResolverOptions): AssetResolvers {
  // By the context object, which lives as long as its request does, and then by project.
  const loaders = new WeakMap<AssetContext, Map<string, AssetLoaders>>();

  const load = (context: AssetContext, projectId: string): AssetLoaders => {
    let known = loaders.get(context);
    if (known === undefined) loaders.set(context, (known = new Map<string, AssetLoaders>()));
    let made = known.get(projectId);
    if (made === undefined) known.set(projectId, (made = makeLoaders(service, projectId)));
    return made;
  };

  /** Several mutations in one operation run in turn: the later must not be shown what was read before the earlier. */
  const change = async (
    context: AssetContext,
    wanted: string | null | undefined,
    write: (projectId: string) => Promise<AssetRecord>,
  ) => {
    try {
      return await write(await reached(project, context, wanted));
    } finally {
      loaders.delete(context);
    }
  };

  return {
    Query: {
      assets: async (_, { first, after, project: wanted }, context) => {
        const projectId = await reached(project, context, wanted);
        const page = await service.list(projectId, first, after);
        for (const record of page) load(context, projectId).asset.prime(record.name, record);
        return page;
      },
      assetsConnection: async (_, { first, after, project: wanted }, context) => {
        const projectId = await reached(project, context, wanted);
        const page = await service.page(projectId, first ?? 50, after == null ? null : decodeAssetCursor(after));
        for (const record of page.nodes) load(context, projectId).asset.prime(record.name, record);
        return page;
      },
      asset: async (_, { name, project: wanted }, context) =>
        load(context, await reached(project, context, wanted)).asset.load(checkName(name, ['name'])),
    },
    Mutation: {
      registerAsset: (_, { input }, context) => change(context, input.project, (id) => service.register(id, input)),
      recordLoad: (_, { input }, context) => change(context, input.project, (id) => service.recordLoad(id, input)),
      refreshFreshness: (_, { asset, project: wanted }, context) =>
        change(context, wanted, (id) => service.refreshFreshness(id, asset)),
      refreshSchema: (_, { input }, context) =>
        change(context, input.project, (id) => service.refreshSchema(id, input)),
    },
    Asset: {
      freshness: (asset) => freshnessOf(asset, service.now()),
      schema: ({ schemaVersion, columns, expectedColumns }) => ({
        version: schemaVersion,
        columns,
        registeredColumns: expectedColumns,
      }),
      upstream: ({ upstream, projectId }) => upstream.map((name) => ({ name, projectId })),
      downstream: ({ name, projectId }, _, context) => load(context, projectId).downstream.load(name),
      alerts: ({ name, projectId }, _, context) => load(context, projectId).alerts.load(name),
    },
    AssetConnection: connectionOf<AssetRecord>(encodeAssetCursor),
    AssetRef: { asset: ({ name, projectId }, _, context) => load(context, projectId).asset.load(name) },
  };
}
