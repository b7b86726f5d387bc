import { Refusal } from '../refusals/refusal.js';
import type { Admission } from './limits.js';
import { BURST_WINDOW, RATE_WINDOW } from './window.js';

/** An admission that did not admit, as a refusal; null for one that did. @param cost what was asked for, in requests */
export function refusalOf(admission: Admission, cost: number): Refusal | null {
  if (admission.outcome === 'admitted') return null;
  const { limit, category } = admission;
  const window = (admission.window === 'rate' ? RATE_WINDOW : BURST_WINDOW) / 1000;
  const requests = category === undefined ? 'requests' : `${category} requests`;
  const details = category === undefined ? {} : { category };
  if (admission.outcome === 'never') {
    const most = category === undefined ? `${limit}` : `${limit} ${requests}`;
    const per = window === 1 ? 'one second' : `${window} seconds`;
    return new Refusal(
      `The operation selects one root field ${cost} times and so costs ${cost} requests, more than the ${most} that this tier allows in ${per}. Split it into operations of at most ${limit}.`,
      { code: 'COST_EXCEEDS_BURST', cost, burst: limit, ...details },
    );
  }
  const retryAfter = Math.max(1, Math.ceil(admission.retryAfterMs / 1000));
  const per = window === 1 ? 'a second' : `${window} seconds`;
  return new Refusal(
    `The limit of ${limit} ${requests} in ${per} is reached. Try again in ${retryAfter} s, or ask for a higher tier.`,
    { code: 'RATE_LIMITED', retryAfter, limit, window, ...details },
  );
}
