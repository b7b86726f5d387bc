import type { UsageBatch } from '../../../src/core/store/records.js';

/** Returns a batch of usage: the same for the same number. Each counts one request of each of 20 keys. */
export function countedBatch(workspaceId: string, start: number, number: number): UsageBatch {
  const counts = { requests: 1, cost: 3, limited: 0, forbidden: 0 };
  const additions = Array.from({ length: 20 }, (_, i) => ({
    ...{ keyId: `${workspaceId}_${i}`, start, ...counts, fields: new Map([['Query.a', 1]]) },
    report: {
      ...{ workspaceId, projectId: null, ownerId: i % 2 === 0 ? 'usr_a' : null, queryCost: 7 },
      operations: new Map([['Assets', { ...counts, queryCost: 7 }]]),
      roots: new Map([['Query.a', { ...counts, queryCost: 7 }]]),
    },
  }));
  return { id: `${workspaceId}-${number}`, additions };
}
