import type { Refusal } from '../errors/refusal.js';
import type { Admission, Subject } from './limits.js';
import { windowRefusal } from './windowRefusal.js';

/** The prefix of these windows' names in the RateLimit fields. */
export const VERIFICATION = 'verification';

/**
 * Returns the subject under which tokens verified by a key are counted: separately from its own requests, because a
 * service verifies a token for each request that it receives, from callers whose keys have windows of their own.
 */
export function verificationSubject({ familyId }: { readonly familyId: string }): Subject {
  return { family: `${VERIFICATION}/${familyId}`, tier: 'VERIFICATION' };
}

/**
 * Returns the refusal if a key verified too many tokens; null if it did not.
 *
 * @param tokens the number in the request
 */
export function verificationRefusal(admission: Admission, tokens: number): Refusal | null {
  return windowRefusal(admission, {
    category: VERIFICATION,
    cost: tokens,
    never: (limit, per) =>
      `The request verifies ${tokens} tokens, more than the ${limit} that a key may verify in ${per}. Send at most ${limit} in one request.`,
    limited: (limit, per, retryAfter) =>
      `Your key has reached the limit of ${limit} verified tokens in ${per}. Try again in ${retryAfter} s, or ask the operator to raise tiers.VERIFICATION.`,
  });
}
