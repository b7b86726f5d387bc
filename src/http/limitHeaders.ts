import type { Principal } from '../credentials/principal.js';
import { limitFields, type LimitFields } from '../limits/fields.js';
import type { Limits } from '../limits/limits.js';

/** Fields that tell where limits stand, written one by one: every answer has them. */
export function writeLimitFields(fields: LimitFields, write: (name: string, value: string) => unknown): void {
  write('ratelimit-policy', fields['RateLimit-Policy']);
  write('ratelimit', fields.RateLimit);
  const retryAfter = fields['Retry-After'];
  if (retryAfter !== undefined) write('retry-after', retryAfter);
}

/** Where a key's limits stand, for an answer that took nothing. None for the anonymous, nor where they cannot be known. */
export async function standingLimits(principal: Principal, limits: Limits): Promise<LimitFields | null> {
  if (principal.kind === 'anonymous') return null;
  const { familyId: family, tier } = principal;
  try {
    return limitFields({ outcome: 'admitted', limits: limits.tiers[tier], room: await limits.peek({ family, tier }) });
  } catch {
    // Where limits are counted is away. The answer, a refusal for just that, must not fail over what it tells besides.
    return null;
  }
}
