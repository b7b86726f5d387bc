import { MINUTE } from '../store/periods.js';
import type { UsageAddition } from '../store/records.js';

/** Lists of fields that a key's minute holds as they are; at more they are summed by field. */
const MAX_LISTS = 32;

/** Fields that a key's minute holds. A schema has seldom more; what a caller asks for adds none to it. */
const MAX_FIELDS = 1_000;

/** What a key did in one minute, as far as it is not written. */
export class Tally {
  readonly keyId: string;
  /** The minute; ms since the epoch. */
  readonly start: number;
  lastUsedAt: number | null = null;
  requests = 0;
  cost = 0;
  limited = 0;
  forbidden = 0;
  /** How often each operation came, by its list of fields: the same one each time, so that no request sums anything. */
  #lists: Map<readonly string[], number> | null = null;
  #fields: Map<string, number> | null = null;

  constructor(keyId: string, start: number) {
    this.keyId = keyId;
    this.start = start;
  }

  get counted(): number {
    return this.requests + this.limited + this.forbidden;
  }

  /** @param fields of the operation; told from others by identity, so the same operation's should be the same list */
  admitted(cost: number, fields: readonly string[]): void {
    this.requests += 1;
    this.cost += cost;
    if (fields.length === 0) return;
    const lists = (this.#lists ??= new Map<readonly string[], number>());
    lists.set(fields, (lists.get(fields) ?? 0) + 1);
    if (lists.size >= MAX_LISTS) this.#sum();
  }

  /** What is to be written. */
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

/** Tallies by minute and key, never more than a given number. */
export class Tallies {
  readonly #most: number;
  readonly #minutes = new Map<number, Map<string, Tally>>();
  #size = 0;
  /** The minute that was asked for last: for thousands of requests on end it is the same, and costs two comparisons. */
  #minute = new Map<string, Tally>();
  #from = 0;
  #to = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#size;
  }

  /** @param at any moment of the minute @returns null where it would be one more than there may be */
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
