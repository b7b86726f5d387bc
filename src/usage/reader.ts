import DataLoader from 'dataloader';
import { badInput } from '../refusals/refusal.js';
import { USAGE_PERIODS } from '../store/periods.js';
import type { UsageRecord } from '../store/records.js';
import type { UsageSpan, UsageStore } from '../store/store.js';
import { series, spanOf, type Asked, type KeyUsage } from './periods.js';

/** What one request may be told of, of all keys together. */
export const MAX_PERIODS = 20_000;

/** Different spans that one request may ask for. Each is a read of its own, on each level of the answer. */
export const MAX_SPANS = 4;

/**
 * One request's reads of use, gathered: a page of keys costs one. Keys that were replaced lead to keys, and a field may
 * be asked for many times under many names; none of that has a cost in requests, so what is asked for is bounded here.
 */
export class UsageReader {
  readonly #usage: Pick<UsageStore, 'read'>;
  readonly #now: number;
  readonly #loaders = new Map<string, DataLoader<string, readonly KeyUsage[]>>();
  #left = MAX_PERIODS;

  /** @param now for all of the answer, so that all its series end alike */
  constructor(usage: Pick<UsageStore, 'read'>, now: number) {
    this.#usage = usage;
    this.#now = now;
  }

  /** The periods of a key, oldest first. @throws Refusal BAD_USER_INPUT */
  async load(keyId: string, asked: Asked): Promise<readonly KeyUsage[]> {
    const span = spanOf(asked, this.#now);
    this.#left -= (span.to - span.from) / USAGE_PERIODS[span.by].length;
    if (this.#left < 0) {
      throw badInput(
        ['from'],
        `One request is told of at most ${MAX_PERIODS} periods of all keys together. Ask for fewer keys or periods.`,
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
        `One request asks for use over at most ${MAX_SPANS} different spans. Ask for the rest in another.`,
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
