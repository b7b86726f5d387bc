import type { Admission, Subject } from './limits.js';
import { RATE_WINDOW, BURST_WINDOW } from './window.js';
import { Refusal } from '../errors/refusal.js';

/**
 * The mutations that create a token and hash it with bcrypt, which takes about 50 ms of CPU time at cost 10. Other
 * operations take less than one. A test runs every mutation and compares those that hash with this list.
 */
export const CREATES_TOKEN: readonly string[] = Object.freeze(['createApiKey', 'rotateApiKey', 'createWorkspace']);

/** The prefix of these windows' names in the RateLimit fields. */
export const KEY_CREATION = 'key-creation';

/**
 * Returns the subject that is counted: all keys of the caller's workspace together, even if they create keys in other
 * workspaces.
 */
export function creationSubject({ workspaceId }: { readonly workspaceId: string }): Subject {
  return { family: `${KEY_CREATION}/${workspaceId}`, tier: 'KEY_CREATION' };
}

/**
 * Returns the refusal if the workspace created too many keys; null if it did not.
 *
 * @param tokens the number that the operation creates
 */
export function creationRefusal(admission: Admission, tokens: number): Refusal | null {
  if (admission.outcome === 'admitted') return null;
  const { limit } = admission;
  const window = (admission.window === 'rate' ? RATE_WINDOW : BURST_WINDOW) / 1000;
  const per = window === 1 ? 'one second' : `${window} seconds`;
  if (admission.outcome === 'never') {
    return new Refusal(
      `The operation creates ${tokens} keys, more than the ${limit} that a workspace may create or rotate in ${per}. Split it into operations of at most ${limit}.`,
      { code: 'COST_EXCEEDS_BURST', cost: tokens, burst: limit, category: KEY_CREATION },
    );
  }
  const retryAfter = Math.max(1, Math.ceil(admission.retryAfterMs / 1000));
  return new Refusal(
    `Your workspace has reached the limit of ${limit} created or rotated keys in ${per}. Try again in ${retryAfter} s.`,
    { code: 'RATE_LIMITED', retryAfter, limit, window, category: KEY_CREATION },
  );
}
