import type {
  AlertChanges,
  AlertKind,
  AlertRecord,
  AssetColumnList,
  AssetLinks,
  AssetRecord,
  AssetSummary,
  AssetTexts,
  Column,
  ColumnKind,
  EventRecord,
  LoadRecord,
} from './demoRecords.js';

/** The operations of the built-in domain, with the guarantees of {@link Store}. Two engines implement them. */
export interface DemoStore {
  readonly assets: AssetStore;
  readonly events: EventStore;
}

export interface AssetStore {
  /**
   * Registers an asset, or replaces the values of its registration (description, owner, allowedAge, upstream,
   * expectedColumns) and keeps its loads. `columns` and `schemaVersion` are only set at the first registration, unless
   * the asset had no columns so far. Concurrent calls for one name create one asset.
   */
  register(asset: AssetRecord): Promise<AssetRecord>;
  find(projectId: string, name: string): Promise<AssetRecord | null>;
  /** Returns the assets that exist, in any order; one read. */
  findMany(projectId: string, names: readonly string[]): Promise<readonly AssetSummary[]>;
  /** Returns one list of columns of the assets that exist, in any order; one read. */
  columnsOf(projectId: string, names: readonly string[], kind: ColumnKind): Promise<readonly AssetColumnList[]>;
  /** Returns the texts of the assets that exist, in any order; one read. */
  textsOf(projectId: string, names: readonly string[]): Promise<readonly AssetTexts[]>;
  /** Returns assets by name ascending (code-unit order), after `after`. */
  list(
    projectId: string,
    options: { readonly first: number; readonly after: string | null },
  ): Promise<readonly AssetSummary[]>;
  /**
   * Returns for each of `names` the assets whose `upstream` contains it, by name ascending, at most `first` for each;
   * uses an index. A name without any has an empty list, or is omitted.
   */
  findDownstream(projectId: string, names: readonly string[], first: number): Promise<readonly AssetLinks[]>;
  /**
   * Records a load at `at`: `lastLoadAt` moves forward, never back (an older load changes nothing), together with its
   * rows.
   *
   * @returns the record after the change; null if there is no such asset
   */
  recordLoad(projectId: string, name: string, at: number, rows: number | null): Promise<AssetSummary | null>;
  /**
   * Records loads of several assets, at most one for each, like `recordLoad`.
   *
   * @returns the records of existing assets after the change, in any order
   */
  recordLoads(projectId: string, loads: readonly LoadRecord[]): Promise<readonly AssetSummary[]>;
  /**
   * Sets the columns seen last and increments the version, if the version is still `expectedVersion`.
   *
   * @returns the record after the change; null if the version has changed or there is no such asset
   */
  saveColumns(
    projectId: string,
    name: string,
    expectedVersion: number,
    columns: readonly Column[],
  ): Promise<AssetRecord | null>;
  /**
   * Opens an alert unless one of this kind is open on the asset.
   *
   * @returns the open alert
   */
  openAlert(alert: AlertRecord): Promise<AlertRecord>;
  /**
   * Closes the open alert of this kind.
   *
   * @returns the alert, or null if none was open
   */
  closeAlert(projectId: string, asset: string, kind: AlertKind, at: number): Promise<AlertRecord | null>;
  /**
   * Closes and opens many alerts of one project, like `closeAlert` and `openAlert`, at most one for each asset and
   * kind.
   *
   * @returns the IDs of the alerts that this call opened
   */
  changeAlerts(projectId: string, changes: AlertChanges): Promise<readonly string[]>;
  /** Returns the open alerts of these assets, oldest first; one read. */
  openAlerts(projectId: string, assets: readonly string[]): Promise<readonly AlertRecord[]>;
}

/** A recorded event. */
export interface KeptEvent {
  /** The stored event: if the ID already existed, the earlier event. */
  readonly event: EventRecord;
  /** Whether this call added it. Exactly one of several concurrent calls with one ID returns true. */
  readonly added: boolean;
}

export interface EventFilter {
  readonly asset?: string;
  readonly type?: string;
}

export interface EventStore {
  /**
   * Adds the events whose IDs don't exist in their project, in one bulk write; existing ones are unchanged. Events that
   * happened {@link EVENT_RETENTION} or longer before `now` may then be deleted, here or by the engine.
   *
   * Atomic for each event, not for all of them. Can be repeated.
   *
   * @param events of one project, with distinct IDs
   * @returns the stored event for each, in the given order
   */
  record(events: readonly EventRecord[], now: number): Promise<readonly KeptEvent[]>;

  /**
   * Returns the newest first, by `at` and then `id` (code-unit order), both descending: events that happened after
   * `since`, and follow `after`. One read by index, whatever the filter.
   */
  list(
    projectId: string,
    options: {
      readonly first: number;
      readonly after: { readonly at: number; readonly id: string } | null;
      readonly filter: EventFilter;
      /** Ms since the epoch. */
      readonly since: number;
    },
  ): Promise<readonly EventRecord[]>;
}
