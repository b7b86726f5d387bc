import { pick } from '../../../core/store/fields.js';
import type { Connection } from '../../../core/store/sqlite/connection.js';
import { ALERT_FIELDS, ASSET_FIELDS, ASSET_SUMMARY_FIELDS } from '../demoFields.js';
import type { AlertRecord, AssetRecord, AssetSummary, Column, ColumnKind } from '../demoRecords.js';
import type { AssetStore } from '../demoStore.js';

/**
 * Texts and columns are in a separate table: SQLite reads a row from its start and writes it completely, so that a list
 * or a load would otherwise read or write the columns of its assets.
 */
const TEXT_FIELDS = ['description', 'upstream', 'expectedColumns', 'columns'] as const;

/** A row of the second table, with JSON for lists. */
interface TextRow {
  readonly name: string;
  readonly description: string | null;
  readonly upstream: string;
  readonly expectedColumns: string;
  readonly columns: string;
}

type AssetRow = AssetSummary & TextRow;

const SUMMARY = ASSET_SUMMARY_FIELDS.join(', ');

const ALERT_COLUMNS = ALERT_FIELDS.join(', ');

/** A list passed as one JSON parameter, so that one prepared statement works for lists of any length. */
const IN_NAMES = 'IN (SELECT value FROM json_each($names))';

export function openAssets(connection: Connection): AssetStore {
  const lacksColumns = connection.prepare<{ readonly lacks: number }>(
    `SELECT columns = '[]' AS lacks FROM assetTexts WHERE projectId = $projectId AND name = $name`,
  );
  // The version never decreases if columns are added later: saveColumns uses it to detect concurrent changes.
  const register = connection.prepare(
    `INSERT INTO assets (${SUMMARY}) VALUES (${placeholders(ASSET_SUMMARY_FIELDS)})
     ON CONFLICT (projectId, name) DO UPDATE SET
       owner = excluded.owner, allowedAge = excluded.allowedAge,
       schemaVersion = iif($isLate, max(schemaVersion, excluded.schemaVersion), schemaVersion)`,
  );
  const registerTexts = connection.prepare(
    `INSERT INTO assetTexts (projectId, name, ${TEXT_FIELDS.join(', ')})
     VALUES ($projectId, $name, ${placeholders(TEXT_FIELDS)})
     ON CONFLICT (projectId, name) DO UPDATE SET
       description = excluded.description, upstream = excluded.upstream, expectedColumns = excluded.expectedColumns,
       columns = iif($isLate, excluded.columns, columns)`,
  );
  const unlink = connection.prepare('DELETE FROM downstream WHERE projectId = $projectId AND name = $name');
  const link = connection.prepare(
    `INSERT INTO downstream (projectId, upstream, name)
     SELECT $projectId, value, $name FROM json_each($upstream)`,
  );
  const findOne = connection.prepare<AssetRow>(
    `SELECT ${SUMMARY}, ${TEXT_FIELDS.join(', ')} FROM assets JOIN assetTexts USING (projectId, name)
     WHERE projectId = $projectId AND name = $name`,
  );
  const findSummary = connection.prepare<AssetSummary>(
    `SELECT ${SUMMARY} FROM assets WHERE projectId = $projectId AND name = $name`,
  );
  const findMany = connection.prepare<AssetSummary>(
    `SELECT ${SUMMARY} FROM assets WHERE projectId = $projectId AND name ${IN_NAMES}`,
  );
  const textsOf = connection.prepare<Pick<TextRow, 'name' | 'description' | 'upstream'>>(
    `SELECT name, description, upstream FROM assetTexts WHERE projectId = $projectId AND name ${IN_NAMES}`,
  );
  const listsOf = (kind: ColumnKind) =>
    connection.prepare<{ readonly name: string; readonly list: string }>(
      `SELECT name, ${kind} AS list FROM assetTexts WHERE projectId = $projectId AND name ${IN_NAMES}`,
    );
  const columnsOf = { columns: listsOf('columns'), expectedColumns: listsOf('expectedColumns') };
  const list = connection.prepare<AssetSummary>(
    `SELECT ${SUMMARY} FROM assets WHERE projectId = $projectId AND name > $after ORDER BY name LIMIT $first`,
  );
  const findDownstream = connection.prepare<{ readonly name: string; readonly downstream: string }>(
    `SELECT value AS name, (SELECT json_group_array(name) FROM (
       SELECT name FROM downstream WHERE projectId = $projectId AND upstream = value ORDER BY name LIMIT $first
     )) AS downstream FROM json_each($names)`,
  );
  const recordLoad = connection.prepare(
    `UPDATE assets SET lastLoadAt = $at, lastLoadRows = $rows
     WHERE projectId = $projectId AND name = $name AND (lastLoadAt IS NULL OR lastLoadAt < $at)`,
  );
  const raiseVersion = connection.prepare(
    `UPDATE assets SET schemaVersion = schemaVersion + 1
     WHERE projectId = $projectId AND name = $name AND schemaVersion = $expectedVersion`,
  );
  const saveColumns = connection.prepare(
    'UPDATE assetTexts SET columns = $columns WHERE projectId = $projectId AND name = $name',
  );
  const openAlert = connection.prepare(
    `INSERT INTO alerts (${ALERT_COLUMNS}) VALUES (${ALERT_FIELDS.map((field) => `$${field}`).join(', ')})
     ON CONFLICT (projectId, asset, kind) WHERE closedAt IS NULL DO NOTHING`,
  );
  const findAlert = connection.prepare<AlertRecord>(
    `SELECT ${ALERT_COLUMNS} FROM alerts
     WHERE projectId = $projectId AND asset = $asset AND kind = $kind AND closedAt IS NULL`,
  );
  const closeAlert = connection.prepare<AlertRecord>(
    `UPDATE alerts SET closedAt = $at
     WHERE projectId = $projectId AND asset = $asset AND kind = $kind AND closedAt IS NULL
     RETURNING ${ALERT_COLUMNS}`,
  );
  const openAlerts = connection.prepare<AlertRecord>(
    `SELECT ${ALERT_COLUMNS} FROM alerts WHERE projectId = $projectId AND asset ${IN_NAMES} AND closedAt IS NULL`,
  );

  const find = (projectId: string, name: string): AssetRecord | null => {
    const row = findOne.one({ projectId, name });
    return row && toRecord(row);
  };

  return {
    async register(asset) {
      return connection.transaction(() => {
        const { projectId, name } = asset;
        const isLate = lacksColumns.one({ projectId, name })?.lacks ?? 1;
        register.run({ ...pick(asset, ASSET_SUMMARY_FIELDS), isLate });
        registerTexts.run({ ...textRow(asset), projectId, isLate });
        unlink.run({ projectId, name });
        link.run({ projectId, name, upstream: JSON.stringify([...new Set(asset.upstream)]) });
        const record = find(projectId, name);
        if (record === null) throw new Error('A registered asset no longer exists.');
        return record;
      });
    },
    async find(projectId, name) {
      return find(projectId, name);
    },
    async findMany(projectId, names) {
      return findMany.all({ projectId, names: JSON.stringify(names) });
    },
    async textsOf(projectId, names) {
      return textsOf.all({ projectId, names: JSON.stringify(names) }).map((row) => ({ ...row, ...upstreamIn(row) }));
    },
    async columnsOf(projectId, names, kind) {
      return columnsOf[kind]
        .all({ projectId, names: JSON.stringify(names) })
        .map(({ name, list }) => ({ name, list: JSON.parse(list) as Column[] }));
    },
    async list(projectId, { first, after }) {
      return list.all({ projectId, first, after: after ?? '' });
    },
    async findDownstream(projectId, names, first) {
      return findDownstream
        .all({ projectId, names: JSON.stringify(names), first })
        .map(({ name, downstream }) => ({ name, downstream: JSON.parse(downstream) as string[] }));
    },
    async recordLoad(projectId, name, at, rows) {
      return connection.transaction(() => {
        recordLoad.run({ projectId, name, at, rows });
        return findSummary.one({ projectId, name });
      });
    },
    async recordLoads(projectId, loads) {
      return connection.transaction(() => {
        for (const load of loads) recordLoad.run({ projectId, ...pick(load, ['name', 'at', 'rows']) });
        return findMany.all({ projectId, names: JSON.stringify(loads.map(({ name }) => name)) });
      });
    },
    async saveColumns(projectId, name, expectedVersion, columns) {
      return connection.transaction(() => {
        if (raiseVersion.run({ projectId, name, expectedVersion }) === 0) return null;
        saveColumns.run({ projectId, name, columns: JSON.stringify(columns) });
        return find(projectId, name);
      });
    },
    async openAlert(alert) {
      return connection.transaction(() => {
        openAlert.run(pick(alert, ALERT_FIELDS));
        return findAlert.one(pick(alert, ['projectId', 'asset', 'kind'])) ?? alert;
      });
    },
    async closeAlert(projectId, asset, kind, at) {
      return closeAlert.returning({ projectId, asset, kind, at });
    },
    async changeAlerts(projectId, { open, close }) {
      return connection.transaction(() => {
        for (const each of close) closeAlert.returning({ projectId, ...pick(each, ['asset', 'kind', 'at']) });
        return open.filter((alert) => openAlert.run(pick(alert, ALERT_FIELDS)) > 0).map(({ id }) => id);
      });
    },
    async openAlerts(projectId, assets) {
      const alerts = openAlerts.all({ projectId, names: JSON.stringify(assets) });
      return alerts.sort((a, b) => a.openedAt - b.openedAt || (a.id < b.id ? -1 : 1));
    },
  };
}

function toRecord(row: AssetRow): AssetRecord {
  // In the order of the record's fields, which are in two tables.
  return pick({ ...row, ...upstreamIn(row), ...columnsIn(row) }, ASSET_FIELDS);
}

function upstreamIn({ upstream }: Pick<TextRow, 'upstream'>) {
  return { upstream: JSON.parse(upstream) as string[] };
}

function columnsIn({ expectedColumns, columns }: Pick<TextRow, 'expectedColumns' | 'columns'>) {
  return { expectedColumns: JSON.parse(expectedColumns) as Column[], columns: JSON.parse(columns) as Column[] };
}

function textRow({ name, description, upstream, expectedColumns, columns }: AssetRecord) {
  return {
    name,
    description,
    upstream: JSON.stringify(upstream),
    expectedColumns: JSON.stringify(expectedColumns),
    columns: JSON.stringify(columns),
  } satisfies TextRow;
}

function placeholders(fields: readonly string[]): string {
  return fields.map((field) => `$${field}`).join(', ');
}
