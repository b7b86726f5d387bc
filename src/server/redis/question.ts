/** The part of a call that a script checks. */
export interface Question {
  readonly epoch: string;
  /** Bounds of Redis' clock. Outside these bounds, a script takes nothing. */
  readonly earliest: number;
  readonly latest: number;
  /** Identifies the units taken, so that they can be given back. */
  readonly tag: number;
}

/** The reply of a script: first a status and the time at which it ran. */
export type Answer = readonly [status: number, time: number, ...more: number[]];
/** The script did nothing because the epoch has changed. */
export const OTHER_EPOCH = -1;
/** The script did nothing because its time is out of bounds. */
export const OUT_OF_BOUNDS = -2;

/** Lua expression for Redis' clock in ms, with fractions. A reply of Redis has only the whole ms. */
export const REDIS_TIME = "(function() local t = redis.call('TIME') return t[1] * 1000 + t[2] / 1000 end)()";
