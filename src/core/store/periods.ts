import type { UsageRecord } from './records.js';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The periods for which usage is counted: the length of a period, and how long it is kept from its start, in ms. */
export const USAGE_PERIODS = {
  MINUTE: { length: MINUTE, kept: 2 * DAY },
  HOUR: { length: HOUR, kept: 90 * DAY },
  DAY: { length: DAY, kept: 730 * DAY },
} as const;

export type UsagePeriod = keyof typeof USAGE_PERIODS;

/** How long the ID of an added batch is kept, in ms. Longer than a process retries a batch. */
export const BATCHES_KEPT = 2 * DAY;

/** How long the fields that a key used on a day are kept, in ms from the start of the day. */
export const FIELDS_KEPT = 90 * DAY;

/** Returns the start of the period that contains a time. */
export function startOf(at: number, by: UsagePeriod): number {
  const { length } = USAGE_PERIODS[by];
  return Math.floor(at / length) * length;
}

/** Sums counts by key and period. */
export function summed(counts: readonly UsageRecord[], by: UsagePeriod): UsageRecord[] {
  const sums = new Map<string, UsageRecord>();
  for (const { keyId, start: at, requests, cost, limited, forbidden } of counts) {
    const start = startOf(at, by);
    const before = sums.get(`${start} ${keyId}`);
    sums.set(`${start} ${keyId}`, {
      keyId,
      start,
      requests: requests + (before?.requests ?? 0),
      cost: cost + (before?.cost ?? 0),
      limited: limited + (before?.limited ?? 0),
      forbidden: forbidden + (before?.forbidden ?? 0),
    });
  }
  return [...sums.values()];
}

/** The fields that a key used on one day. */
interface FieldsOfDay {
  readonly keyId: string;
  /** The start of the day. */
  readonly start: number;
  readonly fields: ReadonlyMap<string, number>;
}

/** Sums the fields of all additions by key and day. Omits keys without fields. */
export function fieldsByDay(
  additions: readonly {
    readonly keyId: string;
    readonly start: number;
    readonly fields?: ReadonlyMap<string, number>;
  }[],
): FieldsOfDay[] {
  const days = new Map<string, FieldsOfDay & { readonly fields: Map<string, number> }>();
  for (const { keyId, start: at, fields } of additions) {
    if (fields === undefined || fields.size === 0) continue;
    const start = startOf(at, 'DAY');
    const name = `${start} ${keyId}`;
    const day = days.get(name) ?? { keyId, start, fields: new Map<string, number>() };
    for (const [coordinate, count] of fields) day.fields.set(coordinate, count + (day.fields.get(coordinate) ?? 0));
    days.set(name, day);
  }
  return [...days.values()];
}
