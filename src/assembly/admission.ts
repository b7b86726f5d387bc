import { countArrival, refusalOfKnownUsedUp, refusalOfUsedUp } from '../core/auth/arrival.js';
import type { Principal } from '../core/auth/principal.js';
import type { Refused } from '../core/errors/refusalValue.js';
import { keyEvent } from '../core/keys/keyEvent.js';
import { Meters } from '../core/quotas/meters.js';
import { QuotaLimits } from '../core/quotas/quotaLimits.js';
import { checkedLimits } from '../core/limits/checked.js';
import { Limiter } from '../core/limits/limiter.js';
import type { Limits } from '../core/limits/limits.js';
import type { Verdicts } from '../management/verdicts.js';
import type { Foundation } from './foundation.js';
import type { LatchkeyOptions } from './latchkeyOptions.js';

/** Counts requests before their operation is known. */
export interface Admission {
  /** The counter that was passed or created. */
  readonly counter: Limits;
  /** The counter, with checked results. */
  readonly limiter: Limits;
  /** The same counter, with quotas and credits. */
  readonly limits: Limits;
  /** The quotas and credits. */
  readonly meters: Meters;
  readonly arrived: (principal: Principal) => void | Promise<void>;
  readonly checkLimits: (principal: Principal) => void | Promise<void>;
  readonly usedUp: (principal: Principal) => Refused | null;
}

export function openAdmission(foundation: Foundation, verdicts: Verdicts): Admission {
  const { options, observer, started } = foundation;
  const counter = limiterOf(options);
  if (counter !== options.limits) started.push(() => counter.close());
  const limiter = checkedLimits('createLatchkey: limits', counter);
  const meters = metersOf(foundation);
  started.push(() => meters.close());
  return {
    counter,
    limiter,
    meters,
    limits: new QuotaLimits({ windows: limiter, meters, status: foundation.configured.quotaStatus }),
    arrived: (principal) => countArrival(principal, limiter, observer),
    checkLimits: (principal) => refuseUsedUp(principal, limiter, verdicts),
    usedUp(principal) {
      const refused = refusalOfKnownUsedUp(principal, limiter);
      if (refused !== null) verdicts.refused(principal, refused);
      return refused;
    },
  };
}

function metersOf({ store, now, keyEvents }: Foundation): Meters {
  return new Meters({
    store: store.quotas,
    now,
    onThreshold(meter, percent, resetsAt) {
      if (meter.kind !== 'quota' || !keyEvents.areHeard) return;
      const { window, unit, subject, limit, key } = meter;
      const quota = { window, unit, subject, limit, percent, resetsAt };
      keyEvents.tell(keyEvent('QUOTA_USED', key, now(), { quota }));
    },
  });
}

/** @throws Refusal RATE_LIMITED, or rejects with one, for a key that has used up one of its limits */
function refuseUsedUp(principal: Principal, limiter: Limits, verdicts: Verdicts): void | Promise<void> {
  const settle = (refused: Refused | null): void => {
    if (refused === null) return;
    verdicts.refused(principal, refused);
    throw refused.toError();
  };
  const found = refusalOfUsedUp(principal, limiter);
  if (found instanceof Promise) return found.then(settle);
  settle(found);
}

/** Requires a single table of tiers, so that the displayed limits are the ones that are enforced. @throws TypeError */
function limiterOf({ limits, tiers, now }: LatchkeyOptions): Limits {
  if (limits === undefined) {
    return new Limiter({ ...(now !== undefined && { clock: now }), ...(tiers !== undefined && { tiers }) });
  }
  if (tiers === undefined || limits.tiers === tiers) return limits;
  throw new TypeError(
    'createLatchkey: tiers is not the table of limits. Pass the table where you create limits, and leave tiers out here.',
  );
}
