import type { Principal } from '../credentials/principal.js';
import { limitFields } from '../limits/fields.js';
import type { Admission, Limits } from '../limits/limits.js';
import { limitsOf } from '../limits/tiers.js';

/**
 * The header fields that tell a key where its limits stand: after an admission, or as they are. None for the anonymous, nor
 * where they cannot be known.
 * @returns names in lower case with values
 */
export async function limitHeaders(
  principal: Principal,
  limiter: Limits,
  admission: Admission | null = null,
): Promise<[string, string][]> {
  if (principal.kind === 'anonymous') return [];
  const { familyId: family, tier } = principal;
  let now = admission;
  try {
    now ??= { outcome: 'admitted', limits: limitsOf(tier), room: await limiter.peek({ family, tier }) };
  } catch {
    // Where limits are counted is away. The answer, a refusal for just that, must not fail over what it tells besides.
    return [];
  }
  return Object.entries<string>({ ...limitFields(now) }).map(([name, value]) => [name.toLowerCase(), value]);
}
