import type { Explanation } from '../../core/guard/explain.js';
import { creationSubject } from '../../core/limits/keyCreation.js';
import type { Limits } from '../../core/limits/limits.js';
import { peekAll } from '../../core/limits/peekAll.js';
import { subjectOfKey, type Limited } from '../../core/limits/subjects.js';
import type { Room } from '../../core/limits/window.js';
import type { Meters } from '../../core/quotas/meters.js';
import type { Amounts, MeterState } from '../../core/quotas/meterState.js';

/** The decision that the limits would currently make about a cost. */
export type Outlook =
  | { readonly outcome: 'admitted' }
  /** `retryAfterMs`: the earliest time. It can be later if more than one request is missing in a window. Infinity: credits must be added. */
  | { readonly outcome: 'refused'; readonly retryAfterMs: number }
  /** It can never fit, however long the caller waits. */
  | { readonly outcome: 'never' };

/**
 * Predicts the result of `Limits.admit` from the state of the windows, without counting anything.
 * @param rooms the room of the tier, and the room of the category if it has separate limits
 */
export function outlook(rooms: readonly Room[], cost: number): Outlook {
  const windows = rooms.flatMap(({ rate, burst }) => [rate, burst]);
  if (windows.some(({ limit }) => cost > limit)) return { outcome: 'never' };
  const short = windows.filter(({ remaining }) => remaining < cost);
  if (short.length === 0) return { outcome: 'admitted' };
  return { outcome: 'refused', retryAfterMs: Math.max(...short.map(({ returnsInMs }) => returnsInMs ?? 1)) };
}

/** The decisions that the windows and quotas of a key would make now. */
interface Foretold {
  readonly windows: Outlook;
  readonly quotas: Outlook;
}

interface ForetellOptions {
  readonly limiter: Pick<Limits, 'peek' | 'tiers'>;
  readonly meters: Pick<Meters, 'read'>;
}

/** Returns the {@link outlook} of an explained operation, for the windows and quotas in which it would count. Doesn't take any units. */
export async function foretell(
  { limiter, meters }: ForetellOptions,
  key: Limited,
  { cost, tokens, category, units }: Pick<Explanation, 'cost' | 'tokens' | 'category' | 'units'>,
): Promise<Foretold> {
  const subject = subjectOfKey(key, limiter.tiers, category ?? undefined);
  const { limits, room, otherRooms = [] } = await peekAll(limiter, subject);
  const limited = category !== null && limits.categories[category] !== undefined;
  const rooms = [room, ...otherRooms.filter(({ of }) => of !== 'cost')];
  if (limited) rooms.push(await limiter.peek({ ...subject, category }));
  const ofCost = otherRooms.filter(({ of }) => of === 'cost');
  const requests = cost ?? 1;
  const own = worse(outlook(rooms, requests), units === null ? ADMITTED : outlook(ofCost, units));
  const states = subject.meters === undefined ? [] : await meters.read(subject.meters);
  const quotas = quotaOutlook(states, { requests, cost: units ?? 0 });
  if (tokens === 0) return { windows: own, quotas };
  return { windows: worse(own, outlook([await limiter.peek(creationSubject(key))], tokens)), quotas };
}

/** Predicts the result of `Meters.take`. */
function quotaOutlook(states: readonly MeterState[], amounts: Amounts): Outlook {
  const short = states.filter(({ meter, remaining }) => amounts[meter.unit] > remaining);
  if (short.length === 0) return ADMITTED;
  const waits = short.map(({ resetsInMs }) => resetsInMs ?? Infinity);
  return { outcome: 'refused', retryAfterMs: Math.max(1, ...waits) };
}

const ADMITTED: Outlook = { outcome: 'admitted' };

/** Returns the decision that refuses for longer. */
export function worse(one: Outlook, other: Outlook): Outlook {
  if (one.outcome === 'never' || other.outcome === 'admitted') return one;
  if (other.outcome === 'never' || one.outcome === 'admitted') return other;
  return one.retryAfterMs >= other.retryAfterMs ? one : other;
}
