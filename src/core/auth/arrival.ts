import { longest } from '../limits/bounds.js';
import { Limiter } from '../limits/limiter.js';
import type { Admission, Limits } from '../limits/limits.js';
import { refusalOf } from '../limits/refuse.js';
import type { Room, WindowRoom } from '../limits/window.js';
import type { Observer } from '../observer/observer.js';
import type { Refusal } from '../errors/refusal.js';
import { subjectOf } from './networks.js';
import type { AuthenticatedPrincipal, Principal } from './principal.js';

/**
 * Counts a request of an anonymous caller before its body is read, because parsing and validation take time even if the
 * operation is not run. If the operation costs more than one request, the plugin counts the rest.
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

/**
 * Returns the refusal for a key that has used up one of its limits, else null. Does not count the request. Without this
 * check, such a key could keep sending documents that take time to parse and validate.
 */
export function refusalOfUsedUp(principal: Principal, limiter: Limits): Refusal | null | Promise<Refusal | null> {
  if (principal.kind === 'anonymous') return null;
  const { familyId: family, tier } = principal;
  const room = limiter.peek({ family, tier });
  if (room instanceof Promise) return room.then((late) => usedUp(principal, limiter, late));
  return usedUp(principal, limiter, room);
}

/** Like {@link refusalOfUsedUp}, but synchronous: returns null if the limits are not counted in this process. */
export function refusalOfKnownUsedUp(principal: Principal, limiter: Limits): Refusal | null {
  if (principal.kind === 'anonymous' || !(limiter instanceof Limiter)) return null;
  return usedUp(principal, limiter, limiter.peek({ family: principal.familyId, tier: principal.tier }));
}

function usedUp({ tier }: AuthenticatedPrincipal, { tiers }: Limits, room: Room): Refusal | null {
  if (room.rate.remaining > 0 && room.burst.remaining > 0) return null;
  const limits = tiers[tier];
  const bound = longest(limits, { rate: waitFor(room.rate), burst: waitFor(room.burst) });
  return refusalOf({ outcome: 'refused', limits, room, ...bound }, 1);
}

/** Returns the milliseconds until one request fits. */
function waitFor({ remaining, returnsInMs }: WindowRoom): number {
  return remaining > 0 ? 0 : Math.max(1, returnsInMs ?? 1);
}
