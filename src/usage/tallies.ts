import type { UsageRecord } from '../store/records.js';

export const HOUR = 3_600_000;

/** What a key did in one hour, as far as it is not written. */
export class Tally implements UsageRecord {
  readonly keyId: string;
  /** The hour; ms since the epoch. */
  readonly start: number;
  lastUsedAt: number | null = null;
  requests = 0;
  limited = 0;
  forbidden = 0;

  constructor(keyId: string, start: number) {
    this.keyId = keyId;
    this.start = start;
  }

  get counted(): number {
    return this.requests + this.limited + this.forbidden;
  }

  get record(): UsageRecord {
    const { keyId, start, requests, limited, forbidden } = this;
    return { keyId, start, requests, limited, forbidden };
  }

  add({ lastUsedAt, requests, limited, forbidden }: Tally): void {
    if (lastUsedAt !== null) this.lastUsedAt = Math.max(lastUsedAt, this.lastUsedAt ?? 0);
    this.requests += requests;
    this.limited += limited;
    this.forbidden += forbidden;
  }
}

/** Tallies by hour and key, never more than a given number. */
export class Tallies {
  readonly #most: number;
  readonly #hours = new Map<number, Map<string, Tally>>();
  #size = 0;
  /** The hour that was asked for last: for thousands of requests on end it is the same, and costs two comparisons. */
  #hour = new Map<string, Tally>();
  #from = 0;
  #to = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#size;
  }

  /** @param at any moment of the hour @returns null where it would be one more than there may be */
  of(keyId: string, at: number): Tally | null {
    if (at < this.#from || at >= this.#to) this.#turnTo(at);
    return this.#hour.get(keyId) ?? this.#begin(keyId);
  }

  all(): Tally[] {
    return [...this.#hours.values()].flatMap((hour) => [...hour.values()]);
  }

  #begin(keyId: string): Tally | null {
    if (this.#size >= this.#most) return null;
    const tally = new Tally(keyId, this.#from);
    this.#hour.set(keyId, tally);
    this.#size += 1;
    return tally;
  }

  #turnTo(at: number): void {
    this.#from = Math.floor(at / HOUR) * HOUR;
    this.#to = this.#from + HOUR;
    const known = this.#hours.get(this.#from);
    this.#hour = known ?? new Map<string, Tally>();
    if (known === undefined) this.#hours.set(this.#from, this.#hour);
  }
}
