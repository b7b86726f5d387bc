import { limitsOf } from './bounds.js';
import type { Judged, Limits, OtherRoom, SharedWindows, Subject } from './limits.js';
import type { TierLimits } from './tiers.js';
import type { Room } from './window.js';

/** Returns the room in all windows of a subject, except the windows of a category. Counts nothing. */
export function peekAll(limits: Pick<Limits, 'peek' | 'tiers'>, subject: Subject): Judged | Promise<Judged> {
  const own = subject.category === undefined ? subject : { ...subject, category: undefined };
  const its = limitsOf(subject, limits.tiers);
  const room = limits.peek(own);
  if (subject.shared === undefined && its.cost === null) {
    return room instanceof Promise ? room.then((late) => ({ limits: its, room: late })) : { limits: its, room };
  }
  const shared = (subject.shared ?? []).map(
    (windows) => [windows.of, limits.peek(subjectOfShared(windows, subject, its))] as const,
  );
  const others = its.cost === null ? shared : [...shared, ['cost', limits.peek(own, 'cost')] as const];
  const judged = (key: Room, rooms: readonly Room[]): Judged => ({
    limits: its,
    room: key,
    otherRooms: others.flatMap(([of], i): OtherRoom[] => (rooms[i] === undefined ? [] : [{ of, ...rooms[i] }])),
  });
  const rooms = others.map(([, each]) => each);
  const isHere = (each: Room | Promise<Room>): each is Room => !(each instanceof Promise);
  if (isHere(room) && rooms.every(isHere)) return judged(room, rooms);
  return Promise.all([room, ...rooms].map(async (each) => each)).then(([key = NO_ROOM, ...more]) => judged(key, more));
}

const FULL = { limit: 0, remaining: 0, returnsInMs: null } as const;
/** Never used: there is a room for the key. Satisfies the type checker. */
const NO_ROOM: Room = { rate: FULL, burst: FULL };

/** Returns the subject to peek at shared windows. */
export function subjectOfShared({ name, rate, burst }: SharedWindows, { tier }: Subject, limits: TierLimits): Subject {
  return { family: name, tier, limits: { ...limits, rate, burst, categories: {}, cost: null } };
}
