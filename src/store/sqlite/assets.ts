import { ALERT_FIELDS, ASSET_FIELDS, ASSET_SUMMARY_FIELDS, pick } from '../fields.js';
import type { AlertRecord, AssetRecord, AssetSummary, Column } from '../records.js';
import type { AssetStore } from '../store.js';
import type { Connection, Params } from './connection.js';

interface AssetRow extends Omit<AssetRecord, 'upstream' | 'expectedColumns' | 'columns'> {
  readonly upstream: string;
  readonly expectedColumns: string;
  readonly columns: string;
}

type SummaryRow = Omit<AssetRow, 'expectedColumns' | 'columns'>;

const COLUMNS = ASSET_FIELDS.join(', ');

const SUMMARY = ASSET_SUMMARY_FIELDS.join(', ');

const ALERT_COLUMNS = ALERT_FIELDS.join(', ');

/** A list given as one parameter, JSON text: a statement prepared once takes lists of any length. */
const IN_NAMES = 'IN (SELECT value FROM json_each($names))';

export function openAssets(connection: Connection): AssetStore {
  // The version never goes back where columns come late: saveColumns relies on it to tell that nobody was quicker.
  const register = connection.prepare<AssetRow>(
    `INSERT INTO assets (${COLUMNS}) VALUES (${ASSET_FIELDS.map((field) => `$${field}`).join(', ')})
     ON CONFLICT (projectId, name) DO UPDATE SET
       description = excluded.description, owner = excluded.owner, allowedAge = excluded.allowedAge,
       upstream = excluded.upstream, expectedColumns = excluded.expectedColumns,
       columns = iif(columns = '[]', excluded.columns, columns),
       schemaVersion = iif(columns = '[]', max(schemaVersion, excluded.schemaVersion), schemaVersion)
     RETURNING ${COLUMNS}`,
  );
  const unlink = connection.prepare('DELETE FROM downstream WHERE projectId = $projectId AND name = $name');
  const link = connection.prepare(
    `INSERT INTO downstream (projectId, upstream, name)
     SELECT $projectId, value, $name FROM json_each($upstream)`,
  );
  const findOne = connection.prepare<AssetRow>(
    `SELECT ${COLUMNS} FROM assets WHERE projectId = $projectId AND name = $name`,
  );
  const findSummary = connection.prepare<SummaryRow>(
    `SELECT ${SUMMARY} FROM assets WHERE projectId = $projectId AND name = $name`,
  );
  const findMany = connection.prepare<SummaryRow>(
    `SELECT ${SUMMARY} FROM assets WHERE projectId = $projectId AND name ${IN_NAMES}`,
  );
  const columnsOf = connection.prepare<Pick<AssetRow, 'name' | 'expectedColumns' | 'columns'>>(
    `SELECT name, expectedColumns, columns FROM assets WHERE projectId = $projectId AND name ${IN_NAMES}`,
  );
  const list = connection.prepare<SummaryRow>(
    `SELECT ${SUMMARY} FROM assets WHERE projectId = $projectId AND name > $after ORDER BY name LIMIT $first`,
  );
  const findDownstream = connection.prepare<SummaryRow>(
    `SELECT ${SUMMARY} FROM assets WHERE projectId = $projectId AND name IN (
       SELECT name FROM downstream WHERE projectId = $projectId AND upstream ${IN_NAMES}
     ) ORDER BY name LIMIT $first`,
  );
  const recordLoad = connection.prepare(
    `UPDATE assets SET lastLoadAt = $at, lastLoadRows = $rows
     WHERE projectId = $projectId AND name = $name AND (lastLoadAt IS NULL OR lastLoadAt < $at)`,
  );
  const saveColumns = connection.prepare<AssetRow>(
    `UPDATE assets SET columns = $columns, schemaVersion = schemaVersion + 1
     WHERE projectId = $projectId AND name = $name AND schemaVersion = $expectedVersion
     RETURNING ${COLUMNS}`,
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
        const values = params(asset);
        const row = register.returning(values);
        if (row === null) throw new Error('A registration answered no row.');
        unlink.run({ projectId: asset.projectId, name: asset.name });
        link.run({
          projectId: asset.projectId,
          name: asset.name,
          upstream: JSON.stringify([...new Set(asset.upstream)]),
        });
        return toRecord(row);
      });
    },
    async find(projectId, name) {
      return find(projectId, name);
    },
    async findMany(projectId, names) {
      return findMany.all({ projectId, names: JSON.stringify(names) }).map(toSummary);
    },
    async columnsOf(projectId, names) {
      return columnsOf.all({ projectId, names: JSON.stringify(names) }).map((row) => ({ ...row, ...columnsIn(row) }));
    },
    async list(projectId, { first, after }) {
      return list.all({ projectId, first, after: after ?? '' }).map(toSummary);
    },
    async findDownstream(projectId, names, first) {
      return findDownstream.all({ projectId, names: JSON.stringify(names), first }).map(toSummary);
    },
    async recordLoad(projectId, name, at, rows) {
      return connection.transaction(() => {
        recordLoad.run({ projectId, name, at, rows });
        const row = findSummary.one({ projectId, name });
        return row && toSummary(row);
      });
    },
    async saveColumns(projectId, name, expectedVersion, columns) {
      const row = saveColumns.returning({ projectId, name, expectedVersion, columns: JSON.stringify(columns) });
      return row && toRecord(row);
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
    async openAlerts(projectId, assets) {
      const alerts = openAlerts.all({ projectId, names: JSON.stringify(assets) });
      return alerts.sort((a, b) => a.openedAt - b.openedAt || (a.id < b.id ? -1 : 1));
    },
  };
}

function toRecord(row: AssetRow): AssetRecord {
  return { ...row, upstream: JSON.parse(row.upstream) as string[], ...columnsIn(row) };
}

function toSummary(row: SummaryRow): AssetSummary {
  return { ...row, upstream: JSON.parse(row.upstream) as string[] };
}

function columnsIn({ expectedColumns, columns }: Pick<AssetRow, 'expectedColumns' | 'columns'>) {
  return { expectedColumns: JSON.parse(expectedColumns) as Column[], columns: JSON.parse(columns) as Column[] };
}

function params(asset: AssetRecord): Params {
  return {
    ...pick(asset, ASSET_FIELDS),
    upstream: JSON.stringify(asset.upstream),
    expectedColumns: JSON.stringify(asset.expectedColumns),
    columns: JSON.stringify(asset.columns),
  };
}
