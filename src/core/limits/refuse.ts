import { Refusal } from '../errors/refusal.js';
import { highest, lowest } from './bounds.js';
import type { Admission } from './limits.js';
import type { TierLimits } from './tiers.js';
import { BURST_WINDOW, RATE_WINDOW } from './window.js';

/** Whether the caller has a key. */
type Refused = 'key' | 'anonymous';

/**
 * Returns the refusal of a request that was not admitted; null if it was.
 *
 * @param cost in requests
 */
export function refusalOf(admission: Admission, cost: number, who: Refused = 'key'): Refusal | null {
  if (admission.outcome === 'admitted') return null;
  const { limit, category } = admission;
  const window = (admission.window === 'rate' ? RATE_WINDOW : BURST_WINDOW) / 1000;
  const requests = category === undefined ? 'requests' : `${category} requests`;
  const details = category === undefined ? {} : { category };
  if (admission.outcome === 'never') {
    const most = category === undefined ? `${limit}` : `${limit} ${requests}`;
    const per = window === 1 ? 'one second' : `${window} seconds`;
    return new Refusal(
      `The operation selects one root field ${cost} times and so costs ${cost} requests, more than the ${most} that ${ALLOWS[who]} in ${per}. Split it into operations of at most ${limit}.`,
      { code: 'COST_EXCEEDS_BURST', cost, burst: limit, ...details },
    );
  }
  const retryAfter = Math.max(1, Math.ceil(admission.retryAfterMs / 1000));
  const per = window === 1 ? 'second' : `${window} seconds`;
  return new Refusal(
    `Rate limit exceeded: ${limit} ${requests} per ${per}. Try again in ${retryAfter} s or ${MORE[who]}.`,
    { code: 'RATE_LIMITED', retryAfter, limit, window, ...details },
  );
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

const ALLOWS: Readonly<Record<Refused, string>> = {
  key: 'this tier allows',
  anonymous: 'a caller without a key may use',
};

const MORE: Readonly<Record<Refused, string>> = { key: 'ask for a higher tier', anonymous: 'send a key' };
