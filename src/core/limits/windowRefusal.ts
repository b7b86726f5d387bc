import { Refusal } from '../errors/refusal.js';
import type { Admission } from './limits.js';
import { BURST_WINDOW, RATE_WINDOW } from './window.js';

/** A limit that is counted separately from requests. Its messages have the limit, and the time that it is for, such as `60 seconds`. */
interface OwnWindows {
  /** The prefix of its windows' names in the RateLimit fields. */
  readonly category: string;
  /** The number of units that the request takes. */
  readonly cost: number;
  /** The message for a request that takes more than is ever admitted. */
  readonly never: (limit: number, per: string) => string;
  /** The message for a request that is admitted later. */
  readonly limited: (limit: number, per: string, retryAfter: number) => string;
}

/** Returns the refusal of a request that its own windows do not admit; null if they do. */
export function windowRefusal(admission: Admission, { category, cost, never, limited }: OwnWindows): Refusal | null {
  if (admission.outcome === 'admitted') return null;
  const { limit } = admission;
  const window = (admission.window === 'rate' ? RATE_WINDOW : BURST_WINDOW) / 1000;
  const per = window === 1 ? 'one second' : `${window} seconds`;
  if (admission.outcome === 'never') {
    return new Refusal(never(limit, per), { code: 'COST_EXCEEDS_BURST', cost, burst: limit, category });
  }
  const retryAfter = Math.max(1, Math.ceil(admission.retryAfterMs / 1000));
  return new Refusal(limited(limit, per, retryAfter), { code: 'RATE_LIMITED', retryAfter, limit, window, category });
}
