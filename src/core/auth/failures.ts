import { isIPv4, isIPv6 } from 'node:net';
import { LRUCache } from 'lru-cache';
import { orThrow, Refused } from '../errors/refusalValue.js';
import { growing } from '../util/growing.js';

/** Failures per minute after which an address or a lookup ID has to wait. */
const PER_ADDRESS = 300;
const PER_LOOKUP_ID = 20;

const MINUTE = 60_000;
const SECOND = 1_000;

/**
 * Look-ups per second for an address over its limit, and for all such addresses together. An attacker behind a shared proxy
 * or router must not lock out valid keys of others at this address that are not cached yet.
 */
const LOOKS_PER_ADDRESS = 20;
const LOOKS = 200;

/** The maximum number of addresses, and of lookup IDs, whose failures are counted at the same time. */
const MAX_COUNTED = 10_000;

/**
 * The sender of a credential: an address, or a name for a caller that sends credentials of other callers, such as a service that verifies
 * keys. null if unknown.
 */
export type Sender = string | { readonly name: string } | null;

/**
 * Counts failures by address and by lookup ID, in minutes that begin with the first failure. Failures never block a valid
 * key that is cached, so that an attacker can't lock out the holder of a key or others at the same address.
 */
export class Failures {
  readonly #clock: () => number;
  readonly #byAddress: Counts;
  readonly #byLookupId: Counts;
  readonly #looksByAddress = new Counts(LOOKS_PER_ADDRESS, SECOND);
  readonly #looks = new Counts(LOOKS, SECOND);

  /** @param clock returns milliseconds */
  constructor(clock: () => number) {
    this.#clock = clock;
    this.#byAddress = new Counts(PER_ADDRESS);
    this.#byLookupId = new Counts(PER_LOOKUP_ID);
  }

  /**
   * Counts a failure.
   *
   * @param lookupId null to count it only by sender
   * @returns a function to call if it was not a failure after all
   * @throws Refusal RATE_LIMITED if there were too many failures; this one is not counted then
   */
  take(lookupId: string | null, sender: Sender): () => void {
    return orThrow(this.tryTake(lookupId, sender));
  }

  /** Like {@link take}, but returns the refusal. */
  tryTake(lookupId: string | null, sender: Sender): (() => void) | Refused {
    const now = this.#clock();
    const from = nameOf(sender);
    return this.#over(lookupId, from, now) ?? this.#add(lookupId, from, now);
  }

  /**
   * Like {@link take}, for a credential that a single look-up can verify. Over the limit, it may still be looked up, at the
   * rate of {@link LOOKS_PER_ADDRESS} and {@link LOOKS}, and is accepted if it is valid.
   *
   * @throws Refusal RATE_LIMITED if it may not be looked up either
   */
  attempt(lookupId: string | null, sender: Sender): Attempt {
    return orThrow(this.tryAttempt(lookupId, sender));
  }

  /** Like {@link attempt}, but returns the refusal of a credential that may not be looked up. */
  tryAttempt(lookupId: string | null, sender: Sender): Attempt | Refused {
    const now = this.#clock();
    const from = nameOf(sender);
    const over = this.#over(lookupId, from, now);
    if (over === null) return { giveBack: this.#add(lookupId, from, now), over };
    const giveBack = this.#look(from ?? '', now);
    return giveBack === null ? over : { giveBack, over };
  }

  /** Returns the refusal of a failure over the limit; null if it can be counted. */
  #over(lookupId: string | null, from: string | null, now: number): Refused | null {
    const over = lookupId === null ? null : this.#byLookupId.over(lookupId, now);
    return over ?? (from === null ? null : this.#byAddress.over(from, now));
  }

  #add(lookupId: string | null, from: string | null, now: number): () => void {
    const ofLookupId = lookupId === null ? null : this.#byLookupId.add(lookupId, now);
    const ofAddress = from === null ? null : this.#byAddress.add(from, now);
    return () => {
      if (ofLookupId !== null) ofLookupId.count -= 1;
      if (ofAddress !== null) ofAddress.count -= 1;
    };
  }

  /** Counts a look-up over the limit. @returns null if there were too many */
  #look(from: string, now: number): (() => void) | null {
    if (!this.#looks.isBelow('', now) || !this.#looksByAddress.isBelow(from, now)) return null;
    const [ofAll, ofAddress] = [this.#looks.add('', now), this.#looksByAddress.add(from, now)];
    return () => {
      ofAll.count -= 1;
      ofAddress.count -= 1;
    };
  }
}

/** A verification in progress. It counts as a failure until it succeeds. */
export interface Attempt {
  /** Call it if the attempt was not a failure. */
  readonly giveBack: () => void;
  /** The refusal for an invalid credential over the limit; null below the limit. */
  readonly over: Refused | null;
}

interface Counted {
  readonly since: number;
  count: number;
}

class Counts {
  readonly #limit: number;
  readonly #window: number;
  readonly #counts = new LRUCache<string, Counted>(growing(MAX_COUNTED));

  /** @param window in milliseconds */
  constructor(limit: number, window = MINUTE) {
    this.#limit = limit;
    this.#window = window;
  }

  isBelow(name: string, now: number): boolean {
    return (this.#current(name, now)?.count ?? 0) < this.#limit;
  }

  /** Returns the refusal of a further failure; null if there were fewer than the limit. */
  over(name: string, now: number): Refused | null {
    const counted = this.#current(name, now);
    if (counted === undefined || counted.count < this.#limit) return null;
    const retryAfter = Math.ceil((counted.since + MINUTE - now) / 1000);
    return new Refused(
      `Too many invalid keys were sent. Check the key, and try again in ${retryAfter} s. Keys that are in use continue to work.`,
      { code: 'RATE_LIMITED', retryAfter, limit: this.#limit, window: MINUTE / 1000 },
    );
  }

  add(name: string, now: number): Counted {
    const known = this.#current(name, now);
    if (known !== undefined) {
      known.count += 1;
      return known;
    }
    const counted = { since: now, count: 1 };
    this.#counts.set(name, counted);
    return counted;
  }

  /** Returns the count of the current minute. A minute that begins in the future is ignored: the clock was set back. */
  #current(name: string, now: number): Counted | undefined {
    const counted = this.#counts.get(name);
    return counted !== undefined && now >= counted.since && now - counted.since < this.#window ? counted : undefined;
  }
}

/** Returns the name under which a sender is counted. It can't be mistaken for a network, which has no space. */
function nameOf(sender: Sender): string | null {
  if (sender === null) return null;
  return typeof sender === 'string' ? network(sender) : `sender ${sender.name}`;
}

/**
 * Returns the network of an address: an IPv4 address itself, or the first 64 bits of an IPv6 address, because an IPv6 host
 * usually controls 2^64 addresses. All texts that are not addresses are one network. Otherwise a caller whose proxy passes
 * on any text could appear as a new caller in each request.
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

/** Returns the eight groups of an IPv6 address, without leading zeros. */
function groupsOf(address: string): string[] {
  const [before = [], after = []] = address
    .replace(/%.*/, '')
    .split('::')
    .map((side) => side.split(':').flatMap(readGroup));
  return [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
}

/** Returns one group, two for an IPv4 address at the end, or none for the empty text at either end of `::`. */
function readGroup(text: string): string[] {
  if (text === '') return [];
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number);
  const numbers = text.includes('.') ? [a * 256 + b, c * 256 + d] : [parseInt(text, 16)];
  return numbers.map((number) => number.toString(16));
}
