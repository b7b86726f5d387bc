import { parseDuration } from '../../shared/dates/durations.js';

/** A limit and the requests that remain. */
interface Limit {
  readonly limit: number;
  readonly remaining: number;
  readonly returnsIn: string | null;
  readonly source: string;
}

interface Counted {
  readonly unit: string;
  /** The subject whose keys share it: KEY, OWNER, PROJECT or WORKSPACE. */
  readonly subject: string;
}

interface Quota extends Counted {
  readonly window: string;
  readonly limit: number;
  readonly remaining: number;
  readonly resetsAt: string;
}

interface Balance extends Counted {
  readonly balance: number;
  readonly refill: { readonly amount: number } | null;
  readonly refillsAt: string | null;
}

interface Windows {
  readonly rate: Limit;
  readonly burst: Limit;
  readonly quotas: readonly Quota[];
  readonly credits: Balance | null;
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
  quotas { window unit subject limit remaining resetsAt }
  credits { unit subject balance refill { amount } refillsAt }
}
fragment Room on Limit { limit remaining returnsIn source }`;

export function limitLines({ tier, rate, burst, shared, quotas, credits }: Limits): [string, string][] {
  return [
    ['Tier', tier],
    ['Per minute', roomOf(rate)],
    ['Per second', roomOf(burst)],
    ...shared.flatMap(({ subject, ...its }): [string, string][] => [
      [`Per minute of the ${subject.toLowerCase()}`, roomOf(its.rate)],
      [`Per second of the ${subject.toLowerCase()}`, roomOf(its.burst)],
    ]),
    ...quotas.map((quota): [string, string] => [`Per ${quota.window.toLowerCase()}`, quotaInWords(quota)]),
    ...(credits === null ? [] : [['Credits', balanceInWords(credits)] as [string, string]]),
  ];
}

function roomOf({ limit, remaining, returnsIn, source }: Limit): string {
  const wait = returnsIn === null ? null : parseDuration(returnsIn);
  const own = source === 'OVERRIDE' ? ' (set for it)' : '';
  return `${remaining} of ${limit} left${own}${wait === null ? '' : `; the next comes back in ${Math.ceil(wait / 1000)} s`}`;
}

function quotaInWords(quota: Quota): string {
  const { limit, remaining, resetsAt } = quota;
  return `${remaining} of ${limit} ${unitsOf(quota)} left; renewed at ${resetsAt}`;
}

function balanceInWords(balance: Balance): string {
  const { refill, refillsAt } = balance;
  const next = refill === null || refillsAt === null ? '' : `; raised to ${refill.amount} at ${refillsAt}`;
  return `${balance.balance} ${unitsOf(balance)} left${next}`;
}

function unitsOf({ unit, subject }: Counted): string {
  const units = unit === 'COST' ? 'cost units' : 'requests';
  return subject === 'KEY' ? units : `${units} of the ${subject.toLowerCase()}`;
}
