/** The records of the built-in domain. Times are in ms since the epoch, as in those of keys. */

export interface Column {
  readonly name: string;
  readonly type: string;
}

export interface AssetRecord {
  /** The project that owns it. The default project has the workspace's ID. */
  readonly projectId: string;
  /** Unique in its project. */
  readonly name: string;
  readonly description: string | null;
  readonly owner: string | null;
  /** Longest time between loads before the asset is stale, in ms; null if it is never stale. */
  readonly allowedAge: number | null;
  /** Names of the assets that it is derived from. They need not be registered. */
  readonly upstream: readonly string[];
  /** The columns declared at registration. */
  readonly expectedColumns: readonly Column[];
  /** The columns seen last. */
  readonly columns: readonly Column[];
  /** 1 at registration, incremented with each change of the columns seen. */
  readonly schemaVersion: number;
  readonly lastLoadAt: number | null;
  readonly lastLoadRows: number | null;
  readonly createdAt: number;
}

/** The columns of one asset, up to hundreds of kilobytes. */
export type AssetColumns = Pick<AssetRecord, 'name' | 'expectedColumns' | 'columns'>;

/** The columns of an asset that were last seen, or those that were registered. */
export type ColumnKind = 'columns' | 'expectedColumns';

/** One list of columns of an asset, up to hundreds of kilobytes. */
export interface AssetColumnList {
  readonly name: string;
  readonly list: readonly Column[];
}

/** The texts of one asset, up to tens of kilobytes. */
export type AssetTexts = Pick<AssetRecord, 'name' | 'description' | 'upstream'>;

/** An asset without its texts and columns: a few hundred bytes. */
export type AssetSummary = Omit<AssetRecord, 'description' | 'upstream' | 'expectedColumns' | 'columns'>;

/** Alerts to open and to close in one call. */
export interface AlertChanges {
  readonly open: readonly AlertRecord[];
  readonly close: readonly { readonly asset: string; readonly kind: AlertKind; readonly at: number }[];
}

/** A load of an asset. */
export interface LoadRecord {
  /** The asset's name. */
  readonly name: string;
  readonly at: number;
  readonly rows: number | null;
}

/** The names of the assets that are derived from the asset `name`, ascending. */
export interface AssetLinks {
  readonly name: string;
  readonly downstream: readonly string[];
}

export const ALERT_KINDS = ['STALE', 'SCHEMA_CHANGED'] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

export interface AlertRecord {
  readonly id: string;
  readonly projectId: string;
  readonly asset: string;
  readonly kind: AlertKind;
  readonly message: string;
  readonly openedAt: number;
  readonly closedAt: number | null;
}

/** How long an event is kept after it happened, in ms. */
export const EVENT_RETENTION = 90 * 24 * 60 * 60_000;

export interface EventRecord {
  /** The project that owns it. The default project has the workspace's ID. */
  readonly projectId: string;
  /** Chosen by the client; unique in its project. */
  readonly id: string;
  /** `LOAD`, or a name chosen by the client. */
  readonly type: string;
  /** Name of the asset that the event is about; null if none. It need not be registered. */
  readonly asset: string | null;
  /** When it happened. */
  readonly at: number;
  readonly rows: number | null;
  /** A JSON object as text, with the values that the client sent; null if none. */
  readonly properties: string | null;
}
