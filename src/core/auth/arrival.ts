import { countedIn, longest, type Waits } from '../limits/bounds.js';
import { Limiter } from '../limits/limiter.js';
import type { Admission, Judged, Limits, OtherRoom, Subject } from '../limits/limits.js';
import { peekAll } from '../limits/peekAll.js';
import { limitedBy, refusalOf } from '../limits/refuse.js';
import { subjectOfKey } from '../limits/subjects.js';
import type { Room, WindowRoom } from '../limits/window.js';
import type { Observer } from '../observer/observer.js';
import type { Refused } from '../errors/refusalValue.js';
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
export function refusalOfUsedUp(principal: Principal, limiter: Limits): Refused | null | Promise<Refused | null> {
  if (principal.kind === 'anonymous') return null;
  const subject = subjectOfKey(principal, limiter.tiers);
  if (hasRoomFor(subject, limiter)) return null;
  const judged = peekAll(limiter, subject);
  return judged instanceof Promise ? judged.then((late) => usedUp(subject, late)) : usedUp(subject, judged);
}

/** Like {@link refusalOfUsedUp}, but synchronous: returns null if the limits are not counted in this process. */
export function refusalOfKnownUsedUp(principal: Principal, limiter: Limits): Refused | null {
  if (principal.kind === 'anonymous' || !(limiter instanceof Limiter)) return null;
  const subject = subjectOfKey(principal, limiter.tiers);
  if (hasRoomFor(subject, limiter)) return null;
  const judged = peekAll(limiter, subject);
  // A limiter in this process returns no promise.
  return judged instanceof Promise ? null : usedUp(subject, judged);
}

/** Nearly all requests end here, so it takes the least time. false: look at the windows. */
function hasRoomFor(subject: Subject, limiter: Limits): boolean {
  return subject.shared === undefined && limiter instanceof Limiter && limiter.hasRoom(subject);
}

function usedUp(subject: Subject, { limits, room, otherRooms = NO_ROOMS }: Judged): Refused | null {
  if (hasRoom(room) && otherRooms.every((other) => other.of === 'cost' || hasRoom(other))) return null;
  const waits = [waitsFor(room)];
  for (const other of otherRooms) if (other.of !== 'cost') waits.push(waitsFor(other));
  const bound = longest(countedIn(subject, limits, 1, 0), waits);
  return limitedBy(bound, bound.retryAfterMs);
}

/** The cost is not included, because an operation may cost nothing. */
function hasRoom({ rate, burst }: Room): boolean {
  return rate.remaining > 0 && burst.remaining > 0;
}

const NO_ROOMS: readonly OtherRoom[] = [];

function waitsFor({ rate, burst }: Room): Waits {
  return { rate: waitFor(rate), burst: waitFor(burst) };
}

/** Returns the milliseconds until one request fits. */
function waitFor({ remaining, returnsInMs }: WindowRoom): number {
  return remaining > 0 ? 0 : Math.max(1, returnsInMs ?? 1);
}
