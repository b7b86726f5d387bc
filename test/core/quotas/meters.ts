import {
  metersOf,
  type CreditMeter,
  type MeteredHolder,
  type QuotaMeter,
} from '../../../src/core/quotas/quotaMeter.js';
import type { Meters } from '../../../src/core/quotas/meters.js';
import type { Amounts, Taken, TooFew } from '../../../src/core/quotas/meterState.js';
import type { Credits, Quota } from '../../../src/core/quotas/quota.js';
import { unique } from '../store/fixtures.js';

export const ONE: Amounts = { requests: 1, cost: 1 };

/** Returns a key with its own subjects. */
export function aHolder(fields: Partial<MeteredHolder> = {}): MeteredHolder {
  return {
    keyId: unique('key'),
    familyId: unique('key'),
    workspaceId: unique('ws'),
    projectId: null,
    ownerId: null,
    ...fields,
  };
}

/** Returns a meter of a new subject. */
export function aQuota(fields: Partial<Quota> & { readonly limit: number }, holder = aHolder()): QuotaMeter {
  const quota: Quota = { window: 'month', unit: 'requests', subject: 'key', ...fields };
  const [meter] = metersOf({ quotas: [quota], credits: null }, holder);
  if (meter?.kind !== 'quota') throw new Error('There is no meter.');
  return meter;
}

export function someCredits(fields: Partial<Credits> = {}, holder = aHolder()): CreditMeter {
  const credits: Credits = { unit: 'requests', subject: 'key', refill: null, ...fields };
  const [meter] = metersOf({ quotas: [], credits }, holder);
  if (meter?.kind !== 'credits') throw new Error('There is no meter.');
  return meter;
}

/** Takes one request at a time until it is refused. Returns the number, and the refusal. */
export async function drained(
  meters: Meters,
  meter: QuotaMeter | CreditMeter,
): Promise<{ readonly admitted: number; readonly refusal: TooFew }> {
  for (let admitted = 0; ; admitted++) {
    const result: Taken | TooFew = await meters.take([meter], ONE);
    if (result.outcome === 'refused') return { admitted, refusal: result };
  }
}

/**
 * Returns the number of units of a quota or a balance that are admitted at least, although processes are killed: each kill loses one block,
 * which is at most 1 % of the quota, and the requests that were not finished.
 *
 * @param atOnce the requests that run at the same time in one process
 */
export function leastAdmitted(limit: number, kills: number, atOnce: number): number {
  return limit - kills * (limit / 100 + atOnce);
}
