import type { Explanation } from '../../core/guard/explain.js';
import { creationSubject } from '../../core/limits/keyCreation.js';
import type { Limits } from '../../core/limits/limits.js';
import { peekAll } from '../../core/limits/peekAll.js';
import { subjectOfKey, type Limited } from '../../core/limits/subjects.js';
import type { Room } from '../../core/limits/window.js';

/** The decision that the limits would currently make about a cost. */
export type Outlook =
  | { readonly outcome: 'admitted' }
  /** `retryAfterMs`: the earliest time. It can be later if more than one request is missing in a window. */
  | { readonly outcome: 'refused'; readonly retryAfterMs: number }
  /** It can never fit, however long the caller waits. */
  | { readonly outcome: 'never' };

/**
 * Predicts the result of `Limits.admit` from the state of the windows, without counting anything.
 * @param rooms the room of the tier, and that of the category if it has separate limits
 */
export function outlook(rooms: readonly Room[], cost: number): Outlook {
  const windows = rooms.flatMap(({ rate, burst }) => [rate, burst]);
  if (windows.some(({ limit }) => cost > limit)) return { outcome: 'never' };
  const short = windows.filter(({ remaining }) => remaining < cost);
  if (short.length === 0) return { outcome: 'admitted' };
  return { outcome: 'refused', retryAfterMs: Math.max(...short.map(({ returnsInMs }) => returnsInMs ?? 1)) };
}

/** Returns the {@link outlook} of an explained operation, for the windows in which it would count. */
export async function foretell(
  limiter: Pick<Limits, 'peek' | 'tiers'>,
  key: Limited,
  { cost, tokens, category, estimate }: Pick<Explanation, 'cost' | 'tokens' | 'category' | 'estimate'>,
): Promise<Outlook> {
  const subject = subjectOfKey(key, limiter.tiers);
  const { limits, room, otherRooms = [] } = await peekAll(limiter, subject);
  const limited = category !== null && limits.categories[category] !== undefined;
  const rooms = [room, ...otherRooms.filter(({ of }) => of !== 'cost')];
  if (limited) rooms.push(await limiter.peek({ ...subject, category }));
  const ofCost = otherRooms.filter(({ of }) => of === 'cost');
  const byCost = estimate?.isEnforced === true ? outlook(ofCost, estimate.cost) : ADMITTED;
  const own = worse(outlook(rooms, cost ?? 1), byCost);
  if (tokens === 0) return own;
  return worse(own, outlook([await limiter.peek(creationSubject(key))], tokens));
}

const ADMITTED: Outlook = { outcome: 'admitted' };

function worse(one: Outlook, other: Outlook): Outlook {
  if (one.outcome === 'never' || other.outcome === 'admitted') return one;
  if (other.outcome === 'never' || one.outcome === 'admitted') return other;
  return one.retryAfterMs >= other.retryAfterMs ? one : other;
}
