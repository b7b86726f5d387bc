import { setImmediate as turn } from 'node:timers/promises';
import { checkName } from '../assets/input.js';
import type { AssetService } from '../assets/service.js';
import { EVENT_RETENTION, type AssetSummary, type EventRecord } from '../store/records.js';
import type { EventStore, KeptEvent } from '../store/store.js';
import { checkPage, pageOf, type Page } from '../schema/connection.js';
import type { EventPosition } from './cursor.js';
import { checkEvents, checkType, LOAD, type EventInput } from './input.js';

/** Something about an event that its client should know. The event is kept nevertheless. */
export interface EventProblem {
  /** The event's place in the batch. */
  readonly index: number;
  readonly id: string;
  readonly kind: 'UNKNOWN_ASSET';
  readonly message: string;
}

export interface RecordedEvents {
  /** Events that this batch added. */
  readonly recorded: number;
  /** Events whose id the project had before, or that stood earlier in the batch. */
  readonly repeated: number;
  readonly problems: readonly EventProblem[];
}

export interface EventQuery {
  /** 1 to 100. */
  readonly first: number;
  readonly after: EventPosition | null;
  /** Those about this asset; null: about any or none. */
  readonly asset: string | null;
  /** Those of this type; null: of any. */
  readonly type: string | null;
}

/** Loads that are noted at once: enough to hide round trips, few enough to leave the store to others. */
const AT_ONCE = 10;

/**
 * Events that clients tell of: that an asset was loaded, and whatever else they name. Every method throws Refusal
 * BAD_USER_INPUT with the path of the argument at fault, and lets StoreUnavailable through.
 */
export class EventService {
  readonly #store: EventStore;
  readonly #assets: Pick<AssetService, 'findMany' | 'recordLoad'>;
  readonly #clock: () => number;

  /** @param clock ms since the epoch; Date.now where absent */
  constructor(
    store: EventStore,
    assets: Pick<AssetService, 'findMany' | 'recordLoad'>,
    clock: () => number = Date.now,
  ) {
    this.#store = store;
    this.#assets = assets;
    this.#clock = clock;
  }

  /**
   * Records a batch whole, or, where any of it is at fault, nothing. An event of an id that the project has changes
   * nothing, so that a batch whose answer was lost is simply sent again.
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

  /** Newest first. */
  async list(projectId: string, { first, after, asset, type }: EventQuery): Promise<Page<EventRecord>> {
    checkPage(first);
    const filter = {
      ...(asset !== null && { asset: checkName(asset, ['asset']) }),
      ...(type !== null && { type: checkType(type, ['type']) }),
    };
    // What the engine has not come to delete yet is gone all the same.
    const since = this.#clock() - EVENT_RETENTION;
    return pageOf(await this.#store.list(projectId, { first: first + 1, after, filter, since }), first, after);
  }

  async #assetsOf(projectId: string, kept: readonly KeptEvent[]): Promise<ReadonlyMap<string, AssetSummary>> {
    const names = new Set(kept.flatMap(({ event }) => event.asset ?? []));
    if (names.size === 0) return new Map();
    return new Map((await this.#assets.findMany(projectId, [...names])).map((asset) => [asset.name, asset]));
  }

  /**
   * Of each asset the latest load. Also of events that were there before, as they were recorded then: whoever recorded
   * them may have ended before this step, and a load that was noted is not noted twice.
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
    const loads = [...latest];
    for (let from = 0; from < loads.length; from += AT_ONCE) {
      await Promise.all(
        loads
          .slice(from, from + AT_ONCE)
          .map(([asset, { at, rows }]) => this.#assets.recordLoad(projectId, { asset, at, rows })),
      );
      // The embedded engine runs on this thread: others have their turn in between.
      await turn();
    }
  }
}

function unknownAsset(index: number, id: string): EventProblem {
  const message =
    'There is no asset of that name in the project. The event is kept; register the asset, or mend the name.';
  return { index, id, kind: 'UNKNOWN_ASSET', message };
}
