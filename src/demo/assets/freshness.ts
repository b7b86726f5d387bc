import type { AssetRecord } from '../store/demoRecords.js';

type FreshnessStatus = 'FRESH' | 'STALE' | 'UNKNOWN';

/** How fresh an asset is. Times in ms since the epoch, ages in ms. */
export interface Freshness {
  /** UNKNOWN until the first load; STALE if the age exceeds the allowed age; otherwise FRESH. */
  readonly status: FreshnessStatus;
  readonly lastLoadAt: number | null;
  readonly lastLoadRows: number | null;
  /** The time since the last load; 0 if the loader's clock is ahead. */
  readonly age: number | null;
  readonly allowedAge: number | null;
}

/** Returns the freshness at `now`. It changes as time passes, without a write. */
export function freshnessOf(
  asset: Pick<AssetRecord, 'lastLoadAt' | 'lastLoadRows' | 'allowedAge'>,
  now: number,
): Freshness {
  const { lastLoadAt, lastLoadRows, allowedAge } = asset;
  if (lastLoadAt === null) return { status: 'UNKNOWN', lastLoadAt, lastLoadRows, age: null, allowedAge };
  const age = Math.max(0, now - lastLoadAt);
  const status = allowedAge !== null && age > allowedAge ? 'STALE' : 'FRESH';
  return { status, lastLoadAt, lastLoadRows, age, allowedAge };
}

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
] as const;

/** Formats a duration for people, in the largest unit that gives a whole number: `6 hours`. */
export function inWords(ms: number): string {
  const [unit, length] = UNITS.find(([, size]) => ms % size === 0) ?? ['millisecond', 1];
  const count = ms / length;
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
