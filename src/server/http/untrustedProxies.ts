import type { FastifyBaseLogger } from 'fastify';

/** The maximum number of addresses in warnings of one process. */
const MAX_WARNINGS = 8;

/** Warns about proxies that use /v1/auth and are not in TRUST_PROXY, once for each address. */
export class UntrustedProxies {
  readonly #logger: Pick<FastifyBaseLogger, 'warn'>;
  readonly #warned = new Set<string>();

  constructor(logger: Pick<FastifyBaseLogger, 'warn'>) {
    this.#logger = logger;
  }

  note(address = 'an unknown address'): void {
    if (this.#warned.has(address) || this.#warned.size >= MAX_WARNINGS) return;
    this.#warned.add(address);
    this.#logger.warn(
      `A request to /v1/auth came from ${address}, which is not in TRUST_PROXY, so the response had no Latchkey-Principal. If it is your proxy, add it to TRUST_PROXY.`,
    );
  }
}
