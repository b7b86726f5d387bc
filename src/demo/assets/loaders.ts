import type { AlertRecord, AssetColumnList, AssetSummary, AssetTexts, ColumnKind } from '../store/demoRecords.js';
import { COLUMNS_AT_ONCE, TEXTS_AT_ONCE, type ColumnReader } from './columnReader.js';
import { LIST_MAX } from './input.js';
import { Remembered } from '../../core/util/remembered.js';
import type { AssetService } from './service.js';

/**
 * Batches the reads of one request, so that the lineage of a whole list costs two reads for each level. Each loader
 * belongs to one workspace and one request, so that data of one caller is never returned to another.
 */
export interface AssetLoaders {
  /** By name; null if it is not registered. */
  readonly asset: Remembered<AssetSummary | null>;
  /** By name; null if it is not registered. */
  readonly texts: Remembered<AssetTexts | null>;
  /** By name; null if it is not registered. */
  readonly columns: Remembered<AssetColumnList | null>;
  /** By name; null if it is not registered. */
  readonly expectedColumns: Remembered<AssetColumnList | null>;
  /** Assets made from this asset, by name, at most 100. */
  readonly downstream: Remembered<readonly AssetSummary[]>;
  /** Open alerts of the asset with this name, oldest first. */
  readonly alerts: Remembered<readonly AlertRecord[]>;
}

export function makeLoaders(service: AssetService, projectId: string, reader: ColumnReader): AssetLoaders {
  const asset = new Remembered<AssetSummary | null>(async (names) =>
    inOrder(names, await service.findMany(projectId, names)),
  );
  const texts = new Remembered<AssetTexts | null>(
    async (names) => inOrder(names, await reader.texts(projectId, names)),
    { maxBatchSize: TEXTS_AT_ONCE },
  );
  const columnsOf = (kind: ColumnKind) =>
    new Remembered<AssetColumnList | null>(
      async (names) => inOrder(names, await reader.columns(projectId, names, kind)),
      { maxBatchSize: COLUMNS_AT_ONCE },
    );
  const downstream = new Remembered<readonly AssetSummary[]>(async (names) => {
    const links = await service.findDownstream(projectId, names, LIST_MAX);
    const made = new Set(links.flatMap((each) => each.downstream));
    const found = new Map<string, AssetSummary>();
    // Assets that no longer exist are left out.
    for (const each of await Promise.all([...made].map(async (name) => asset.load(name))))
      if (each !== null) found.set(each.name, each);
    const lists = new Map(links.map((each) => [each.name, each.downstream.flatMap((name) => found.get(name) ?? [])]));
    return names.map((name) => lists.get(name) ?? []);
  });
  const alerts = new Remembered<readonly AlertRecord[]>(async (names) => {
    return grouped(names, await service.openAlerts(projectId, names), (alert) => alert.asset);
  });
  return {
    asset,
    texts,
    columns: columnsOf('columns'),
    expectedColumns: columnsOf('expectedColumns'),
    downstream,
    alerts,
  };
}

function inOrder<Row extends { readonly name: string }>(
  names: readonly string[],
  rows: readonly Row[],
): (Row | null)[] {
  const found = new Map(rows.map((row) => [row.name, row]));
  return names.map((name) => found.get(name) ?? null);
}

/** Returns the rows of each name, in their order. The time is linear in the number of rows. */
function grouped<Row>(names: readonly string[], rows: readonly Row[], nameOf: (row: Row) => string): Row[][] {
  const lists = new Map(names.map((name): [string, Row[]] => [name, []]));
  for (const row of rows) lists.get(nameOf(row))?.push(row);
  return names.map((name) => lists.get(name) ?? []);
}
