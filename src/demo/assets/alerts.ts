import { randomUUID } from 'node:crypto';
import {
  ALERT_KINDS,
  type AlertChanges,
  type AlertKind,
  type AlertRecord,
  type AssetColumns,
  type AssetSummary,
} from '../store/demoRecords.js';
import type { AssetStore } from '../store/demoStore.js';
import { changesBetween, inWords as columnsInWords } from './columns.js';
import { freshnessOf, inWords as ageInWords } from './freshness.js';

/** The alerts that should be open, each with its message. */
type Wanted = ReadonlyMap<AlertKind, string>;

/**
 * If the columns of an asset were read, they are checked too. A load doesn't change columns, so it doesn't read them.
 */
export type JudgedAsset = AssetSummary & Partial<AssetColumns>;

const FRESHNESS_KINDS: readonly AlertKind[] = ['STALE'];

const TURNS = 5;

/**
 * Returns the alerts that should be open on an asset at `now`. A message must not change while the problem is the same, because a
 * different message is a different alert.
 */
function wantedAlerts(asset: JudgedAsset, now: number): Wanted {
  const wanted = new Map<AlertKind, string>();
  const { status, allowedAge } = freshnessOf(asset, now);
  if (status === 'STALE' && allowedAge !== null) {
    wanted.set('STALE', `The last load is older than ${ageInWords(allowedAge)}, the allowed age.`);
  }
  // Without registered columns, there is nothing to compare.
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

interface SettleOptions<Read> {
  readonly now: number;
  /** Reads the records again, with the same parts. */
  readonly read: Read;
  /** Called with each alert that this opened. */
  readonly onOpened?: (alert: AlertRecord) => void;
}

/**
 * Opens and closes alerts until they match the asset's record, and returns the record at that time. Without
 * columns, only STALE is updated.
 *
 * Another caller can change the load or the schema between the check and the write. An alert would then stay open on a
 * fresh asset, or closed on a changed one. So the record is read again after each write: the caller that changed the record
 * last updates the alerts, and a caller that used an older record notices the change.
 */
export async function settleAlerts<Asset extends JudgedAsset>(
  store: AssetStore,
  asset: Asset,
  { now, read, onOpened = () => undefined }: SettleOptions<() => Promise<Asset | null>>,
): Promise<Asset> {
  let seen = asset;
  for (let turn = 0; turn < TURNS; turn += 1) {
    const wanted = wantedAlerts(seen, now);
    const open = await store.openAlerts(seen.projectId, [seen.name]);
    if (!(await apply(store, seen, { wanted, now, onOpened, open }))) return seen;
    const again = await read();
    if (again === null || same(wantedAlerts(again, now), wanted)) return again ?? seen;
    seen = again;
  }
  return seen;
}

/** The alerts that an asset should have, and the open alerts. */
interface Settling {
  readonly wanted: Wanted;
  readonly open: readonly AlertRecord[];
  readonly now: number;
  readonly onOpened: (alert: AlertRecord) => void;
}

/** @returns whether anything was written */
async function apply(
  store: AssetStore,
  asset: JudgedAsset,
  { wanted, now, onOpened, open }: Settling,
): Promise<boolean> {
  const { close, open: missing } = changesOf(asset, wanted, now, open);
  for (const { asset: name, kind, at } of close) await store.closeAlert(asset.projectId, name, kind, at);
  for (const alert of missing) {
    // Another caller may have opened it in the meantime.
    if ((await store.openAlert(alert)).id === alert.id) onOpened(alert);
  }
  return close.length + missing.length > 0;
}

function changesOf(asset: JudgedAsset, wanted: Wanted, now: number, open: readonly AlertRecord[]): AlertChanges {
  const { projectId, name } = asset;
  const changes = { close: [] as AlertChanges['close'][number][], open: [] as AlertRecord[] };
  for (const kind of asset.columns === undefined ? FRESHNESS_KINDS : ALERT_KINDS) {
    const message = wanted.get(kind);
    const current = open.find((alert) => alert.kind === kind);
    if (current?.message === message) continue;
    if (current !== undefined) changes.close.push({ asset: name, kind, at: now });
    if (message === undefined) continue;
    const id = `alert_${randomUUID()}`;
    changes.open.push({ id, projectId, asset: name, kind, message, openedAt: now, closedAt: null });
  }
  return changes;
}

/**
 * Like {@link settleAlerts}, for many assets of one project. Their alerts are read and changed together.
 */
export async function settleMany(
  store: AssetStore,
  projectId: string,
  assets: readonly AssetSummary[],
  {
    now,
    read,
    onOpened = () => undefined,
  }: SettleOptions<(names: readonly string[]) => Promise<readonly AssetSummary[]>>,
): Promise<void> {
  const open = new Map(assets.map(({ name }): [string, AlertRecord[]] => [name, []]));
  for (const alert of await store.openAlerts(projectId, [...open.keys()])) open.get(alert.asset)?.push(alert);
  const judged = assets.map((asset) => {
    const wanted = wantedAlerts(asset, now);
    return { asset, wanted, changes: changesOf(asset, wanted, now, open.get(asset.name) ?? []) };
  });
  const changed = judged.filter(({ changes }) => changes.open.length + changes.close.length > 0);
  if (changed.length === 0) return;
  const alerts = changed.flatMap(({ changes }) => changes.open);
  const close = changed.flatMap(({ changes }) => changes.close);
  const opened = new Set(await store.changeAlerts(projectId, { open: alerts, close }));
  for (const alert of alerts) if (opened.has(alert.id)) onOpened(alert);
  const wanted = new Map(changed.map((each) => [each.asset.name, each.wanted]));
  for (const again of await read([...wanted.keys()])) {
    const before = wanted.get(again.name);
    if (before !== undefined && same(wantedAlerts(again, now), before)) continue;
    const readOne = async () => (await read([again.name]))[0] ?? null;
    await settleAlerts(store, again, { now, read: readOne, onOpened });
  }
}

function same(a: Wanted, b: Wanted): boolean {
  return a.size === b.size && [...a].every(([kind, message]) => b.get(kind) === message);
}
