import type { Admission, Subject } from './limits.js';
import type { Refusal } from '../errors/refusal.js';
import { windowRefusal } from './windowRefusal.js';

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
  return windowRefusal(admission, {
    category: KEY_CREATION,
    cost: tokens,
    never: (limit, per) =>
      `The operation creates ${tokens} keys, more than the ${limit} that a workspace may create or rotate in ${per}. Split it into operations of at most ${limit}.`,
    limited: (limit, per, retryAfter) =>
      `Your workspace has reached the limit of ${limit} created or rotated keys in ${per}. Try again in ${retryAfter} s.`,
  });
}
