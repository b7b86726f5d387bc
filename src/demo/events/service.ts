import { checkName } from '../assets/input.js';
import type { AssetService } from '../assets/service.js';
import { EVENT_RETENTION, type AssetSummary, type EventRecord } from '../store/demoRecords.js';
import type { EventStore, KeptEvent } from '../store/demoStore.js';
import { checkPage, pageOf, type Page } from '../../management/schema/pageConnection.js';
import type { EventPosition } from './cursor.js';
import { checkEvents, checkType, LOAD, type EventInput } from './input.js';

/** A warning about an event. The event is kept nevertheless. */
interface EventProblem {
  /** The index of the event in the batch. */
  readonly index: number;
  readonly id: string;
  readonly kind: 'UNKNOWN_ASSET';
  readonly message: string;
}

export interface RecordedEvents {
  /** The number of events that this batch added. */
  readonly recorded: number;
  /** The number of events whose id already existed in the project or occurred earlier in the batch. */
  readonly repeated: number;
  readonly problems: readonly EventProblem[];
}

export interface EventQuery {
  /** 1 to 100. */
  readonly first: number;
  readonly after: EventPosition | null;
  /** Only events about this asset; null for all events. */
  readonly asset: string | null;
  /** Only events of this type; null for all types. */
  readonly type: string | null;
}

/**
 * Events from clients: loads of assets, and their own types. Every method throws a {@link Refusal} BAD_USER_INPUT with
 * the path of the invalid argument, and passes StoreUnavailable on.
 */
export class EventService {
  readonly #store: EventStore;
  readonly #assets: Pick<AssetService, 'findMany' | 'recordLoads'>;
  readonly #clock: () => number;

  /**
   * @param clock returns ms since the epoch.
   * @default Date.now
   */
  constructor(
    store: EventStore,
    assets: Pick<AssetService, 'findMany' | 'recordLoads'>,
    clock: () => number = Date.now,
  ) {
    this.#store = store;
    this.#assets = assets;
    this.#clock = clock;
  }

  /**
   * Records a batch completely, or nothing if any event is invalid. An event whose id exists in the project changes
   * nothing, so a client can send a batch again if it received no response.
   */
  async record(projectId: string, input: readonly EventInput[]): Promise<RecordedEvents> {
    const now = this.#clock();
    const places = new Map<string, number>();
    const events = checkEvents(input, projectId, now).filter(({ id }, index) => {
      const isFirst = !places.has(id);
      if (isFirst) places.set(id, index);
      return isFirst;
    });
    const kept = await this.#store.record(events, now);
    const assets = await this.#assetsOf(projectId, kept);
    await this.#noteLoads(projectId, kept, assets);
    const recorded = kept.filter(({ added }) => added).length;
    const problems = kept.flatMap(({ event: { id, asset } }) =>
      asset === null || assets.has(asset) ? [] : [unknownAsset(places.get(id) ?? 0, id)],
    );
    return { recorded, repeated: input.length - recorded, problems };
  }

  /** Returns events, newest first. */
  async list(projectId: string, { first, after, asset, type }: EventQuery): Promise<Page<EventRecord>> {
    checkPage(first);
    const filter = {
      ...(asset !== null && { asset: checkName(asset, ['asset']) }),
      ...(type !== null && { type: checkType(type, ['type']) }),
    };
    // Hides expired events that the store has not deleted yet.
    const since = this.#clock() - EVENT_RETENTION;
    return pageOf(await this.#store.list(projectId, { first: first + 1, after, filter, since }), first, after);
  }

  async #assetsOf(projectId: string, kept: readonly KeptEvent[]): Promise<ReadonlyMap<string, AssetSummary>> {
    const names = new Set(kept.flatMap(({ event }) => event.asset ?? []));
    if (names.size === 0) return new Map();
    return new Map((await this.#assets.findMany(projectId, [...names])).map((asset) => [asset.name, asset]));
  }

  /**
   * Records the latest load of each asset. Includes events that already existed, because the process that recorded them
   * may have ended before this step. Recording a load twice has no further effect.
   */
  async #noteLoads(
    projectId: string,
    kept: readonly KeptEvent[],
    assets: ReadonlyMap<string, AssetSummary>,
  ): Promise<void> {
    const latest = new Map<string, EventRecord>();
    for (const { event } of kept) {
      const asset = event.type === LOAD && event.asset !== null ? assets.get(event.asset) : undefined;
      if (asset === undefined || event.at < (asset.lastLoadAt ?? 0)) continue;
      if (event.at > (latest.get(asset.name)?.at ?? -1)) latest.set(asset.name, event);
    }
    const loads = [...latest].map(([name, { at, rows }]) => ({ name, at, rows }));
    if (loads.length > 0) await this.#assets.recordLoads(projectId, loads);
  }
}

function unknownAsset(index: number, id: string): EventProblem {
  const message = 'The project has no asset with this name. The event is kept; register the asset or correct the name.';
  return { index, id, kind: 'UNKNOWN_ASSET', message };
}
