import { randomUUID } from 'node:crypto';
import {
  ALERT_KINDS,
  type AlertKind,
  type AlertRecord,
  type AssetColumns,
  type AssetSummary,
} from '../store/records.js';
import type { AssetStore } from '../store/store.js';
import { changesBetween, inWords as columnsInWords } from './columns.js';
import { freshnessOf, inWords as ageInWords } from './freshness.js';

/** The alerts that ought to be open, each with its message. */
type Wanted = ReadonlyMap<AlertKind, string>;

/** An asset whose columns were read is also judged by them. A load changes no columns, so it reads none. */
export type JudgedAsset = AssetSummary & Partial<AssetColumns>;

const FRESHNESS_KINDS: readonly AlertKind[] = ['STALE'];

const TURNS = 5;

/**
 * What should be open on an asset at `now`. The messages hold nothing that changes while the trouble stays the same:
 * another message is another alert.
 */
export function wantedAlerts(asset: JudgedAsset, now: number): Wanted {
  const wanted = new Map<AlertKind, string>();
  const { status, allowedAge } = freshnessOf(asset, now);
  if (status === 'STALE' && allowedAge !== null) {
    wanted.set('STALE', `The last load is older than ${ageInWords(allowedAge)}, the allowed age.`);
  }
  // A registration without columns promised none.
  const { columns, expectedColumns } = asset;
  const compared = columns !== undefined && expectedColumns !== undefined && expectedColumns.length > 0;
  const changes = compared ? changesBetween(expectedColumns, columns) : null;
  if (changes !== null) {
    wanted.set(
      'SCHEMA_CHANGED',
      `Schema version ${asset.schemaVersion} differs from the registered columns: ${columnsInWords(changes)}.`,
    );
  }
  return wanted;
}

/**
 * Opens and closes alerts until they say what the asset's record says, and answers the record as it is then. Without
 * columns only STALE is settled.
 *
 * Judging and writing are two steps, between which another caller's load or schema may come in; what was written on the
 * older judgement would then stay open on a fresh asset, or closed on a changed one. Hence the second look after each
 * write: whoever changed the record last settles the alerts after that, and whoever acted on an older record sees it.
 *
 * @param read reads the record again, with as much as `asset` has
 * @param onOpened told of each alert that this opened
 */
export async function settleAlerts<Asset extends JudgedAsset>(
  store: AssetStore,
  asset: Asset,
  now: number,
  read: () => Promise<Asset | null>,
  onOpened: (alert: AlertRecord) => void = () => undefined,
): Promise<Asset> {
  let seen = asset;
  for (let turn = 0; turn < TURNS; turn += 1) {
    const wanted = wantedAlerts(seen, now);
    if (!(await apply(store, seen, wanted, now, onOpened))) return seen;
    const again = await read();
    if (again === null || same(wantedAlerts(again, now), wanted)) return again ?? seen;
    seen = again;
  }
  return seen;
}

/** @returns whether anything was written */
async function apply(
  store: AssetStore,
  asset: JudgedAsset,
  wanted: Wanted,
  now: number,
  onOpened: (alert: AlertRecord) => void,
): Promise<boolean> {
  const { projectId, name } = asset;
  const open = await store.openAlerts(projectId, [name]);
  let wrote = false;
  for (const kind of asset.columns === undefined ? FRESHNESS_KINDS : ALERT_KINDS) {
    const message = wanted.get(kind);
    const current = open.find((alert) => alert.kind === kind);
    if (current?.message === message) continue;
    wrote = true;
    if (current !== undefined) await store.closeAlert(projectId, name, kind, now);
    if (message === undefined) continue;
    const id = `alert_${randomUUID()}`;
    const opened = await store.openAlert({ id, projectId, asset: name, kind, message, openedAt: now, closedAt: null });
    // Another caller's may have been open by then.
    if (opened.id === id) onOpened(opened);
  }
  return wrote;
}

function same(a: Wanted, b: Wanted): boolean {
  return a.size === b.size && [...a].every(([kind, message]) => b.get(kind) === message);
}
