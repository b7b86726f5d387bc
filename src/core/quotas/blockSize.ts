/**
 * A process keeps at most this share of a quota in memory, including the block that it fetches before the current one is used up.
 * This number of units can be lost if it crashes.
 */
const MAX_SHARE = 1 / 100;
/** The remaining share of a block at which the next one is fetched. */
export const AHEAD = 1 / 4;
/** The maximum part of the remaining units that a block can have. If few units remain, each block has one. */
const SHARE_OF_REST = 1 / 16;
/** The size of the first block of a counter, unless a share above is smaller. */
const FIRST = 8;

/** Blocks that are used up faster than this grow, so that there is about one lease in this time. In ms. */
const TARGET = 2_000;
/** Blocks that last longer than this shrink, in ms. */
const SLOW = 5 * TARGET;

/** The previous block of a counter. */
interface PreviousBlock {
  readonly size: number;
  /** How long it lasted, in ms. */
  readonly lasted: number;
}

/**
 * Returns the number of units to lease at once. It follows the pace at which they are used, within a share of the quota and of the
 * remaining units. At least 1.
 *
 * @param limit the quota
 * @param left the units that are not leased; null if unknown
 * @param previous null if this is the first block
 */
export function blockSize(limit: number, left: number | null, previous: PreviousBlock | null): number {
  return Math.max(1, Math.floor(Math.min(largestBlock(limit, left), byPace(previous))));
}

/** Returns the size that no block exceeds unless an operation needs more. At least 1. */
export function largestBlock(limit: number, left: number | null): number {
  return Math.max(1, Math.min((limit * MAX_SHARE) / (1 + AHEAD), (left ?? limit) * SHARE_OF_REST));
}

function byPace(previous: PreviousBlock | null): number {
  if (previous === null) return FIRST;
  const { size, lasted } = previous;
  if (lasted < TARGET / 4) return size * 4;
  if (lasted < TARGET) return size * 2;
  return lasted > SLOW ? size / 2 : size;
}
