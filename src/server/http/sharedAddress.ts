import type { FastifyBaseLogger } from 'fastify';
import type { Principal } from '../../core/auth/principal.js';
import type { Outcome } from '../../core/guard/request/outcome.js';
import type { Caller } from '../net/trustedProxies.js';

interface CompletedRequest {
  readonly caller: Caller;
  readonly principal: Principal;
  readonly outcome: Pick<Outcome, 'word'>;
}

/** The number of keys from one address after which it is considered a proxy. */
const MANY_KEYS = 20;

/** Maximum number of addresses watched at the same time, and of warnings of one process. */
const MAX_ADDRESSES = 64;
const MAX_WARNINGS = 8;

/**
 * Warns about a proxy that TRUST_PROXY doesn't name: all its callers share one address, and therefore one count of
 * invalid keys. Warns once for each address.
 */
export class SharedAddresses {
  readonly #logger: Pick<FastifyBaseLogger, 'warn'>;
  /** IDs of the keys used from each address; null if a warning was logged. */
  readonly #keys = new Map<string, Set<string> | null>();
  #warnings = 0;

  constructor(logger: Pick<FastifyBaseLogger, 'warn'>) {
    this.#logger = logger;
  }

  /** Call with each completed request. */
  note({ caller, principal, outcome }: CompletedRequest): void {
    if (!caller.unbelieved || this.#warnings >= MAX_WARNINGS) return;
    const refused = principal.kind === 'anonymous' && outcome.word === 'RATE_LIMITED';
    const keys = this.#keysFrom(caller.address);
    if (keys === null) return;
    if (principal.keyId !== null) keys.add(principal.keyId);
    if (keys.size < MANY_KEYS && !refused) return;
    this.#keys.set(caller.address, null);
    this.#warnings += 1;
    const what = refused ? 'Too many requests without a valid key came' : `${MANY_KEYS} keys were used`;
    this.#logger.warn(
      `${what} from ${caller.address}, which sends X-Forwarded-For or Forwarded and is not in TRUST_PROXY. If it is your proxy, add it to TRUST_PROXY: until then all of its callers have its address, and share one limit for wrong keys.`,
    );
  }

  #keysFrom(address: string): Set<string> | null {
    const known = this.#keys.get(address);
    if (known !== undefined) return known;
    const [oldest] = this.#keys.keys();
    if (this.#keys.size >= MAX_ADDRESSES && oldest !== undefined) this.#keys.delete(oldest);
    const keys = new Set<string>();
    this.#keys.set(address, keys);
    return keys;
  }
}
