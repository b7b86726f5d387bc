import { Duplicate } from '../errors.js';
import { ALERT_FIELDS, ASSET_FIELDS, ASSET_SUMMARY_FIELDS, pick } from '../fields.js';
import type { AlertRecord, AssetRecord, AssetSummary } from '../records.js';
import type { AssetStore } from '../store.js';
import { eq, where, type Documents, type Filter } from './documents.js';
import type { AlertDocument, AssetDocument } from './schemas.js';

export const ASSET_UNIQUE = { 'projectId,name': 'asset.name' };

const OPEN_ALERT = 'alert.open';
export const ALERT_UNIQUE = { _id: 'alert.id', 'projectId,asset,kind': OPEN_ALERT };

export function openAssets(assets: Documents<AssetDocument>, alerts: Documents<AlertDocument>): AssetStore {
  const find = async (projectId: string, name: string): Promise<AssetRecord | null> => {
    const document = await assets.findOne(named(projectId, name));
    return document && toRecord(document);
  };

  return {
    async register(asset) {
      try {
        await assets.insert(toRecord(asset));
        return toRecord(asset);
      } catch (error) {
        if (!(error instanceof Duplicate)) throw error;
      }
      const document = await assets.update(named(asset.projectId, asset.name), [{ $set: registration(asset) }]);
      if (document === null) throw new Error('A registered asset is gone.');
      return toRecord(document);
    },
    find,
    async findMany(projectId, names) {
      const documents = await assets.find({ projectId: eq(projectId), name: where({ $in: names }) }, SUMMARY);
      return documents.map(toSummary);
    },
    async columnsOf(projectId, names) {
      const documents = await assets.find(
        { projectId: eq(projectId), name: where({ $in: names }) },
        { fields: ['name', 'expectedColumns', 'columns'] },
      );
      return documents.map((document) => pick(document, ['name', 'expectedColumns', 'columns']));
    },
    async list(projectId, { first, after }) {
      const documents = await assets.find(
        { projectId: eq(projectId), name: where({ $gt: after ?? '' }) },
        { sort: { name: 1 }, limit: first, ...SUMMARY },
      );
      return documents.map(toSummary);
    },
    async findDownstream(projectId, names, first) {
      const documents = await assets.find(
        { projectId: eq(projectId), upstream: where({ $in: names }) },
        { sort: { name: 1 }, limit: first, ...SUMMARY },
      );
      return documents.map(toSummary);
    },
    async recordLoad(projectId, name, at, rows) {
      const document = await assets.update(
        {
          ...named(projectId, name),
          $or: where([{ lastLoadAt: eq(null) }, { lastLoadAt: where({ $lt: at }) }]),
        },
        { $set: { lastLoadAt: at, lastLoadRows: rows } },
        SUMMARY,
      );
      if (document !== null) return toSummary(document);
      const [found] = await assets.find(named(projectId, name), { limit: 1, ...SUMMARY });
      return found === undefined ? null : toSummary(found);
    },
    async saveColumns(projectId, name, expectedVersion, columns) {
      const document = await assets.update(
        { ...named(projectId, name), schemaVersion: eq(expectedVersion) },
        { $set: { columns, schemaVersion: expectedVersion + 1 } },
      );
      return document && toRecord(document);
    },
    async openAlert(alert) {
      for (;;) {
        try {
          await alerts.insert(asDocument(alert));
          return alert;
        } catch (error) {
          if (!(error instanceof Duplicate && error.what === OPEN_ALERT)) throw error;
        }
        const open = await alerts.findOne(openOn(alert.projectId, alert.asset, alert.kind));
        if (open !== null) return asRecord(open);
        // Closed between the two.
      }
    },
    async closeAlert(projectId, asset, kind, at) {
      const document = await alerts.update(openOn(projectId, asset, kind), {
        $set: { closedAt: at },
        $unset: { open: '' },
      });
      return document && asRecord(document);
    },
    async openAlerts(projectId, names) {
      const documents = await alerts.find({
        projectId: eq(projectId),
        asset: where({ $in: names }),
        open: eq(true),
      });
      // An asset has at most one open alert of each kind, so these are few, and no index has them in this order.
      return documents.map(asRecord).sort(oldestFirst);
    },
  };
}

/**
 * What a further registration changes, as an update by aggregation, for the columns depend on those that are there. The
 * version never goes back: saveColumns relies on it to tell that nobody was quicker.
 */
function registration(asset: AssetRecord) {
  const late = { $eq: [{ $size: '$columns' }, 0] };
  return {
    description: { $literal: asset.description },
    owner: { $literal: asset.owner },
    allowedAge: { $literal: asset.allowedAge },
    upstream: { $literal: asset.upstream },
    expectedColumns: { $literal: asset.expectedColumns },
    columns: { $cond: [late, { $literal: asset.columns }, '$columns'] },
    schemaVersion: { $cond: [late, { $max: ['$schemaVersion', { $literal: asset.schemaVersion }] }, '$schemaVersion'] },
  };
}

function named(projectId: string, name: string): Filter {
  return { projectId: eq(projectId), name: eq(name) };
}

function openOn(projectId: string, asset: string, kind: string): Filter {
  return { projectId: eq(projectId), asset: eq(asset), kind: eq(kind), open: eq(true) };
}

/** All fields but the columns. */
const SUMMARY = { fields: ASSET_SUMMARY_FIELDS };

function toSummary(document: AssetDocument): AssetSummary {
  return pick(document, ASSET_SUMMARY_FIELDS);
}

function toRecord(document: AssetDocument): AssetRecord {
  return pick(document, ASSET_FIELDS);
}

function oldestFirst(a: AlertRecord, b: AlertRecord): number {
  return a.openedAt - b.openedAt || (a.id < b.id ? -1 : 1);
}

function asDocument(alert: AlertRecord): AlertDocument {
  const { id, ...fields } = pick(alert, ALERT_FIELDS);
  return { _id: id, ...fields, ...(alert.closedAt === null && { open: true }) };
}

function asRecord(document: AlertDocument): AlertRecord {
  return pick({ ...document, id: document._id }, ALERT_FIELDS);
}
