import type { Principal } from '../credentials/principal.js';
import { limitFields } from '../limits/fields.js';
import type { Admission, Limiter } from '../limits/limiter.js';
import { limitsOf } from '../limits/tiers.js';

/**
 * The header fields that tell a key where its limits stand: after an admission, or as they are. None for the anonymous.
 * @returns names in lower case with values
 */
export function limitHeaders(
  principal: Principal,
  limiter: Limiter,
  admission: Admission | null = null,
): [string, string][] {
  if (principal.kind === 'anonymous') return [];
  const { familyId: family, tier } = principal;
  const now = admission ?? { outcome: 'admitted', limits: limitsOf(tier), room: limiter.peek({ family, tier }) };
  return Object.entries<string>({ ...limitFields(now) }).map(([name, value]) => [name.toLowerCase(), value]);
}
