import { parseDuration } from '../../shared/dates/durations.js';

/** A limit and the requests that remain. */
interface Limit {
  readonly limit: number;
  readonly remaining: number;
  readonly returnsIn: string | null;
}

export interface Limits {
  readonly tier: string;
  readonly rate: Limit;
  readonly burst: Limit;
}

export const LIMITS = `fragment Limits on Limits {
  tier
  rate { limit remaining returnsIn }
  burst { limit remaining returnsIn }
}`;

export function limitLines({ tier, rate, burst }: Limits): [string, string][] {
  return [
    ['Tier', tier],
    ['Per minute', roomOf(rate)],
    ['Per second', roomOf(burst)],
  ];
}

function roomOf({ limit, remaining, returnsIn }: Limit): string {
  const wait = returnsIn === null ? null : parseDuration(returnsIn);
  return `${remaining} of ${limit} left${wait === null ? '' : `; the next comes back in ${Math.ceil(wait / 1000)} s`}`;
}
