import DataLoader from 'dataloader';
import { badInput } from '../../core/errors/refusal.js';
import { USAGE_PERIODS } from '../../core/store/periods.js';
import type { UsageRecord } from '../../core/store/records.js';
import type { UsageSpan, UsageStore } from '../../core/store/usageStore.js';
import { series, spanOf, type Asked, type KeyUsage } from './keyUsage.js';

/** The number of periods in one response, for all keys together. */
const MAX_PERIODS = 20_000;

/** The number of different ranges in one request. Each is a separate read, on each level of the response. */
const MAX_SPANS = 4;

/**
 * Collects the reads of usage in one request, so that a page of keys takes one. Replaced keys lead to other keys, and a
 * field can be selected many times with aliases. None of that increases the cost in requests, so it is limited here.
 */
export class UsageReader {
  readonly #usage: Pick<UsageStore, 'read'>;
  readonly #now: number;
  readonly #loaders = new Map<string, DataLoader<string, readonly KeyUsage[]>>();
  #left = MAX_PERIODS;

  /** @param now the same for the whole response, so that all series end at the same time */
  constructor(usage: Pick<UsageStore, 'read'>, now: number) {
    this.#usage = usage;
    this.#now = now;
  }

  /**
   * Returns the periods of a key, oldest first.
   *
   * @throws {@link Refusal} BAD_USER_INPUT
   */
  async load(keyId: string, asked: Asked): Promise<readonly KeyUsage[]> {
    const span = spanOf(asked, this.#now);
    this.#left -= (span.to - span.from) / USAGE_PERIODS[span.by].length;
    if (this.#left < 0) {
      throw badInput(
        ['from'],
        `A response has at most ${MAX_PERIODS} periods for all keys together. Request fewer keys or periods.`,
      );
    }
    return this.#loaderOf(span).load(keyId);
  }

  #loaderOf(span: UsageSpan): DataLoader<string, readonly KeyUsage[]> {
    const name = `${span.from} ${span.to} ${span.by}`;
    let loader = this.#loaders.get(name);
    if (loader !== undefined) return loader;
    if (this.#loaders.size >= MAX_SPANS) {
      throw badInput(
        ['from'],
        `One request can have usage for at most ${MAX_SPANS} different ranges. Request the others separately.`,
      );
    }
    loader = new DataLoader(async (keyIds) => {
      const rows = new Map(keyIds.map((id): [string, UsageRecord[]] => [id, []]));
      for (const row of await this.#usage.read(keyIds, span)) rows.get(row.keyId)?.push(row);
      return keyIds.map((id) => series(span, rows.get(id) ?? []));
    });
    this.#loaders.set(name, loader);
    return loader;
  }
}
