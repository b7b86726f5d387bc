import { ALERT_FIELDS, ASSET_FIELDS, pick } from '../fields.js';
import type { AlertRecord, AssetRecord, Column } from '../records.js';
import type { AssetStore } from '../store.js';
import type { Connection, Params } from './connection.js';

interface AssetRow extends Omit<AssetRecord, 'upstream' | 'expectedColumns' | 'columns'> {
  readonly upstream: string;
  readonly expectedColumns: string;
  readonly columns: string;
}

const COLUMNS = ASSET_FIELDS.join(', ');

const ALERT_COLUMNS = ALERT_FIELDS.join(', ');

/** A list given as one parameter, JSON text: a statement prepared once takes lists of any length. */
const IN_NAMES = 'IN (SELECT value FROM json_each($names))';

export function openAssets(connection: Connection): AssetStore {
  // The version never goes back where columns come late: saveColumns relies on it to tell that nobody was quicker.
  const register = connection.prepare<AssetRow>(
    `INSERT INTO assets (${COLUMNS}) VALUES (${ASSET_FIELDS.map((field) => `$${field}`).join(', ')})
     ON CONFLICT (workspaceId, name) DO UPDATE SET
       description = excluded.description, owner = excluded.owner, allowedAge = excluded.allowedAge,
       upstream = excluded.upstream, expectedColumns = excluded.expectedColumns,
       columns = iif(columns = '[]', excluded.columns, columns),
       schemaVersion = iif(columns = '[]', max(schemaVersion, excluded.schemaVersion), schemaVersion)
     RETURNING ${COLUMNS}`,
  );
  const unlink = connection.prepare('DELETE FROM downstream WHERE workspaceId = $workspaceId AND name = $name');
  const link = connection.prepare(
    `INSERT INTO downstream (workspaceId, upstream, name)
     SELECT DISTINCT $workspaceId, value, $name FROM json_each($upstream)`,
  );
  const findMany = connection.prepare<AssetRow>(
    `SELECT ${COLUMNS} FROM assets WHERE workspaceId = $workspaceId AND name ${IN_NAMES}`,
  );
  const list = connection.prepare<AssetRow>(
    `SELECT ${COLUMNS} FROM assets WHERE workspaceId = $workspaceId AND name > $after ORDER BY name LIMIT $first`,
  );
  const findDownstream = connection.prepare<AssetRow>(
    `SELECT ${COLUMNS} FROM assets WHERE workspaceId = $workspaceId AND name IN (
       SELECT name FROM downstream WHERE workspaceId = $workspaceId AND upstream ${IN_NAMES}
     ) ORDER BY name LIMIT $first`,
  );
  const recordLoad = connection.prepare(
    `UPDATE assets SET lastLoadAt = $at, lastLoadRows = $rows
     WHERE workspaceId = $workspaceId AND name = $name AND (lastLoadAt IS NULL OR lastLoadAt < $at)`,
  );
  const saveColumns = connection.prepare<AssetRow>(
    `UPDATE assets SET columns = $columns, schemaVersion = schemaVersion + 1
     WHERE workspaceId = $workspaceId AND name = $name AND schemaVersion = $expectedVersion
     RETURNING ${COLUMNS}`,
  );
  const openAlert = connection.prepare(
    `INSERT INTO alerts (${ALERT_COLUMNS}) VALUES (${ALERT_FIELDS.map((field) => `$${field}`).join(', ')})
     ON CONFLICT (workspaceId, asset, kind) WHERE closedAt IS NULL DO NOTHING`,
  );
  const findAlert = connection.prepare<AlertRecord>(
    `SELECT ${ALERT_COLUMNS} FROM alerts
     WHERE workspaceId = $workspaceId AND asset = $asset AND kind = $kind AND closedAt IS NULL`,
  );
  const closeAlert = connection.prepare<AlertRecord>(
    `UPDATE alerts SET closedAt = $at
     WHERE workspaceId = $workspaceId AND asset = $asset AND kind = $kind AND closedAt IS NULL
     RETURNING ${ALERT_COLUMNS}`,
  );
  const openAlerts = connection.prepare<AlertRecord>(
    `SELECT ${ALERT_COLUMNS} FROM alerts WHERE workspaceId = $workspaceId AND asset ${IN_NAMES} AND closedAt IS NULL
     ORDER BY openedAt, id`,
  );

  const find = (workspaceId: string, name: string): AssetRecord | null => {
    const row = findMany.one({ workspaceId, names: JSON.stringify([name]) });
    return row && toRecord(row);
  };

  return {
    async register(asset) {
      return connection.transaction(() => {
        const values = params(asset);
        const row = register.returning(values);
        if (row === null) throw new Error('A registration answered no row.');
        unlink.run({ workspaceId: asset.workspaceId, name: asset.name });
        link.run({ workspaceId: asset.workspaceId, name: asset.name, upstream: JSON.stringify(asset.upstream) });
        return toRecord(row);
      });
    },
    async find(workspaceId, name) {
      return find(workspaceId, name);
    },
    async findMany(workspaceId, names) {
      return findMany.all({ workspaceId, names: JSON.stringify(names) }).map(toRecord);
    },
    async list(workspaceId, { first, after }) {
      return list.all({ workspaceId, first, after: after ?? '' }).map(toRecord);
    },
    async findDownstream(workspaceId, names, first) {
      return findDownstream.all({ workspaceId, names: JSON.stringify(names), first }).map(toRecord);
    },
    async recordLoad(workspaceId, name, at, rows) {
      return connection.transaction(() => {
        recordLoad.run({ workspaceId, name, at, rows });
        return find(workspaceId, name);
      });
    },
    async saveColumns(workspaceId, name, expectedVersion, columns) {
      const row = saveColumns.returning({ workspaceId, name, expectedVersion, columns: JSON.stringify(columns) });
      return row && toRecord(row);
    },
    async openAlert(alert) {
      return connection.transaction(() => {
        openAlert.run(pick(alert, ALERT_FIELDS));
        return findAlert.one(pick(alert, ['workspaceId', 'asset', 'kind'])) ?? alert;
      });
    },
    async closeAlert(workspaceId, asset, kind, at) {
      return closeAlert.returning({ workspaceId, asset, kind, at });
    },
    async openAlerts(workspaceId, assets) {
      return openAlerts.all({ workspaceId, names: JSON.stringify(assets) });
    },
  };
}

function toRecord(row: AssetRow): AssetRecord {
  return {
    ...row,
    upstream: JSON.parse(row.upstream) as string[],
    expectedColumns: JSON.parse(row.expectedColumns) as Column[],
    columns: JSON.parse(row.columns) as Column[],
  };
}

function params(asset: AssetRecord): Params {
  return {
    ...pick(asset, ASSET_FIELDS),
    upstream: JSON.stringify(asset.upstream),
    expectedColumns: JSON.stringify(asset.expectedColumns),
    columns: JSON.stringify(asset.columns),
  };
}
