import { Refusal } from '../../errors/refusal.js';
import type { DecisionLog } from '../../guard/authorize.js';
import type { CostMode } from '../../guard/cost/costMode.js';
import { limitsOf } from '../../limits/bounds.js';
import { unitsIn } from '../../limits/costUnits.js';
import type { Admission, Limits } from '../../limits/limits.js';
import { refusalOf } from '../../limits/refuse.js';
import { subjectOfKey, withoutMeters } from '../../limits/subjects.js';
import { missingOf } from '../../scopes/grammar.js';
import { unauthenticated } from '../authenticator.js';
import type { AuthenticatedPrincipal, Principal } from '../principal.js';

interface ProxiedRequestsOptions {
  readonly limits: Limits;
  readonly log: Pick<DecisionLog, 'admitted' | 'refused'>;
  /** With `enforce`, each request takes one cost unit from limits in cost units. */
  readonly cost: CostMode;
}

/** A request that may pass the proxy. */
export interface Passed {
  readonly principal: AuthenticatedPrincipal;
  readonly admission: Admission;
}

/**
 * Decides on requests that a proxy received for another server. Each takes one request from the windows of its key, even if
 * its scopes are missing, and from its quotas if it may pass. The proxied request itself is not read, because the caller controls all of
 * it.
 */
export class ProxiedRequests {
  readonly #limits: Limits;
  readonly #log: ProxiedRequestsOptions['log'];
  readonly #cost: CostMode;

  constructor({ limits, log, cost }: ProxiedRequestsOptions) {
    this.#limits = limits;
    this.#log = log;
    this.#cost = cost;
  }

  /**
   * Not a promise if the limits are counted in this process.
   *
   * @param scopes the key must grant all of them; valid scopes
   * @throws Refusal UNAUTHENTICATED, RATE_LIMITED or FORBIDDEN, or rejects with one
   */
  decide(principal: Principal, scopes: readonly string[]): Passed | Promise<Passed> {
    if (principal.kind === 'anonymous') throw this.#refused(principal, unauthenticated('missing'));
    // Without a category, because a method says little about an operation, and a caller could send a method other than the one it uses.
    const subject = subjectOfKey(principal, this.#limits.tiers);
    const hindered = hindrance(principal, scopes);
    const charged = hindered === null ? subject : withoutMeters(subject);
    const units = unitsIn(limitsOf(subject, this.#limits.tiers), charged, this.#cost === 'enforce' ? 1 : null);
    const settle = (admission: Admission): Passed =>
      this.#judge(principal, admission, refusalOf(admission, 1, 'key', units) ?? hindered);
    const admission = this.#limits.admit(charged, 1, units);
    return admission instanceof Promise ? admission.then(settle) : settle(admission);
  }

  #judge(principal: AuthenticatedPrincipal, admission: Admission, refusal: Refusal | null): Passed {
    if (refusal !== null) throw this.#refused(principal, refusal);
    this.#log.admitted(principal, 1, null);
    return { principal, admission };
  }

  #refused(principal: Principal, refusal: Refusal): Refusal {
    this.#log.refused(principal, refusal);
    return refusal;
  }
}

function hindrance(
  { scopes: held, trustedDocuments }: AuthenticatedPrincipal,
  scopes: readonly string[],
): Refusal | null {
  // Its documents can't be checked here, so the key would allow more than its owner intended.
  if (trustedDocuments !== null) return forbidden(BOUND, []);
  const missing = missingOf(held, scopes);
  if (missing.length === 0) return null;
  return forbidden(
    `This key lacks ${missing.join(' and ')}. Use a key that has it, or ask an administrator to add it with updateApiKey.`,
    missing,
  );
}

const BOUND = 'This key may only run certain GraphQL documents. Use another key for this request.';

function forbidden(message: string, missing: readonly string[]): Refusal {
  return new Refusal(message, { code: 'FORBIDDEN', missing, fields: [] });
}
