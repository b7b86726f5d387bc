import type { Meter } from './quotaMeter.js';
import type { MeterState } from './meterState.js';

const names = new WeakMap<Meter, { readonly name: string; readonly policy: string }>();

/** Returns the name of a quota in the RateLimit fields, such as `workspace-month` or `key-credits`. */
export function nameOfMeter(meter: Meter): string {
  return namesOf(meter).name;
}

/**
 * Returns the policies of quotas, each with a comma before it: `, "key-month";q=100000`. Months have no `w`: the draft defines it as
 * the length of the window, which differs from month to month, and not as the remaining time. A balance that is never refilled has no
 * policy.
 */
export function quotaPolicies(states: readonly MeterState[]): string {
  let policies = '';
  for (const { meter } of states) policies += namesOf(meter).policy;
  return policies;
}

/** By meter, so that nothing is formatted per request. */
function namesOf(meter: Meter): { readonly name: string; readonly policy: string } {
  let known = names.get(meter);
  if (known === undefined) {
    const name = `${meter.subject}-${meter.kind === 'quota' ? meter.window : 'credits'}${meter.unit === 'cost' ? '-cost' : ''}`;
    names.set(meter, (known = { name, policy: policyOf(name, meter) }));
  }
  return known;
}

const SECONDS = { hour: ';w=3600', day: ';w=86400', month: '' } as const;

function policyOf(name: string, meter: Meter): string {
  if (meter.kind === 'quota') return `, "${name}";q=${meter.limit}${SECONDS[meter.window]}`;
  return meter.refill === null ? '' : `, "${name}";q=${meter.refill.amount}${SECONDS[meter.refill.every]}`;
}

/**
 * Returns the quota with fewer remaining units than a window; null if there is none.
 *
 * @param window the limit and the remaining requests of the tightest window
 */
export function bindingQuota(
  states: readonly MeterState[],
  window: { readonly limit: number; readonly remaining: number },
): MeterState | null {
  let least: MeterState | null = null;
  for (const state of states) {
    const { remaining, meter, limit } = state;
    // Cost and requests can't be compared, but their remaining shares can.
    const isLess =
      meter.unit === 'requests'
        ? remaining < (least?.remaining ?? window.remaining)
        : least === null && limit !== null && remaining * window.limit < window.remaining * limit;
    if (isLess) least = state;
  }
  return least;
}
