import { countedIn, longest } from '../limits/bounds.js';
import { Limiter } from '../limits/limiter.js';
import type { Admission, Judged, Limits, OtherRoom, Subject } from '../limits/limits.js';
import { peekAll } from '../limits/peekAll.js';
import { refusalOf } from '../limits/refuse.js';
import { subjectOfKey } from '../limits/subjects.js';
import type { Room, WindowRoom } from '../limits/window.js';
import type { Observer } from '../observer/observer.js';
import type { Refusal } from '../errors/refusal.js';
import { subjectOf } from './networks.js';
import type { Principal } from './principal.js';

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
  const subject = subjectOfKey(principal, limiter.tiers);
  const judged = peekAll(limiter, subject);
  return judged instanceof Promise ? judged.then((late) => usedUp(subject, late)) : usedUp(subject, judged);
}

/** Like {@link refusalOfUsedUp}, but synchronous: returns null if the limits are not counted in this process. */
export function refusalOfKnownUsedUp(principal: Principal, limiter: Limits): Refusal | null {
  if (principal.kind === 'anonymous' || !(limiter instanceof Limiter)) return null;
  const subject = subjectOfKey(principal, limiter.tiers);
  const judged = peekAll(limiter, subject);
  // A limiter in this process returns no promise.
  return judged instanceof Promise ? null : usedUp(subject, judged);
}

function usedUp(subject: Subject, judged: Judged): Refusal | null {
  const { room, otherRooms = NO_ROOMS } = judged;
  // Not the cost: an operation may cost nothing.
  const rooms: Room[] = [room, ...otherRooms.filter(({ of }) => of !== 'cost')];
  if (rooms.every(({ rate, burst }) => rate.remaining > 0 && burst.remaining > 0)) return null;
  const counted = countedIn({ ...subject, category: undefined }, judged.limits, 1, 0);
  const waits = rooms.map(({ rate, burst }) => ({ rate: waitFor(rate), burst: waitFor(burst) }));
  return refusalOf({ outcome: 'refused', ...judged, ...longest(counted, waits) }, 1);
}

const NO_ROOMS: readonly OtherRoom[] = [];

/** Returns the milliseconds until one request fits. */
function waitFor({ remaining, returnsInMs }: WindowRoom): number {
  return remaining > 0 ? 0 : Math.max(1, returnsInMs ?? 1);
}
