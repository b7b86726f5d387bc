import { parseDuration } from '../../shared/dates/durations.js';

/** A limit and the requests that remain. */
interface Limit {
  readonly limit: number;
  readonly remaining: number;
  readonly returnsIn: string | null;
  readonly source: string;
}

interface Windows {
  readonly rate: Limit;
  readonly burst: Limit;
}

export interface Limits extends Windows {
  readonly tier: string;
  readonly shared: readonly (Windows & { readonly subject: string })[];
}

export const LIMITS = `fragment Limits on Limits {
  tier
  rate { ...Room }
  burst { ...Room }
  shared { subject rate { ...Room } burst { ...Room } }
}
fragment Room on Limit { limit remaining returnsIn source }`;

export function limitLines({ tier, rate, burst, shared }: Limits): [string, string][] {
  return [
    ['Tier', tier],
    ['Per minute', roomOf(rate)],
    ['Per second', roomOf(burst)],
    ...shared.flatMap(({ subject, ...its }): [string, string][] => [
      [`Per minute of the ${subject.toLowerCase()}`, roomOf(its.rate)],
      [`Per second of the ${subject.toLowerCase()}`, roomOf(its.burst)],
    ]),
  ];
}

function roomOf({ limit, remaining, returnsIn, source }: Limit): string {
  const wait = returnsIn === null ? null : parseDuration(returnsIn);
  const own = source === 'OVERRIDE' ? ' (set for it)' : '';
  return `${remaining} of ${limit} left${own}${wait === null ? '' : `; the next comes back in ${Math.ceil(wait / 1000)} s`}`;
}
