import { Refusal } from '../errors/refusal.js';
import { Refused } from '../errors/refusalValue.js';
import { highest, lowest } from './bounds.js';
import type { Admission, Bound } from './limits.js';
import type { TierLimits } from './tiers.js';
import { BURST_WINDOW, RATE_WINDOW } from './window.js';

/** Whether the caller has a key. */
type Caller = 'key' | 'anonymous';

/**
 * Returns the refusal of a request that was not admitted; null if it was.
 *
 * @param requests what it would have taken, in requests
 * @param cost the same in cost units
 */
export function refusalOf(admission: Admission, requests: number, who: Caller = 'key', cost = 0): Refusal | null {
  if (admission.outcome === 'admitted') return null;
  if (admission.outcome === 'refused' && admission.quota !== undefined) return admission.quota.refusal;
  return admission.outcome === 'never'
    ? tooCostly(admission, admission.of === 'cost' ? cost : requests, who)
    : limitedBy(admission, admission.retryAfterMs, who).toError();
}

function secondsOf({ window }: Bound): number {
  return (window === 'rate' ? RATE_WINDOW : BURST_WINDOW) / 1000;
}

function tooCostly(bound: Bound, amount: number, who: Caller): Refusal {
  const { limit, category, of } = bound;
  const window = secondsOf(bound);
  const per = window === 1 ? 'one second' : `${window} seconds`;
  const details = { code: 'COST_EXCEEDS_BURST', cost: amount, burst: limit, ...detailsOf({ category, of }) } as const;
  if (of === 'cost') {
    return new Refusal(
      `The operation costs ${amount} units, more than the ${limit} that ${ALLOWS[who]} in ${per}. Request fewer fields or shorter lists.`,
      details,
    );
  }
  const most = category === undefined ? `${limit}` : `${limit} ${category} requests`;
  const allows = of === undefined ? ALLOWS[who] : `the ${of} of this key may use`;
  return new Refusal(
    `The operation selects one root field ${amount} times and so costs ${amount} requests, more than the ${most} that ${allows} in ${per}. Split it into operations of at most ${limit}.`,
    details,
  );
}

/** Returns the refusal of a request that a window admits later. */
export function limitedBy(bound: Bound, retryAfterMs: number, who: Caller = 'key'): Refused {
  const { limit, category, of } = bound;
  const window = secondsOf(bound);
  const retryAfter = Math.max(1, Math.ceil(retryAfterMs / 1000));
  const per = window === 1 ? 'second' : `${window} seconds`;
  const units = of === 'cost' ? 'cost units' : category === undefined ? 'requests' : `${category} requests`;
  const sharing = of === undefined || of === 'cost' ? '' : ` for all keys of this ${of}`;
  return new Refused(
    `Rate limit exceeded: ${limit} ${units} per ${per}${sharing}. Try again in ${retryAfter} s or ${MORE[who]}.`,
    { code: 'RATE_LIMITED', retryAfter, limit, window, ...detailsOf({ category, of }) },
  );
}

function detailsOf({ category, of }: Pick<Bound, 'category' | 'of'>) {
  return {
    ...(category !== undefined && { category }),
    ...(of === 'cost' && { unit: of }),
    ...(of !== undefined && of !== 'cost' && { subject: of }),
  };
}

/**
 * Returns the refusal of an anonymous operation that costs more than its limits can ever admit; null if it does not.
 */
export function refuseTooCostly(limits: TierLimits, cost: number): Refusal | null {
  if (cost <= highest(limits, undefined)) return null;
  const none = { remaining: 0, returnsInMs: null };
  const room = { rate: { limit: limits.rate, ...none }, burst: { limit: limits.burst, ...none } };
  return refusalOf({ outcome: 'never', limits, room, ...lowest(limits) }, cost, 'anonymous');
}

const ALLOWS: Readonly<Record<Caller, string>> = {
  key: 'this tier allows',
  anonymous: 'a caller without a key may use',
};

const MORE: Readonly<Record<Caller, string>> = { key: 'ask for a higher tier', anonymous: 'send a key' };
