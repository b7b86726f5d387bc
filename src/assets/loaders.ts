import DataLoader from 'dataloader';
import type { AlertRecord, AssetColumns, AssetSummary } from '../store/records.js';
import { COLUMNS_AT_ONCE, type ColumnReader } from './columnReader.js';
import { LIST_MAX } from './input.js';
import type { AssetService } from './service.js';

/**
 * One request's reads, gathered: the lineage of a whole list costs one read a level. Each loader answers for one
 * workspace and one request, so that nothing read for one caller is ever shown to another.
 */
export interface AssetLoaders {
  /** By name; null where it is not registered. */
  readonly asset: DataLoader<string, AssetSummary | null>;
  /** By name; null where it is not registered. */
  readonly columns: DataLoader<string, AssetColumns | null>;
  /** Assets made from the one named, by name, at most 100. */
  readonly downstream: DataLoader<string, readonly AssetSummary[]>;
  /** Open alerts of the asset named, oldest first. */
  readonly alerts: DataLoader<string, readonly AlertRecord[]>;
}

/** Rows that the one read for the downstream of a whole level may answer with. */
const DOWNSTREAM_ROWS = 2000;

export function makeLoaders(service: AssetService, projectId: string, reader: ColumnReader): AssetLoaders {
  const asset = new DataLoader<string, AssetSummary | null>(async (names) => {
    const found = new Map((await service.findMany(projectId, names)).map((record) => [record.name, record]));
    return names.map((name) => found.get(name) ?? null);
  });
  const columns = new DataLoader<string, AssetColumns | null>(
    async (names) => {
      const found = new Map((await reader.read(projectId, names)).map((each) => [each.name, each]));
      return names.map((name) => found.get(name) ?? null);
    },
    { maxBatchSize: COLUMNS_AT_ONCE },
  );
  const downstream = new DataLoader<string, readonly AssetSummary[]>(async (names) => {
    const lists = await downstreamOf(service, projectId, names);
    for (const list of lists) for (const record of list) asset.prime(record.name, record);
    return lists;
  });
  const alerts = new DataLoader<string, readonly AlertRecord[]>(async (names) => {
    return grouped(names, await service.openAlerts(projectId, names), (alert) => [alert.asset]);
  });
  return { asset, columns, downstream, alerts };
}

async function downstreamOf(
  service: AssetService,
  projectId: string,
  names: readonly string[],
): Promise<(readonly AssetSummary[])[]> {
  const found = await service.findDownstream(projectId, names, DOWNSTREAM_ROWS);
  if (found.length < DOWNSTREAM_ROWS) {
    return grouped(names, found, ({ upstream }) => upstream).map((list) => list.slice(0, LIST_MAX));
  }
  // Cut off: one asset with thousands downstream may have crowded out those of the others. Each is asked for by itself.
  return Promise.all(names.map((name) => service.findDownstream(projectId, [name], LIST_MAX)));
}

/** The rows of each name, in the order of the rows, in time linear in all of them. */
function grouped<Row>(
  names: readonly string[],
  rows: readonly Row[],
  namesOf: (row: Row) => readonly string[],
): Row[][] {
  const lists = new Map(names.map((name): [string, Row[]] => [name, []]));
  for (const row of rows) for (const name of namesOf(row)) lists.get(name)?.push(row);
  return names.map((name) => lists.get(name) ?? []);
}
