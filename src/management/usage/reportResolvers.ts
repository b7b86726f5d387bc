import type { Actor, ActorContext } from '../../core/keys/actor.js';
import type { ReportPeriod } from '../../core/store/usageReport.js';
import { gathering } from '../keys/keyLoaders.js';
import { listing } from '../schema/listing.js';
import { exportedText, type UsageFormat } from './usageExport.js';
import { MAX_ROWS, type UsageGroup, type UsagePage, type UsageReports, type UsageRow } from './usageReports.js';

/** Returns records that the actor can access, by their IDs. */
type FindNamed = (actor: Actor, ids: readonly string[]) => Promise<ReadonlyMap<string, { readonly name: string }>>;

type Gathered = (context: ActorContext, id: string) => Promise<{ readonly name: string } | null>;

interface ReportResolverOptions {
  readonly reports: UsageReports;
  readonly keys: FindNamed;
  readonly projects: FindNamed;
  readonly owners: FindNamed;
}

interface ReportArguments {
  readonly groupBy: UsageGroup;
  readonly by?: ReportPeriod | null;
  readonly from?: number | null;
  readonly to?: number | null;
  readonly first?: number | null;
  readonly after?: string | null;
  readonly workspaceId?: string | null;
}

interface ExportArguments extends ReportArguments {
  readonly format?: UsageFormat | null;
}

/** The number of rows in a page without `first`. */
const USUAL_ROWS = 100;

/** Resolvers of the usage of a workspace. */
export function reportResolvers({ reports, keys, projects, owners }: ReportResolverOptions) {
  const finders: Partial<Record<UsageGroup, FindNamed>> = { KEY: keys, PROJECT: projects, OWNER: owners };
  const named = Object.entries(finders).map(([group, find]) => [
    group,
    gathering<string, { readonly name: string }>(({ principal }, ids) => find(principal, ids)),
  ]);
  const nameOf = Object.fromEntries(named) as Partial<Record<UsageGroup, Gathered>>;

  const nameIn = async (context: ActorContext, { groupBy, value }: UsageRow): Promise<string | null> =>
    (await nameOf[groupBy]?.(context, value))?.name ?? null;

  const list = ({ groupBy, by, from, to, first, after, workspaceId }: ReportArguments, { principal }: ActorContext) =>
    reports.list(principal, {
      ...{ groupBy, by: by ?? 'DAY', from: from ?? null, to: to ?? null },
      ...{ after: after ?? null, first: first ?? USUAL_ROWS, workspaceId: workspaceId ?? null },
    });

  const exported = async (asked: ExportArguments, context: ActorContext) => {
    const { nodes, endCursor, hasNextPage } = await list({ ...asked, first: asked.first ?? MAX_ROWS }, context);
    const names = await Promise.all(nodes.map((row) => nameIn(context, row)));
    const rows = nodes.map((row, i) => ({ ...row, name: names[i] ?? null }));
    return { text: exportedText(rows, asked.format ?? 'CSV', asked.after == null), endCursor, hasNextPage };
  };

  return {
    Query: {
      usage: listing(list, ({ first }: ReportArguments) => rowsOf(first ?? USUAL_ROWS)),
      usageExport: listing(exported, ({ first }: ExportArguments) => rowsOf(first ?? MAX_ROWS)),
    },
    UsageConnection: {
      edges: ({ nodes }: UsagePage) => nodes.map((node) => ({ cursor: node.cursor, node })),
      pageInfo: ({ nodes, endCursor, hasNextPage, hasPreviousPage }: UsagePage) => ({
        ...{ hasNextPage, hasPreviousPage, endCursor },
        startCursor: nodes[0]?.cursor ?? null,
      }),
    },
    UsageRow: {
      name: (row: UsageRow, _: unknown, context: ActorContext) => nameIn(context, row),
    },
  };
}

function rowsOf(first: number): number {
  return Math.min(Math.max(first, 1), MAX_ROWS);
}
