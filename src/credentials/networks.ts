import type { Subject } from '../limits/limits.js';
import { ANONYMOUS, type AnonymousPrincipal } from './principal.js';
import { network } from './failures.js';

/** The most networks that are counted separately within a minute. Each takes about 300 bytes, windows included. */
const MAX_NETWORKS = 50_000;

/** How long a request stays in a window, in ms. */
const MINUTE = 60_000;

/** The name that all further networks share once {@link MAX_NETWORKS} are counted. */
const OTHERS = 'others';

/**
 * The networks that anonymous callers come from: an IPv4 address, or the first 64 bits of an IPv6 address, as for
 * failures. At most 50,000 are told apart within a minute. Those that came first keep their windows, since forgetting one
 * would refill it; those that come later share one window until others have been away for a minute.
 */
export class Networks {
  readonly #clock: () => number;
  readonly #max: number;
  /** Two generations of at least a minute each. */
  #young = new Set<string>();
  #old = new Set<string>();
  #since: number;

  /** @param clock ms that never run back */
  constructor(clock: () => number, max = MAX_NETWORKS) {
    this.#clock = clock;
    this.#max = max;
    this.#since = clock();
  }

  /** Networks that are told apart at the moment. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Returns the principal of an anonymous caller. @param address null where nothing is known of it */
  principalAt(address: string | null): AnonymousPrincipal {
    if (address === null) return ANONYMOUS;
    return Object.freeze({ ...ANONYMOUS, network: `network/${this.#name(network(address))}` });
  }

  #name(name: string): string {
    this.#turn();
    if (this.#young.has(name)) return name;
    if (!this.#old.delete(name) && this.size >= this.#max) return OTHERS;
    this.#young.add(name);
    return name;
  }

  #turn(): void {
    const now = this.#clock();
    if (now - this.#since < MINUTE) return;
    this.#old = now - this.#since < 2 * MINUTE ? this.#young : new Set();
    this.#young = new Set();
    this.#since = now;
  }
}

/** Whose limits an anonymous caller's requests are counted under; null where the address is unknown. */
export function subjectOf({ network: family }: AnonymousPrincipal): Subject | null {
  return family === undefined ? null : { family, tier: 'ANONYMOUS' };
}
