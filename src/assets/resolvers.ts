import type { AlertRecord, AssetRecord, Column } from '../store/records.js';
import { EntryBudget } from './budget.js';
import { freshnessOf, type Freshness } from './freshness.js';
import { checkName } from './input.js';
import { makeLoaders, type AssetLoaders } from './loaders.js';
import type { AssetService, RecordLoadInput, RefreshSchemaInput, RegisterAssetInput } from './service.js';

/** What the resolvers need of the request: whose assets are meant. Null, where nobody is known, is refused. */
export interface AssetContext {
  readonly principal: { readonly workspaceId: string | null };
}

/** A name in the lineage. It need not be registered. */
interface AssetRef {
  readonly name: string;
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
    readonly assets: Resolver<unknown, { first?: number | null; after?: string | null }, readonly AssetRecord[]>;
    readonly asset: Resolver<unknown, { name: string }, AssetRecord | null>;
  };
  readonly Mutation: {
    readonly registerAsset: Resolver<unknown, { input: RegisterAssetInput }, AssetRecord>;
    readonly recordLoad: Resolver<unknown, { input: RecordLoadInput }, AssetRecord>;
    readonly refreshFreshness: Resolver<unknown, { asset: string }, AssetRecord>;
    readonly refreshSchema: Resolver<unknown, { input: RefreshSchemaInput }, AssetRecord>;
  };
  readonly Asset: {
    readonly freshness: Resolver<AssetRecord, unknown, Freshness>;
    readonly schema: Resolver<AssetRecord, unknown, AssetSchema>;
    readonly upstream: Resolver<AssetRecord, unknown, readonly AssetRef[]>;
    readonly downstream: Resolver<AssetRecord, unknown, readonly AssetRecord[]>;
    readonly alerts: Resolver<AssetRecord, unknown, readonly AlertRecord[]>;
  };
  readonly AssetSchema: {
    readonly columns: Resolver<AssetSchema, unknown, readonly Column[]>;
    readonly registeredColumns: Resolver<AssetSchema, unknown, readonly Column[]>;
  };
  readonly AssetRef: { readonly asset: Resolver<AssetRef, unknown, AssetRecord | null> };
}

export function assetResolvers(service: AssetService): AssetResolvers {
  // By the context object, which lives as long as its request does.
  const loaders = new WeakMap<AssetContext, AssetLoaders>();

  const load = (context: AssetContext): AssetLoaders => {
    const known = loaders.get(context);
    if (known !== undefined) return known;
    const made = makeLoaders(service, workspaceOf(context));
    loaders.set(context, made);
    return made;
  };

  const budgets = new WeakMap<AssetContext, EntryBudget>();

  const spend = <T extends readonly unknown[]>(context: AssetContext, list: T): T => {
    let budget = budgets.get(context);
    if (budget === undefined) budgets.set(context, (budget = new EntryBudget()));
    return budget.spend(list);
  };

  /** Several mutations in one operation run in turn: the later must not be shown what was read before the earlier. */
  const change = async (context: AssetContext, write: (workspaceId: string) => Promise<AssetRecord>) => {
    try {
      return await write(workspaceOf(context));
    } finally {
      loaders.delete(context);
    }
  };

  return {
    Query: {
      assets: async (_, { first, after }, context) => {
        const page = await service.list(workspaceOf(context), first, after);
        for (const record of page) load(context).asset.prime(record.name, record);
        return page;
      },
      asset: (_, { name }, context) => load(context).asset.load(checkName(name, ['name'])),
    },
    Mutation: {
      registerAsset: (_, { input }, context) => change(context, (id) => service.register(id, input)),
      recordLoad: (_, { input }, context) => change(context, (id) => service.recordLoad(id, input)),
      refreshFreshness: (_, { asset }, context) => change(context, (id) => service.refreshFreshness(id, asset)),
      refreshSchema: (_, { input }, context) => change(context, (id) => service.refreshSchema(id, input)),
    },
    Asset: {
      freshness: (asset) => freshnessOf(asset, service.now()),
      schema: ({ schemaVersion, columns, expectedColumns }) => ({
        version: schemaVersion,
        columns,
        registeredColumns: expectedColumns,
      }),
      upstream: ({ upstream }, _, context) => spend(context, upstream).map((name) => ({ name })),
      downstream: async ({ name }, _, context) => spend(context, await load(context).downstream.load(name)),
      alerts: async ({ name }, _, context) => spend(context, await load(context).alerts.load(name)),
    },
    AssetSchema: {
      columns: ({ columns }, _, context) => spend(context, columns),
      registeredColumns: ({ registeredColumns }, _, context) => spend(context, registeredColumns),
    },
    AssetRef: { asset: ({ name }, _, context) => load(context).asset.load(name) },
  };
}

/** The guard lets nobody unknown come this far; should it be left out, nothing may be answered in no one's name. */
function workspaceOf({ principal }: AssetContext): string {
  if (principal.workspaceId === null)
    throw new Error('Assets were asked for without a workspace: the guard is missing.');
  return principal.workspaceId;
}
