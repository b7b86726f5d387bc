import type { Actor } from '../../core/keys/actor.js';
import type { UsagePeriod } from '../../core/store/periods.js';
import type { KeyRecord } from '../../core/store/records.js';
import type { UsageStore } from '../../core/store/usageStore.js';
import type { KeyUsage } from './keyUsage.js';
import { UsageReader } from './usageReader.js';

interface UsageResolverOptions {
  readonly usage: Pick<UsageStore, 'read'>;
  readonly now: () => number;
}

interface UsageArguments {
  readonly from?: number | null;
  readonly to?: number | null;
  readonly by?: UsagePeriod | null;
}

/** The resolvers of usage. Everyone with access to a key can see its usage. */
export function usageResolvers({ usage, now }: UsageResolverOptions) {
  // By the context object, which lives as long as the request.
  const readers = new WeakMap<object, UsageReader>();

  const readerOf = (context: object): UsageReader => {
    let reader = readers.get(context);
    if (reader === undefined) readers.set(context, (reader = new UsageReader(usage, now())));
    return reader;
  };

  const usageOf = (id: string, { from, to, by }: UsageArguments, context: object): Promise<readonly KeyUsage[]> =>
    readerOf(context).load(id, { from: from ?? null, to: to ?? null, by: by ?? 'HOUR' });

  return {
    ApiKey: {
      usage: ({ id }: KeyRecord, given: UsageArguments, context: object) => usageOf(id, given, context),
    },
    Credential: {
      usage: ({ keyId }: Actor, given: UsageArguments, context: object) => usageOf(keyId, given, context),
    },
  };
}
