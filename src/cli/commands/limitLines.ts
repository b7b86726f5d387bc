import { parseDuration } from '../../shared/dates/durations.js';
import { shortMoment } from '../times.js';
import { quotaName } from './quotaText.js';

/** A limit and the requests that remain. */
export interface Limit {
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

export interface Quota extends Counted {
  readonly window: string;
  readonly limit: number;
  readonly used: number;
  readonly remaining: number;
  readonly resetsAt: string;
  readonly source: string;
  /** The end of the override that sets the quota. */
  readonly until: string | null;
}

export interface Balance extends Counted {
  readonly balance: number;
  readonly refill: { readonly amount: number; readonly every: string; readonly anchorDay: number | null } | null;
  readonly refillsAt: string | null;
}

interface Windows {
  readonly rate: Limit;
  readonly burst: Limit;
}

export interface Limits extends Windows {
  readonly tier: string;
  readonly shared: readonly (Windows & { readonly subject: string })[];
  readonly quotas: readonly Quota[];
  readonly credits: Balance | null;
  readonly cost: (Windows & { readonly max: number }) | null;
}

/** The fragments of windows, quotas and credits. */
export const PARTS = `fragment Room on Limit { limit remaining returnsIn source }
fragment Quota on KeyQuota { window unit subject limit used remaining resetsAt source until }
fragment Credits on CreditBalance { unit subject balance refill { amount every anchorDay } refillsAt }`;

export const LIMITS = `fragment Limits on Limits {
  tier
  rate { ...Room }
  burst { ...Room }
  shared { subject rate { ...Room } burst { ...Room } }
  quotas { ...Quota }
  credits { ...Credits }
  cost { max rate { ...Room } burst { ...Room } }
}
${PARTS}`;

export function limitLines({ tier, rate, burst, shared, quotas, credits, cost }: Limits): [string, string][] {
  return [
    ['Tier', tier],
    ['Per minute', roomOf(rate)],
    ['Per second', roomOf(burst)],
    ...shared.flatMap(({ subject, ...its }): [string, string][] => [
      [`Per minute of the ${subject.toLowerCase()}`, roomOf(its.rate)],
      [`Per second of the ${subject.toLowerCase()}`, roomOf(its.burst)],
    ]),
    ...quotaLines(quotas, credits),
    ...(cost === null
      ? []
      : [
          ['Cost of an operation', `at most ${cost.max}`] as [string, string],
          ['Cost per minute', roomOf(cost.rate)] as [string, string],
          ['Cost per second', roomOf(cost.burst)] as [string, string],
        ]),
  ];
}

/** Returns the lines of quotas and credits. */
export function quotaLines(quotas: readonly Quota[], credits: Balance | null): [string, string][] {
  return [
    ...quotas.map((quota): [string, string] => [`Per ${quota.window.toLowerCase()}`, quotaInWords(quota)]),
    ...(credits === null ? [] : [['Credits', balanceInWords(credits)] as [string, string]]),
  ];
}

export function roomOf({ limit, remaining, returnsIn, source }: Limit): string {
  const wait = returnsIn === null ? null : parseDuration(returnsIn);
  return `${remaining} of ${limit} left${setForIt(source)}${wait === null ? '' : `; the next comes back in ${Math.ceil(wait / 1000)} s`}`;
}

function quotaInWords(quota: Quota): string {
  const { limit, used, remaining, resetsAt, source } = quota;
  return `${used} of ${limit} ${unitsOf(quota)} used, ${remaining} left${setForIt(source)}; renewed at ${shortMoment(resetsAt)} UTC`;
}

export function balanceInWords(balance: Balance): string {
  const { refill, refillsAt } = balance;
  const next =
    refill === null || refillsAt === null
      ? ''
      : `; raised to ${quotaName({ window: refill.every, limit: refill.amount, anchorDay: refill.anchorDay })}, next at ${shortMoment(refillsAt)} UTC`;
  return `${balance.balance} ${unitsOf(balance)} left${next}`;
}

function setForIt(source: string): string {
  return source === 'OVERRIDE' ? ' (set for it)' : '';
}

function unitsOf({ unit, subject }: Counted): string {
  const units = unit === 'COST' ? 'cost units' : 'requests';
  return subject === 'KEY' ? units : `${units} of the ${subject.toLowerCase()}`;
}
