import { isLimit, keyRefusalOf, type Refusals } from './audit/refusals.js';
import type { AuthenticatedPrincipal, Principal } from '../core/auth/principal.js';
import { UNOBSERVED, type Observer } from '../core/observer/observer.js';
import type { Refusal } from '../core/errors/refusal.js';
import type { DecisionLog } from '../core/guard/authorize.js';
import type { UsageLog } from './usage/usageLog.js';

export interface VerdictsOptions {
  /** Default: usage is not recorded. */
  readonly usage?: Pick<UsageLog, 'admitted' | 'refused'>;
  /** Default: refusals are not recorded in the audit log. */
  readonly refusals?: Pick<Refusals, 'key'>;
  /** Default: no metrics. */
  readonly observer?: Observer;
}

const NO_FIELDS: readonly string[] = Object.freeze([]);

/** Records decisions about operations in the key's usage, the audit log and the metrics. Synchronous. */
export class Verdicts implements DecisionLog {
  readonly #usage: VerdictsOptions['usage'];
  readonly #refusals: VerdictsOptions['refusals'];
  readonly #observer: Observer;

  constructor({ usage, refusals, observer = UNOBSERVED }: VerdictsOptions) {
    this.#usage = usage;
    this.#refusals = refusals;
    this.#observer = observer;
  }

  /**
   * @param fields coordinates of the guarded fields that the operation selects; the same list for the same operation
   */
  admitted(principal: AuthenticatedPrincipal, cost: number, fields: readonly string[] = NO_FIELDS): void {
    this.#usage?.admitted(principal, cost, fields);
    this.#observer.admitted(principal.tier);
  }

  /** Records a request that failed before its operation was checked. Such a request counts as one. */
  failed(principal: AuthenticatedPrincipal): void {
    this.#usage?.admitted(principal, 1, NO_FIELDS);
  }

  /** @param principal null: authentication failed */
  refused(principal: Principal | null, { details: { code } }: Refusal): void {
    this.#observer.refused(principal?.tier ?? null, code);
    if (principal === null || principal.kind === 'anonymous') return;
    const reason = keyRefusalOf(code);
    if (reason !== null) this.#refusals?.key(principal, reason);
    if (isLimit(code)) this.#usage?.refused(principal, 'limited');
    else if (code === 'FORBIDDEN' || code === 'DOCUMENT_NOT_TRUSTED') this.#usage?.refused(principal, 'forbidden');
  }
}
