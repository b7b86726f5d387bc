import { keyRefusalOf, type Refusals } from '../audit/refusals.js';
import type { AuthenticatedPrincipal, Principal } from '../credentials/principal.js';
import { UNOBSERVED, type Observer } from '../metrics/observer.js';
import type { Refusal } from '../refusals/refusal.js';
import type { UsageLog } from '../usage/log.js';

export interface VerdictsOptions {
  /** Default: nobody counts. */
  readonly usage?: Pick<UsageLog, 'admitted' | 'refused'>;
  /** Default: nobody counts for the audit log. */
  readonly refusals?: Pick<Refusals, 'key'>;
  /** Default: nobody is told. */
  readonly observer?: Observer;
}

const NO_FIELDS: readonly string[] = Object.freeze([]);

/** What is decided on operations before they run, told to the key's usage, the audit log and the metrics. Waits for nothing. */
export class Verdicts {
  readonly #usage: VerdictsOptions['usage'];
  readonly #refusals: VerdictsOptions['refusals'];
  readonly #observer: Observer;

  constructor({ usage, refusals, observer = UNOBSERVED }: VerdictsOptions) {
    this.#usage = usage;
    this.#refusals = refusals;
    this.#observer = observer;
  }

  /** @param fields guarded ones that it selects, by coordinate; of one operation always the same list */
  admitted(principal: AuthenticatedPrincipal, cost: number, fields: readonly string[] = NO_FIELDS): void {
    this.#usage?.admitted(principal, cost, fields);
    this.#observer.admitted(principal.tier);
  }

  /** A request that failed before its operation was judged, and was counted as one. */
  failed(principal: AuthenticatedPrincipal): void {
    this.#usage?.admitted(principal, 1, NO_FIELDS);
  }

  /** @param principal null: the request showed none */
  refused(principal: Principal | null, { details: { code } }: Refusal): void {
    this.#observer.refused(principal?.tier ?? null, code);
    if (principal === null || principal.kind === 'anonymous') return;
    const reason = keyRefusalOf(code);
    if (reason !== null) this.#refusals?.key(principal, reason);
    if (code === 'RATE_LIMITED' || code === 'COST_EXCEEDS_BURST') this.#usage?.refused(principal, 'limited');
    else if (code === 'FORBIDDEN' || code === 'DOCUMENT_NOT_TRUSTED') this.#usage?.refused(principal, 'forbidden');
  }
}
