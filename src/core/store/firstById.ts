import type { KeySummary } from './records.js';

/** Returns each key once, by ID, at most `limit`. */
export function firstById(keys: readonly KeySummary[], limit: number): KeySummary[] {
  const unique = new Map(keys.map((key) => [key.id, key]));
  return [...unique.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1)).slice(0, limit);
}
