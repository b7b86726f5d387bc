/** The length of the window that `rate` limits, in ms. */
export const RATE_WINDOW = 60_000;
/** The length of the window that `burst` limits, in ms. */
export const BURST_WINDOW = 1_000;

export type WindowName = 'rate' | 'burst';

/** The room in one window. */
export interface WindowRoom {
  /** The limit of the window. */
  readonly limit: number;
  /** The units that can be used now. 0 also after a change to a lower tier, if more is used than it allows. */
  readonly remaining: number;
  /** The time until `remaining` grows by one, in ms, at least 1; null if nothing is used or the limit is 0. */
  readonly returnsInMs: number | null;
}

/** The room in both windows. */
export interface Room {
  readonly rate: WindowRoom;
  readonly burst: WindowRoom;
}
