import { performance } from 'node:perf_hooks';
import type { AuditEntry } from '../audit.js';
import { StoreUnavailable } from '../storeErrors.js';
import { NEWEST_FIRST, readInOrder } from '../ordering.js';
import type { KeySummary, UsageRecord } from '../records.js';
import type { AuditStore } from '../auditStore.js';
import type { KeyStore } from '../keyStore.js';
import type { UsageStore } from '../usageStore.js';
import { sliceLengths, type AskSlices, type TimedPlace } from './slices.js';

/** How long a list may take in total, in ms. */
const LIST_LIMIT = 15_000;

/** Number of keys whose usage is read in one step. */
const KEYS_AT_ONCE = 16;

export interface Sliced {
  readonly keys: Pick<KeyStore, 'list' | 'count' | 'countFamilies'>;
  readonly audit: Pick<AuditStore, 'list'>;
  readonly usage: Pick<UsageStore, 'read'>;
}

/** Returns the operations that consist of slices. They run in the calling thread, and the slices in another. */
export function slicedOperations(slices: AskSlices, limit = LIST_LIMIT): Sliced {
  return {
    keys: {
      async list(workspaceId, { first, after, filter, order = NEWEST_FIRST, now }) {
        const inTime = deadline(limit);
        const rows = await readInOrder(order.field, after, first + 1, async (range, start, most) => {
          const found: KeySummary[] = [];
          const nextLength = sliceLengths(most);
          for (let from = start; ;) {
            const part = { workspaceId, filter, order, empty: range === 'empty', length: nextLength(), now };
            const slice = await slices.keys({ ...part, after: from, limit: most - found.length });
            found.push(...slice.rows);
            if (slice.next === null || found.length >= most) return found;
            inTime();
            from = slice.next;
          }
        });
        return { keys: rows.slice(0, first), hasNextPage: rows.length > first };
      },
      async count(workspaceId, filter, now) {
        const inTime = deadline(limit);
        let { total, next } = await slices.keyCount({ workspaceId, filter, after: null, now });
        while (next !== null) {
          inTime();
          const slice = await slices.keyCount({ workspaceId, filter, after: next, now });
          total += slice.total;
          next = slice.next;
        }
        return total;
      },
      async countFamilies(workspaceId, now, kind) {
        const inTime = deadline(limit);
        const sums = { all: 0, administer: 0 };
        for (let after: string | null = ''; after !== null;) {
          const slice: Awaited<ReturnType<AskSlices['families']>> = await slices.families({ workspaceId, after, now });
          sums.all += slice.all;
          sums.administer += slice.administer;
          after = slice.next;
          if (after !== null) inTime();
        }
        if (kind === undefined) return sums.all;
        return kind === 'adminKeys' ? sums.administer : sums.all - sums.administer;
      },
    },
    audit: {
      async list(workspaceId, { first, before, filter }) {
        const inTime = deadline(limit);
        const found: AuditEntry[] = [];
        const isDated = filter.from !== undefined || filter.to !== undefined;
        let place: TimedPlace | null = null;
        let next: number | null = before ?? Number.MAX_SAFE_INTEGER;
        const nextLength = sliceLengths(first);
        for (let isLast = false; !isLast && found.length < first;) {
          const part = { workspaceId, filter, limit: first - found.length };
          if (isDated) {
            const slice: Awaited<ReturnType<AskSlices['auditDated']>> = await slices.auditDated({
              ...part,
              before,
              after: place,
              length: nextLength(),
            });
            found.push(...slice.rows);
            place = slice.next;
            isLast = place === null;
          } else {
            const slice: Awaited<ReturnType<AskSlices['audit']>> = await slices.audit({
              ...part,
              low: 1,
              before: next ?? 1,
            });
            found.push(...slice.rows);
            next = slice.next;
            isLast = next === null;
          }
          if (!isLast) inTime();
        }
        return found;
      },
    },
    usage: {
      async read(keyIds, span) {
        const rows: UsageRecord[] = [];
        for (let i = 0; i < keyIds.length; i += KEYS_AT_ONCE) {
          rows.push(...(await slices.usage({ keyIds: keyIds.slice(i, i + KEYS_AT_ONCE), span })));
        }
        return rows;
      },
    },
  };
}

/** Returns a check that throws after the time limit: no caller waits for the result any more. */
function deadline(limit: number): () => void {
  const end = performance.now() + limit;
  return () => {
    if (performance.now() < end) return;
    throw new StoreUnavailable(new Error('The list took too long.'), 'the store is busy');
  };
}
