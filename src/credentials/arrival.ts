import type { Admission, Limits } from '../limits/limits.js';
import { refusalOf } from '../limits/refuse.js';
import type { Observer } from '../metrics/observer.js';
import { subjectOf } from './networks.js';
import type { Principal } from './principal.js';

/**
 * Counts one request of an anonymous caller as it arrives, before its body is read: parsing and validating take time
 * whether or not the operation is run. What the operation costs beyond one is counted by the plugin.
 *
 * @throws Refusal RATE_LIMITED, or rejects with it
 */
export function countArrival(principal: Principal, limiter: Limits, observer: Observer): void | Promise<void> {
  const subject = principal.kind === 'anonymous' ? subjectOf(principal) : null;
  if (subject === null) return;
  const settle = (admission: Admission): void => {
    const refusal = refusalOf(admission, 1, 'anonymous');
    if (refusal === null) return;
    observer.refused(null, refusal.details.code);
    throw refusal;
  };
  const admission = limiter.admit(subject, 1);
  if (admission instanceof Promise) return admission.then(settle);
  settle(admission);
}
