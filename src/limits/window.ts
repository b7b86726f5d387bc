/** Length of the window that `rate` limits, in ms. */
export const RATE_WINDOW = 60_000;
/** Length of the window that `burst` limits, in ms. */
export const BURST_WINDOW = 1_000;

export type WindowName = 'rate' | 'burst';

/** What one window has left. */
export interface WindowRoom {
  /** Units the window allows. */
  readonly limit: number;
  /** Units that could be used now; 0 also where a lower tier finds more used than it allows. */
  readonly remaining: number;
  /** Milliseconds until `remaining` grows by one, at least 1; null while nothing is used, or where nothing may be. */
  readonly returnsInMs: number | null;
}

/** What both windows have left. */
export interface Room {
  readonly rate: WindowRoom;
  readonly burst: WindowRoom;
}
