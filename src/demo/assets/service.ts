import { Refusal, unavailable } from '../../core/errors/refusal.js';
import type {
  AlertRecord,
  AssetColumnList,
  AssetLinks,
  AssetRecord,
  AssetSummary,
  AssetTexts,
  Column,
  ColumnKind,
  LoadRecord,
} from '../store/demoRecords.js';
import { checkPage, pageOf, type Page } from '../../management/schema/pageConnection.js';
import type { AssetStore } from '../store/demoStore.js';
import { settleAlerts, settleMany, type JudgedAsset } from './alerts.js';
import { changesBetween } from './columns.js';
import * as check from './input.js';

/** A registration. `allowedAge` is in ms. Absent and null values are not set. */
export interface RegisterAssetInput {
  readonly name: string;
  readonly description?: string | null;
  readonly owner?: string | null;
  readonly allowedAge?: number | null;
  readonly upstream?: readonly string[] | null;
  readonly columns?: readonly Column[] | null;
}

/** `at` is in ms since the epoch. Default: now. */
export interface RecordLoadInput {
  readonly asset: string;
  readonly at?: number | null;
  readonly rows?: number | null;
}

export interface RefreshSchemaInput {
  readonly asset: string;
  /** The current columns, at least one. */
  readonly columns: readonly Column[];
}

/** A change: an alert was opened, or an asset was registered, loaded or checked. */
export type AssetNews =
  | { readonly kind: 'alert'; readonly alert: AlertRecord }
  | { readonly kind: 'asset'; readonly projectId: string; readonly name: string };

const TRIES = 10;

/**
 * The data assets of a workspace: their registrations, last loads, columns and alerts. Reads write nothing. Every
 * method can throw Refusal (BAD_USER_INPUT with the path of the argument, or NOT_FOUND) and StoreUnavailable.
 */
export class AssetService {
  readonly #store: AssetStore;
  readonly #clock: () => number;
  readonly #tell: (news: AssetNews) => void;

  /**
   * @param clock returns ms since the epoch. Default: Date.now
   * @param tell called with each change after it is written
   */
  constructor(store: AssetStore, clock: () => number = Date.now, tell: (news: AssetNews) => void = () => undefined) {
    this.#store = store;
    this.#clock = clock;
    this.#tell = tell;
  }

  now(): number {
    return this.#clock();
  }

  /** Returns a page, sorted by name. `first`: 1 to 100, default 100. `after`: the last name of the previous page. */
  async list(projectId: string, first?: number | null, after?: string | null): Promise<readonly AssetSummary[]> {
    const cursor = after === null || after === undefined ? null : check.checkName(after, ['after']);
    return this.#store.list(projectId, { first: check.checkFirst(first, ['first']), after: cursor });
  }

  /**
   * Returns a page of a connection, by name.
   *
   * @param after the name of the last asset of the previous page
   * @throws Refusal BAD_USER_INPUT unless `first` is 1 to 100
   */
  async page(projectId: string, first: number, after: string | null): Promise<Page<AssetSummary>> {
    checkPage(first);
    return pageOf(await this.#store.list(projectId, { first: first + 1, after }), first, after);
  }

  /** Returns the registered assets with these names, in any order, with one read. */
  async findMany(projectId: string, names: readonly string[]): Promise<readonly AssetSummary[]> {
    return this.#store.findMany(projectId, names);
  }

  /** One list of columns of those of the names that are registered, in any order; one read. */
  async columnsOf(projectId: string, names: readonly string[], kind: ColumnKind): Promise<readonly AssetColumnList[]> {
    return this.#store.columnsOf(projectId, names, kind);
  }

  /** Returns the description and upstream of the registered assets with these names, in any order, with one read. */
  async textsOf(projectId: string, names: readonly string[]): Promise<readonly AssetTexts[]> {
    return this.#store.textsOf(projectId, names);
  }

  /** Returns the names of the assets made from each of `names`, in ascending order, at most `first` for each. */
  async findDownstream(projectId: string, names: readonly string[], first: number): Promise<readonly AssetLinks[]> {
    return this.#store.findDownstream(projectId, names, first);
  }

  /** Returns the open alerts of these assets, oldest first, with one read. */
  async openAlerts(projectId: string, names: readonly string[]): Promise<readonly AlertRecord[]> {
    return this.#store.openAlerts(projectId, names);
  }

  /** Registers an asset, or replaces its registration. Its loads and last columns are kept. */
  async register(projectId: string, input: RegisterAssetInput): Promise<AssetRecord> {
    const name = check.checkName(input.name, ['input', 'name']);
    const columns = check.checkColumns(input.columns ?? [], ['input', 'columns']);
    const now = this.#clock();
    const asset = await this.#store.register({
      projectId,
      name,
      description: check.checkDescription(input.description, ['input', 'description']),
      owner: check.checkOwner(input.owner, ['input', 'owner']),
      allowedAge: check.checkAllowedAge(input.allowedAge, ['input', 'allowedAge']),
      upstream: check.checkUpstream(input.upstream, name, ['input', 'upstream']),
      expectedColumns: columns,
      columns,
      schemaVersion: 1,
      lastLoadAt: null,
      lastLoadRows: null,
      createdAt: now,
    });
    return this.#settled(asset, now, () => this.#store.find(projectId, name));
  }

  /**
   * Records a load. A load that is older than the last one changes nothing. Opens or closes STALE for the current time.
   */
  async recordLoad(projectId: string, input: RecordLoadInput): Promise<AssetSummary> {
    const name = check.checkName(input.asset, ['input', 'asset']);
    const now = this.#clock();
    const at = check.checkLoadTime(input.at, now, ['input', 'at']);
    const rows = check.checkRows(input.rows, ['input', 'rows']);
    const asset = await this.#store.recordLoad(projectId, name, at, rows);
    if (asset === null) throw noSuchAsset();
    return this.#settled(asset, now, () => this.#summary(projectId, name));
  }

  /**
   * Records one load of each of several assets, like {@link recordLoad}. Skips loads of assets that don't exist. Alerts
   * are read and changed together, so that a batch costs little more than one load.
   */
  async recordLoads(projectId: string, loads: readonly LoadRecord[]): Promise<void> {
    const now = this.#clock();
    const assets = await this.#store.recordLoads(projectId, loads);
    const read = (names: readonly string[]) => this.#store.findMany(projectId, names);
    await settleMany(this.#store, projectId, assets, {
      now,
      read,
      onOpened: (alert) => this.#tell({ kind: 'alert', alert }),
    });
    for (const { name } of assets) this.#tell({ kind: 'asset', projectId, name });
  }

  /** Checks the freshness now, and opens or closes STALE. */
  async refreshFreshness(projectId: string, asset: string): Promise<AssetSummary> {
    const name = check.checkName(asset, ['asset']);
    const found = await this.#summary(projectId, name);
    if (found === null) throw noSuchAsset();
    return this.#settled(found, this.#clock(), () => this.#summary(projectId, name));
  }

  /**
   * Records the current columns. If they differ from the last ones, increments the version. If they differ from the
   * registered ones, opens SCHEMA_CHANGED; otherwise closes it.
   */
  async refreshSchema(projectId: string, input: RefreshSchemaInput): Promise<AssetRecord> {
    const name = check.checkName(input.asset, ['input', 'asset']);
    const columns = check.checkColumns(input.columns, ['input', 'columns'], 1);
    const asset = await this.#saveColumns(projectId, name, columns);
    return this.#settled(asset, this.#clock(), () => this.#store.find(projectId, name));
  }

  /** Updates the alerts of an asset and publishes the change. Call it after every change of an asset. */
  async #settled<Asset extends JudgedAsset>(
    asset: Asset,
    now: number,
    read: () => Promise<Asset | null>,
  ): Promise<Asset> {
    const onOpened = (alert: AlertRecord) => this.#tell({ kind: 'alert', alert });
    const settled = await settleAlerts(this.#store, asset, { now, read, onOpened });
    this.#tell({ kind: 'asset', projectId: asset.projectId, name: asset.name });
    return settled;
  }

  async #saveColumns(projectId: string, name: string, columns: readonly Column[]): Promise<AssetRecord> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const asset = await this.#find(projectId, name);
      if (changesBetween(asset.columns, columns) === null) return asset;
      const saved = await this.#store.saveColumns(projectId, name, asset.schemaVersion, columns);
      if (saved !== null) return saved;
    }
    throw unavailable('Another request is changing the schema of this asset. Try again shortly.', 1);
  }

  async #summary(projectId: string, name: string): Promise<AssetSummary | null> {
    return (await this.#store.findMany(projectId, [name]))[0] ?? null;
  }

  async #find(projectId: string, name: string): Promise<AssetRecord> {
    const asset = await this.#store.find(projectId, name);
    if (asset === null) throw noSuchAsset();
    return asset;
  }
}

function noSuchAsset(): Refusal {
  return new Refusal('There is no such asset in this workspace. Check the name, or register it first.', {
    code: 'NOT_FOUND',
  });
}
