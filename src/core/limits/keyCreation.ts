import { setTimeout as delay } from 'node:timers/promises';
import type { Admission, Limits, Subject } from './limits.js';
import type { Refusal } from '../errors/refusal.js';
import { rowOf } from './tiers.js';
import { windowRefusal } from './windowRefusal.js';

/**
 * The mutations that create a token and hash it with bcrypt, which takes about 50 ms of CPU time at cost 10. Other
 * operations take less than one. A test runs every mutation and compares those that hash with this list.
 */
export const CREATES_TOKEN: readonly string[] = Object.freeze([
  'createApiKey',
  'createApiKeys',
  'rotateApiKey',
  'createWorkspace',
]);

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

/** How often an operation that creates several keys waits for room in the window of a second before it gives up. */
const MAX_WAITS = 10;

/**
 * Counts the keys of an operation that creates several at once. Before the operation runs, one key was counted for each
 * of its root fields, because their number depends on its variables.
 *
 * The window of a minute must have room for all of them. The window of a second only spreads them, because the operation
 * hashes them one after another.
 */
export class BulkCreation {
  readonly #limits: Limits;
  readonly #subject: Subject;
  /** The number of keys that were counted but not hashed yet. */
  #counted = 1;

  constructor(limits: Limits, principal: { readonly workspaceId: string }) {
    this.#limits = limits;
    this.#subject = creationSubject(principal);
  }

  /** @throws Refusal RATE_LIMITED or COST_EXCEEDS_BURST if the workspace may not create this number of keys now */
  async assertRoom(tokens: number): Promise<void> {
    const room = await this.#limits.peek(this.#subject);
    const { rate } = room;
    if (tokens - this.#counted <= rate.remaining) return;
    const limits = rowOf(this.#limits.tiers, this.#subject.tier);
    const common = { limits, room, window: 'rate', limit: rate.limit } as const;
    const refusal = creationRefusal(
      tokens > rate.limit
        ? { outcome: 'never', ...common }
        : { outcome: 'refused', ...common, retryAfterMs: rate.returnsInMs ?? 1 },
      tokens,
    );
    if (refusal !== null) throw refusal;
  }

  /**
   * Counts keys that are about to be hashed. Waits for room in the window of a second.
   *
   * @throws Refusal if other operations have used up the window of a minute
   */
  async take(tokens: number): Promise<void> {
    const { burst } = rowOf(this.#limits.tiers, this.#subject.tier);
    let left = Math.max(0, tokens - this.#counted);
    this.#counted = Math.max(0, this.#counted - tokens);
    for (let waits = 0; left > 0;) {
      const step = Math.min(left, burst);
      const admission = await this.#limits.admit(this.#subject, step);
      if (admission.outcome === 'admitted') {
        left -= step;
        waits = 0;
      } else if (admission.outcome === 'refused' && admission.window === 'burst' && waits < MAX_WAITS) {
        // Other operations of the workspace may take the room first.
        await delay(admission.retryAfterMs);
        waits += 1;
      } else throw creationRefusal(admission, step) ?? new Error('The keys were not counted.');
    }
  }
}
