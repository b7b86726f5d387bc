import { isIPv4, isIPv6 } from 'node:net';
import { Refusal } from '../refusals/refusal.js';
import { RecentMap } from './recentMap.js';

/** Failures a minute after which an address is asked to wait, and a lookup id as well. */
const PER_ADDRESS = 300;
const PER_LOOKUP_ID = 20;

const MINUTE = 60_000;
const SECOND = 1_000;

/**
 * Look-ups a second that an address over its limit still has, and all such addresses together. Whoever guesses behind a
 * proxy or an office's router must not shut out keys of others there that this process has not seen yet.
 */
const LOOKS_PER_ADDRESS = 20;
const LOOKS = 200;

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
  readonly #looksByAddress = new Counts(LOOKS_PER_ADDRESS, SECOND);
  readonly #looks = new Counts(LOOKS, SECOND);

  /** @param clock ms */
  constructor(clock: () => number) {
    this.#clock = clock;
    this.#byAddress = new Counts(PER_ADDRESS);
    this.#byLookupId = new Counts(PER_LOOKUP_ID);
  }

  /**
   * Counts a failure.
   *
   * @param lookupId null: of none, counted by address alone
   * @returns to be called where it was none after all
   * @throws Refusal RATE_LIMITED where there were too many: it is not counted then
   */
  take(lookupId: string | null, address: string | null): () => void {
    const now = this.#clock();
    const from = address === null ? null : network(address);
    if (lookupId !== null) this.#byLookupId.assertBelow(lookupId, now);
    if (from !== null) this.#byAddress.assertBelow(from, now);
    const taken: Counted[] = [];
    if (lookupId !== null) taken.push(this.#byLookupId.add(lookupId, now));
    if (from !== null) taken.push(this.#byAddress.add(from, now));
    return () => {
      for (const counted of taken) counted.count -= 1;
    };
  }

  /**
   * Like {@link take}, for a credential that one look-up can show to be right: over the limit it may still be looked up, as
   * often as the bounds allow, and is accepted if it is correct.
   *
   * @throws Refusal RATE_LIMITED where it may not be looked up either
   */
  attempt(lookupId: string | null, address: string | null): Attempt {
    try {
      return { giveBack: this.take(lookupId, address), over: null };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { giveBack: this.#look(address, error), over: error };
    }
  }

  /** @throws over */
  #look(address: string | null, over: Refusal): () => void {
    const now = this.#clock();
    const from = address === null ? '' : network(address);
    if (!this.#looks.isBelow('', now) || !this.#looksByAddress.isBelow(from, now)) throw over;
    const taken = [this.#looks.add('', now), this.#looksByAddress.add(from, now)];
    return () => {
      for (const counted of taken) counted.count -= 1;
    };
  }
}

/** A credential that is being judged, and counts as a failure until it is found right. */
export interface Attempt {
  /** To be called where it was no failure after all. */
  readonly giveBack: () => void;
  /** What a wrong one is refused with; null: as any wrong one. */
  readonly over: Refusal | null;
}

interface Counted {
  readonly since: number;
  count: number;
}

class Counts {
  readonly #limit: number;
  readonly #window: number;
  readonly #counts = new RecentMap<Counted>(MAX_COUNTED);

  /** @param window ms */
  constructor(limit: number, window = MINUTE) {
    this.#limit = limit;
    this.#window = window;
  }

  isBelow(name: string, now: number): boolean {
    return (this.#current(name, now)?.count ?? 0) < this.#limit;
  }

  assertBelow(name: string, now: number): void {
    const counted = this.#current(name, now);
    if (counted === undefined || counted.count < this.#limit) return;
    const retryAfter = Math.ceil((counted.since + MINUTE - now) / 1000);
    throw new Refusal(
      `Too many invalid keys were sent. Check the key, and try again in ${retryAfter} s. Keys that are in use continue to work.`,
      { code: 'RATE_LIMITED', retryAfter, limit: this.#limit, window: MINUTE / 1000 },
    );
  }

  add(name: string, now: number): Counted {
    const counted = this.#current(name, now) ?? { since: now, count: 0 };
    counted.count += 1;
    this.#counts.set(name, counted);
    return counted;
  }

  /** A minute that begins in the future was begun by a clock that has been set back since: nobody has to wait for it. */
  #current(name: string, now: number): Counted | undefined {
    const counted = this.#counts.get(name);
    return counted !== undefined && now >= counted.since && now - counted.since < this.#window ? counted : undefined;
  }
}

/**
 * What one caller has of addresses: an IPv4 address, of IPv6 the first 64 bits, since whoever has one address there has
 * 2^64 of them. What is no address (a proxy may pass on whatever it was sent) is all one: who could write anything there
 * would be somebody else each time.
 */
export function network(address: string): string {
  if (isIPv4(address)) return address;
  if (!isIPv6(address)) return 'no address';
  const groups = groupsOf(address);
  const mapped = groups.slice(0, 6).join(':') === '0:0:0:0:0:ffff';
  if (!mapped) return groups.slice(0, 4).join(':');
  return groups
    .slice(6)
    .map((group) => parseInt(group, 16))
    .flatMap((group) => [group >> 8, group & 0xff])
    .join('.');
}

/** The eight groups of an IPv6 address, without leading zeros. */
function groupsOf(address: string): string[] {
  const [before = [], after = []] = address
    .replace(/%.*/, '')
    .split('::')
    .map((side) => side.split(':').flatMap(readGroup));
  return [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
}

/** One group, two where it is an IPv4 address at the end, none beside a `::` at an edge. */
function readGroup(text: string): string[] {
  if (text === '') return [];
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number);
  const numbers = text.includes('.') ? [a * 256 + b, c * 256 + d] : [parseInt(text, 16)];
  return numbers.map((number) => number.toString(16));
}
