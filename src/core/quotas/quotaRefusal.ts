import { Refusal } from '../errors/refusal.js';
import type { MeterState } from './meterState.js';
import type { QuotaSubject, QuotaUnit } from './quota.js';

/** The status of a request that a quota refuses. 402 means that the client has to buy more instead of waiting. */
export const QUOTA_STATUSES = [429, 402] as const;
export type QuotaStatus = (typeof QUOTA_STATUSES)[number];

const SHARED: Readonly<Record<QuotaSubject, string>> = {
  key: 'this key',
  owner: 'all keys of its owner',
  project: 'all keys of its project',
  workspace: 'all keys of its workspace',
};

const UNITS: Readonly<Record<QuotaUnit, string>> = { requests: 'requests', cost: 'cost units' };

/**
 * Returns the refusal of an operation that needs more than a quota or a balance has left.
 *
 * @param needed in the unit of the meter
 * @param status with 402, or if waiting never helps, the refusal has no `retryAfter`, from which its status follows
 */
export function quotaRefusal(
  { meter, limit, used, remaining, resetsAt, resetsInMs }: MeterState,
  needed: number,
  status: QuotaStatus,
): Refusal {
  const { unit, subject } = meter;
  const ends = resetsAt === null ? null : new Date(resetsAt).toISOString();
  const what =
    meter.kind === 'quota'
      ? `Quota exceeded: ${SHARED[subject]} may use ${limit} ${UNITS[unit]} per ${meter.window}, and ${used} are used`
      : `Not enough credits: ${remaining} ${UNITS[unit]} remain for ${SHARED[subject]}`;
  const need = needed === 1 ? '' : `, but this operation needs ${needed}`;
  const until = ends === null ? 'Add credits' : `It is renewed at ${ends}. Wait until then, or ask for more`;
  const retryAfter = resetsInMs === null || status === 402 ? null : Math.max(1, Math.ceil(resetsInMs / 1000));
  return new Refusal(`${what}${need}. ${until}.`, {
    code: 'QUOTA_EXCEEDED',
    limit,
    used,
    remaining,
    resetsAt: ends,
    window: meter.kind === 'quota' ? meter.window : null,
    unit,
    subject,
    ...(retryAfter !== null && { retryAfter }),
  });
}
