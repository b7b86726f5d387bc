import { isIPv6 } from 'node:net';
import { Refusal } from '../refusals/refusal.js';
import { RecentMap } from './recentMap.js';

/** Failures a minute after which an address is asked to wait, and a lookup id as well. */
const PER_ADDRESS = 300;
const PER_LOOKUP_ID = 20;

const MINUTE = 60_000;

/** Addresses, and lookup ids, whose failures are counted at once. */
const MAX_COUNTED = 10_000;

/**
 * Failures by address and by lookup id, in minutes that begin with the first failure. They never stand in the way of a
 * right key that is known here: who guesses must not be able to lock out who holds a key, nor who shares an address.
 */
export class Failures {
  readonly #clock: () => number;
  readonly #byAddress: Counts;
  readonly #byLookupId: Counts;

  /** @param clock ms */
  constructor(clock: () => number) {
    this.#clock = clock;
    this.#byAddress = new Counts(PER_ADDRESS);
    this.#byLookupId = new Counts(PER_LOOKUP_ID);
  }

  /** Counts a failure. @throws Refusal RATE_LIMITED where there were too many: it is not counted then */
  take(lookupId: string, address: string | null): void {
    const now = this.#clock();
    const from = address === null ? null : network(address);
    this.#byLookupId.assertBelow(lookupId, now);
    if (from !== null) this.#byAddress.assertBelow(from, now);
    this.#byLookupId.add(lookupId, now, 1);
    if (from !== null) this.#byAddress.add(from, now, 1);
  }

  /** It was none after all. */
  giveBack(lookupId: string, address: string | null): void {
    const now = this.#clock();
    this.#byLookupId.add(lookupId, now, -1);
    if (address !== null) this.#byAddress.add(network(address), now, -1);
  }
}

class Counts {
  readonly #limit: number;
  readonly #counts = new RecentMap<{ readonly since: number; count: number }>(MAX_COUNTED);

  constructor(limit: number) {
    this.#limit = limit;
  }

  assertBelow(name: string, now: number): void {
    const counted = this.#counts.get(name);
    if (counted === undefined || counted.count < this.#limit || now - counted.since >= MINUTE) return;
    const retryAfter = Math.max(1, Math.ceil((counted.since + MINUTE - now) / 1000));
    throw new Refusal(
      `Too many wrong keys were sent. Check the key, and try again in ${retryAfter} s; keys that are in use go on working.`,
      { code: 'RATE_LIMITED', retryAfter, limit: this.#limit, window: MINUTE / 1000 },
    );
  }

  add(name: string, now: number, by: 1 | -1): void {
    const counted = this.#counts.get(name);
    if (counted !== undefined && now - counted.since < MINUTE) counted.count += by;
    else if (by === 1) this.#counts.set(name, { since: now, count: 1 });
  }
}

/**
 * What one caller has of addresses: an IPv4 address, of IPv6 the first 64 bits, since whoever has one address there has
 * 2^64 of them.
 */
export function network(address: string): string {
  if (!isIPv6(address)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = '', tail] = address.split('%', 1).join('').split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  // A dotted end stands for two groups, and lies beyond the first four.
  const length = after.length + (after.at(-1)?.includes('.') === true ? 1 : 0);
  const zeros = tail === undefined ? [] : Array<string>(8 - before.length - length).fill('0');
  return [...before, ...zeros, ...after]
    .slice(0, 4)
    .map((group) => parseInt(group, 16).toString(16))
    .join(':');
}
