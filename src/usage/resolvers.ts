import type { Actor } from '../keys/actor.js';
import type { KeyRecord } from '../store/records.js';
import type { UsageStore } from '../store/store.js';
import type { KeyUsage, UsagePeriod } from './periods.js';
import { UsageReader } from './reader.js';

export interface UsageResolverOptions {
  readonly usage: Pick<UsageStore, 'read'>;
  readonly now: () => number;
}

interface UsageArguments {
  readonly last?: number | null;
  readonly by?: UsagePeriod | null;
}

/** Resolvers of what keys asked for. Who has reached a key may see it. */
export function usageResolvers({ usage, now }: UsageResolverOptions) {
  // By the context object, which lives as long as its request does.
  const readers = new WeakMap<object, UsageReader>();

  const readerOf = (context: object): UsageReader => {
    let reader = readers.get(context);
    if (reader === undefined) readers.set(context, (reader = new UsageReader(usage, now())));
    return reader;
  };

  return {
    ApiKey: {
      usage: ({ id }: KeyRecord, { last, by }: UsageArguments, context: object): Promise<readonly KeyUsage[]> =>
        readerOf(context).load(id, last ?? 24, by ?? 'HOUR'),
    },
    Credential: {
      usage: ({ keyId }: Actor, { last, by }: UsageArguments, context: object): Promise<readonly KeyUsage[]> =>
        readerOf(context).load(keyId, last ?? 24, by ?? 'HOUR'),
    },
  };
}
