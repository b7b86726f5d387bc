import { pick } from '../../../core/store/fields.js';
import { eq, where, type Documents, type Filter } from '../../../core/store/mongo/documents.js';
import { afterFirstWrite, Duplicate } from '../../../core/store/storeErrors.js';
import { ALERT_FIELDS, ASSET_FIELDS, ASSET_SUMMARY_FIELDS, ASSET_TEXT_FIELDS } from '../demoFields.js';
import type { AlertKind, AlertRecord, AssetLinks, AssetRecord, AssetSummary, LoadRecord } from '../demoRecords.js';
import type { AssetStore } from '../demoStore.js';
import type { AlertDocument, AssetDocument } from './demoSchemas.js';

export const ASSET_UNIQUE = { 'projectId,name': 'asset.name' };

/** Maximum number of documents that one query for several assets returns. */
const MOST_DOWNSTREAM = 2_000;

/**
 * Writes of a batch that run concurrently: enough to hide round trips, few enough to leave the store to other requests.
 */
const WRITES_AT_ONCE = 16;

const OPEN_ALERT = 'alert.open';
export const ALERT_UNIQUE = { _id: 'alert.id', 'projectId,asset,kind': OPEN_ALERT };

export function openAssets(assets: Documents<AssetDocument>, alerts: Documents<AlertDocument>): AssetStore {
  const find = async (projectId: string, name: string): Promise<AssetRecord | null> => {
    const document = await assets.findOne(named(projectId, name));
    return document && toRecord(document);
  };
  const findMany = async (projectId: string, names: readonly string[]): Promise<readonly AssetSummary[]> => {
    const documents = await assets.find({ projectId: eq(projectId), name: where({ $in: names }) }, SUMMARY);
    return documents.map(toSummary);
  };
  /** Records a load. Null if there is no such asset, or it was loaded later. */
  const load = (projectId: string, { name, at, rows }: LoadRecord): Promise<AssetDocument | null> =>
    assets.update(
      { ...named(projectId, name), $or: where([{ lastLoadAt: eq(null) }, { lastLoadAt: where({ $lt: at }) }]) },
      { $set: { lastLoadAt: at, lastLoadRows: rows } },
      SUMMARY,
    );
  const downstream = async (projectId: string, names: readonly string[], limit: number) =>
    assets.find(
      { projectId: eq(projectId), upstream: where({ $in: names }) },
      { sort: { name: 1 }, limit, fields: ['name', 'upstream'] },
    );

  const insertAlert = async (alert: AlertRecord): Promise<AlertRecord> => {
    for (;;) {
      try {
        await alerts.insert(asDocument(alert));
        return alert;
      } catch (error) {
        if (!(error instanceof Duplicate && error.what === OPEN_ALERT)) throw error;
      }
      const open = await alerts.findOne(openOn(alert.projectId, alert.asset, alert.kind));
      if (open !== null) return asRecord(open);
      // It was closed in between.
    }
  };
  // If ten requests find the same asset stale, only one insert is sent. Ten inserts would wait for each other at the
  // unique index, and an engine that checks it with locks would resolve the deadlocks one at a time, a second each.
  const opening = new Map<string, Promise<AlertRecord>>();
  const openAlert = (alert: AlertRecord): Promise<AlertRecord> => {
    const key = JSON.stringify([alert.projectId, alert.asset, alert.kind]);
    const opened = opening.get(key) ?? insertAlert(alert).finally(() => opening.delete(key));
    opening.set(key, opened);
    return opened;
  };
  const closeAlert = async (projectId: string, asset: string, kind: AlertKind, at: number) => {
    const document = await alerts.update(openOn(projectId, asset, kind), {
      $set: { closedAt: at },
      $unset: { open: '' },
    });
    return document && asRecord(document);
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
      if (document === null) throw new Error('A registered asset no longer exists.');
      return toRecord(document);
    },
    find,
    findMany,
    async textsOf(projectId, names) {
      const documents = await assets.find(
        { projectId: eq(projectId), name: where({ $in: names }) },
        { fields: ASSET_TEXT_FIELDS },
      );
      return documents.map((document) => pick(document, ASSET_TEXT_FIELDS));
    },
    async columnsOf(projectId, names, kind) {
      const documents = await assets.find(
        { projectId: eq(projectId), name: where({ $in: names }) },
        { fields: ['name', kind] },
      );
      return documents.map((document) => ({ name: document.name, list: document[kind] }));
    },
    async list(projectId, { first, after }) {
      const documents = await assets.find(
        { projectId: eq(projectId), name: where({ $gt: after ?? '' }) },
        { sort: { name: 1 }, limit: first, ...SUMMARY },
      );
      return documents.map(toSummary);
    },
    async findDownstream(projectId, names, first) {
      const found = await downstream(projectId, names, MOST_DOWNSTREAM);
      if (found.length < MOST_DOWNSTREAM) return linksOf(names, found, first);
      // The result was cut off: one asset with thousands downstream may have displaced those of other assets. Queries
      // each asset separately.
      const links: AssetLinks[] = [];
      for (const name of names) links.push(...linksOf([name], await downstream(projectId, [name], first), first));
      return links;
    },
    async recordLoad(projectId, name, at, rows) {
      const document = await load(projectId, { name, at, rows });
      if (document !== null) return toSummary(document);
      const [found] = await assets.find(named(projectId, name), { limit: 1, ...SUMMARY });
      return found === undefined ? null : toSummary(found);
    },
    async recordLoads(projectId, loads) {
      await afterFirstWrite(() => inTurns(loads, (each) => load(projectId, each)));
      return findMany(
        projectId,
        loads.map(({ name }) => name),
      );
    },
    async saveColumns(projectId, name, expectedVersion, columns) {
      const document = await assets.update(
        { ...named(projectId, name), schemaVersion: eq(expectedVersion) },
        { $set: { columns, schemaVersion: expectedVersion + 1 } },
      );
      return document && toRecord(document);
    },
    openAlert,
    closeAlert,
    async changeAlerts(projectId, { open, close }) {
      const opened = await afterFirstWrite(async () => {
        await inTurns(close, ({ asset, kind, at }) => closeAlert(projectId, asset, kind, at));
        return inTurns(open, openAlert);
      });
      return open.filter(({ id }, i) => opened[i]?.id === id).map(({ id }) => id);
    },
    async openAlerts(projectId, names) {
      const documents = await alerts.find({
        projectId: eq(projectId),
        asset: where({ $in: names }),
        open: eq(true),
      });
      // An asset has at most one open alert of each kind, so there are few. No index has this order.
      return documents.map(asRecord).sort(oldestFirst);
    },
  };
}

/**
 * Returns the changes of another registration, as an update by aggregation, because the columns depend on the existing
 * ones. The version never decreases: saveColumns uses it to detect concurrent changes.
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

/**
 * Runs the writes of a batch, some of them concurrently.
 *
 * @returns the results in order
 */
async function inTurns<Item, Result>(
  items: readonly Item[],
  write: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let from = 0; from < items.length; from += WRITES_AT_ONCE)
    results.push(...(await Promise.all(items.slice(from, from + WRITES_AT_ONCE).map(write))));
  return results;
}

/** Groups names by the asset that they are derived from, in the order of the documents. */
function linksOf(
  names: readonly string[],
  documents: readonly Pick<AssetRecord, 'name' | 'upstream'>[],
  first: number,
): AssetLinks[] {
  const links = new Map(names.map((name): [string, string[]] => [name, []]));
  for (const { name, upstream } of documents) {
    for (const source of new Set(upstream)) {
      const found = links.get(source);
      if (found !== undefined && found.length < first) found.push(name);
    }
  }
  return [...links].map(([name, made]) => ({ name, downstream: made }));
}

/** All fields except texts and columns. */
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
