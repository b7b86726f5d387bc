/** What a script needs to know of who asks. */
export interface Question {
  readonly epoch: string;
  /** Bounds of Redis' clock. Outside of them a script takes nothing. */
  readonly earliest: number;
  readonly latest: number;
  /** Names what was taken, so that it can be given back. */
  readonly tag: number;
}

/** What every script that counts answers first: its time, and whether it was executed. */
export type Answer = readonly [status: number, time: number, ...more: number[]];
/** A script did nothing, since the epoch is another. */
export const OTHER_EPOCH = -1;
/** A script did nothing, since its time is out of bounds. */
export const OUT_OF_BOUNDS = -2;

/** Redis' clock in whole ms, in Lua. */
export const REDIS_TIME =
  "(function() local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000) end)()";
