import { MINUTE } from '../../core/store/periods.js';
import type { UsageAddition } from '../../core/store/records.js';

/** The number of lists of fields that are kept per key and minute. With more, they are summed by field. */
const MAX_LISTS = 32;

/** The number of fields that are kept per key and minute. Few schemas have more, and callers cannot add any. */
const MAX_FIELDS = 1_000;

/** The usage of a key in one minute that is not written yet. */
export class Tally {
  readonly keyId: string;
  /** The minute, in ms since the epoch. */
  readonly start: number;
  lastUsedAt: number | null = null;
  requests = 0;
  cost = 0;
  limited = 0;
  forbidden = 0;
  /**
   * The number of operations by their list of fields. It is always the same list, so that a request need not sum
   * anything.
   */
  #lists: Map<readonly string[], number> | null = null;
  #fields: Map<string, number> | null = null;

  constructor(keyId: string, start: number) {
    this.keyId = keyId;
    this.start = start;
  }

  get counted(): number {
    return this.requests + this.limited + this.forbidden;
  }

  /** @param fields of the operation. Compared by identity, so the same operation should have the same list. */
  admitted(cost: number, fields: readonly string[]): void {
    this.requests += 1;
    this.cost += cost;
    if (fields.length === 0) return;
    const lists = (this.#lists ??= new Map<readonly string[], number>());
    lists.set(fields, (lists.get(fields) ?? 0) + 1);
    if (lists.size >= MAX_LISTS) this.#sum();
  }

  /** Returns the records to write. */
  record(): UsageAddition {
    const { keyId, start, requests, cost, limited, forbidden } = this;
    const fields = this.#sum();
    return { keyId, start, requests, cost, limited, forbidden, ...(fields !== null && { fields }) };
  }

  add(other: Tally): void {
    const { lastUsedAt, requests, cost, limited, forbidden } = other;
    if (lastUsedAt !== null) this.lastUsedAt = Math.max(lastUsedAt, this.lastUsedAt ?? 0);
    this.requests += requests;
    this.cost += cost;
    this.limited += limited;
    this.forbidden += forbidden;
    for (const [field, count] of other.#sum() ?? []) this.#used(field, count);
  }

  #sum(): ReadonlyMap<string, number> | null {
    const lists = this.#lists;
    this.#lists = null;
    if (lists !== null) for (const [fields, count] of lists) for (const field of fields) this.#used(field, count);
    return this.#fields;
  }

  #used(field: string, count: number): void {
    const fields = (this.#fields ??= new Map<string, number>());
    const before = fields.get(field);
    if (before !== undefined || fields.size < MAX_FIELDS) fields.set(field, (before ?? 0) + count);
  }
}

/** The counts by minute and key, with a maximum number. */
export class Tallies {
  readonly #most: number;
  readonly #minutes = new Map<number, Map<string, Tally>>();
  #size = 0;
  /** The last minute. It is the same for thousands of consecutive requests, and costs two comparisons. */
  #minute = new Map<string, Tally>();
  #from = 0;
  #to = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * @param at any moment of the minute
   * @returns null if the maximum is reached
   */
  of(keyId: string, at: number): Tally | null {
    if (at < this.#from || at >= this.#to) this.#turnTo(at);
    return this.#minute.get(keyId) ?? this.#begin(keyId);
  }

  all(): Tally[] {
    return [...this.#minutes.values()].flatMap((minute) => [...minute.values()]);
  }

  #begin(keyId: string): Tally | null {
    if (this.#size >= this.#most) return null;
    const tally = new Tally(keyId, this.#from);
    this.#minute.set(keyId, tally);
    this.#size += 1;
    return tally;
  }

  #turnTo(at: number): void {
    this.#from = Math.floor(at / MINUTE) * MINUTE;
    this.#to = this.#from + MINUTE;
    const known = this.#minutes.get(this.#from);
    this.#minute = known ?? new Map<string, Tally>();
    if (known === undefined) this.#minutes.set(this.#from, this.#minute);
  }
}
