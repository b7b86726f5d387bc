import type { Counted } from './bounds.js';
import type { CategoryRoom, Judged, OtherRoom } from './limits.js';
import type { WindowLimits } from './tiers.js';
import type { Room } from './window.js';

/** The limits of windows that a subject doesn't have. */
export const UNLIMITED: WindowLimits = Object.freeze({ rate: Number.MAX_SAFE_INTEGER, burst: Number.MAX_SAFE_INTEGER });

/**
 * Returns the rooms of an admission.
 *
 * @param counted the pairs of windows; the first belongs to the key
 * @param room returns the room of one of them
 */
export function roomsOf(
  counted: readonly Counted[],
  room: (index: number) => Room | undefined,
): Omit<Judged, 'limits'> {
  let categoryRoom: CategoryRoom | undefined;
  const otherRooms: OtherRoom[] = [];
  counted.forEach(({ category, of }, i) => {
    const { rate, burst } = room(i) ?? NO_ROOM;
    if (category !== undefined) categoryRoom = { category, rate, burst };
    if (of !== undefined) otherRooms.push({ of, rate, burst });
  });
  return {
    room: room(0) ?? NO_ROOM,
    ...(categoryRoom !== undefined && { categoryRoom }),
    ...(otherRooms.length > 0 && { otherRooms }),
  };
}

const FULL = { limit: 0, remaining: 0, returnsInMs: null } as const;
/** Never used, because every pair of windows has a room. Satisfies the type checker. */
const NO_ROOM: Room = { rate: FULL, burst: FULL };
