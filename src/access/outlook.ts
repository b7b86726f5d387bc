import type { Explanation } from '../guard/explain.js';
import { creationSubject } from '../limits/keyCreation.js';
import type { Limits, Subject } from '../limits/limits.js';
import type { Room } from '../limits/window.js';

/** The decision that the limits would make about a cost now. */
export type Outlook =
  | { readonly outcome: 'admitted' }
  /** `retryAfterMs`: no sooner than that; in windows that are short of more than one request it may be later. */
  | { readonly outcome: 'refused'; readonly retryAfterMs: number }
  /** No wait makes room for it. */
  | { readonly outcome: 'never' };

/**
 * Foretells from a look at the windows, which takes nothing, what `Limits.admit` would answer.
 * @param rooms the tier's, and the category's where it has limits of its own
 */
export function outlook(rooms: readonly Room[], cost: number): Outlook {
  const windows = rooms.flatMap(({ rate, burst }) => [rate, burst]);
  if (windows.some(({ limit }) => cost > limit)) return { outcome: 'never' };
  const short = windows.filter(({ remaining }) => remaining < cost);
  if (short.length === 0) return { outcome: 'admitted' };
  return { outcome: 'refused', retryAfterMs: Math.max(...short.map(({ returnsInMs }) => returnsInMs ?? 1)) };
}

/** {@link outlook} of an explained operation, by the windows that it would be counted in. */
export async function foretell(
  limiter: Pick<Limits, 'peek' | 'tiers'>,
  { workspaceId, ...subject }: Omit<Subject, 'category'> & { readonly workspaceId: string },
  { cost, tokens, category }: Pick<Explanation, 'cost' | 'tokens' | 'category'>,
): Promise<Outlook> {
  const limited = category !== null && limiter.tiers[subject.tier].categories[category] !== undefined;
  const rooms = [await limiter.peek(subject), ...(limited ? [await limiter.peek({ ...subject, category })] : [])];
  const own = outlook(rooms, cost ?? 1);
  if (tokens === 0) return own;
  return worse(own, outlook([await limiter.peek(creationSubject({ workspaceId }))], tokens));
}

function worse(one: Outlook, other: Outlook): Outlook {
  if (one.outcome === 'never' || other.outcome === 'admitted') return one;
  if (other.outcome === 'never' || one.outcome === 'admitted') return other;
  return one.retryAfterMs >= other.retryAfterMs ? one : other;
}
