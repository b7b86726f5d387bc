import type { Subject } from '../limits/limits.js';
import { ANONYMOUS, type AnonymousPrincipal } from './principal.js';
import { network } from './failures.js';

/** The maximum number of networks that are counted separately. Each takes about 300 bytes, including its windows. */
const MAX_NETWORKS = 50_000;

/** How long a request stays in a window, in milliseconds. */
const MINUTE = 60_000;

/** The name that all further networks share once {@link MAX_NETWORKS} are counted. */
const OTHERS = 'others';

/**
 * The networks of anonymous callers: an IPv4 address, or the first 64 bits of an IPv6 address (see {@link network}). At
 * most 50,000 have separate windows. Earlier networks keep their windows, because removing a window would reset its limit.
 * Further networks share one window until an earlier one has sent nothing for a minute.
 */
export class Networks {
  readonly #clock: () => number;
  readonly #max: number;
  /** Two generations of at least a minute each. */
  #young = new Set<string>();
  #old = new Set<string>();
  #since: number;

  /** @param clock returns milliseconds of a monotonic clock */
  constructor(clock: () => number, max = MAX_NETWORKS) {
    this.#clock = clock;
    this.#max = max;
    this.#since = clock();
  }

  /** The number of networks that are counted separately now. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Returns the principal of an anonymous caller. @param address null if unknown */
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

/** Returns the subject under which an anonymous caller's requests are counted; null if the address is unknown. */
export function subjectOf({ network: family }: AnonymousPrincipal): Subject | null {
  return family === undefined ? null : { family, tier: 'ANONYMOUS' };
}
