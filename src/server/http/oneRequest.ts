import type { AuthenticatedPrincipal } from '../../core/auth/principal.js';
import type { Limits } from '../../core/limits/limits.js';
import { refusalOf } from '../../core/limits/refuse.js';
import { subjectOfKey } from '../../core/limits/subjects.js';
import type { Verdicts } from '../../management/verdicts.js';

/**
 * Takes one request from a key's limits, for requests that are not operations, and records it. Rejects with a Refusal
 * if the limits are used up.
 */
export async function takeOneRequest(
  principal: AuthenticatedPrincipal,
  limiter: Limits,
  verdicts: Verdicts,
): Promise<void> {
  const admission = await limiter.admit(subjectOfKey(principal, limiter.tiers, 'read'), 1);
  const refusal = refusalOf(admission, 1);
  if (refusal !== null) {
    verdicts.refused(principal, refusal);
    throw refusal;
  }
  verdicts.admitted(principal, 1, null);
}
