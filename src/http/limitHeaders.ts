import type { Principal } from '../credentials/principal.js';
import { limitFields } from '../limits/fields.js';
import type { Admission, Limits } from '../limits/limits.js';
import { limitsOf } from '../limits/tiers.js';

/**
 * The header fields that tell a key where its limits stand: after an admission, or as they are. None for the anonymous.
 * @returns names in lower case with values
 */
export async function limitHeaders(
  principal: Principal,
  limiter: Limits,
  admission: Admission | null = null,
): Promise<[string, string][]> {
  if (principal.kind === 'anonymous') return [];
  const { familyId: family, tier } = principal;
  const now = admission ?? { outcome: 'admitted', limits: limitsOf(tier), room: await limiter.peek({ family, tier }) };
  return Object.entries<string>({ ...limitFields(now) }).map(([name, value]) => [name.toLowerCase(), value]);
}
