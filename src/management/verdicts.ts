import { isLimit, keyRefusalOf, type Refusals } from './audit/refusals.js';
import type { AuthenticatedPrincipal, Principal } from '../core/auth/principal.js';
import { UNOBSERVED, type Observer } from '../core/observer/observer.js';
import type { Refusal } from '../core/errors/refusal.js';
import type { Refused } from '../core/errors/refusalValue.js';
import type { DecisionLog } from '../core/guard/authorize.js';
import type { CountedOperation } from '../core/guard/compiledOperation.js';
import type { UsageLog } from './usage/usageLog.js';

export interface VerdictsOptions {
  /** Default: usage is not recorded. */
  readonly usage?: Pick<UsageLog, 'admitted' | 'costed' | 'refused'>;
  /** Default: refusals are not recorded in the audit log. */
  readonly refusals?: Pick<Refusals, 'key'>;
  /** Default: no metrics. */
  readonly observer?: Observer;
}

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

  /** @param operation null if the request is not a GraphQL operation */
  admitted(principal: AuthenticatedPrincipal, cost: number, operation: CountedOperation | null): void {
    this.#usage?.admitted(principal, cost, operation);
    this.#observer.admitted(principal.tier);
  }

  /** @param units in cost units */
  costed(principal: AuthenticatedPrincipal, units: number, operation: CountedOperation): void {
    this.#usage?.costed(principal, units, operation);
  }

  /** Records a request that failed before its operation was checked. Such a request counts as one. */
  failed(principal: AuthenticatedPrincipal): void {
    this.#usage?.admitted(principal, 1, null);
  }

  /** @param principal null if authentication failed */
  refused(
    principal: Principal | null,
    { details: { code } }: Refusal | Refused,
    operation: CountedOperation | null = null,
  ): void {
    this.#observer.refused(principal?.tier ?? null, code);
    if (principal === null || principal.kind === 'anonymous') return;
    const reason = keyRefusalOf(code);
    if (reason !== null) this.#refusals?.key(principal, reason);
    if (isLimit(code)) this.#usage?.refused(principal, 'limited', operation);
    else if (code === 'FORBIDDEN' || code === 'DOCUMENT_NOT_TRUSTED') {
      this.#usage?.refused(principal, 'forbidden', operation);
    }
  }
}
