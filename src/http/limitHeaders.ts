import { subjectOf } from '../credentials/networks.js';
import type { Principal } from '../credentials/principal.js';
import { limitFields, type LimitFields, type RateLimitHeaders } from '../limits/fields.js';
import type { Limits, Subject } from '../limits/limits.js';

const DRAFT = ['RateLimit-Policy', 'RateLimit'] as const;
const LEGACY = ['RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset'] as const;

/** The names of the fields in each style, as they are written in documents. */
export const LIMIT_FIELD_NAMES: Readonly<Record<RateLimitHeaders, readonly string[]>> = {
  draft: DRAFT,
  legacy: LEGACY,
  both: [...DRAFT, ...LEGACY],
};

/** The names of all styles, in lower case. */
export const ALL_LIMIT_FIELDS: readonly string[] = LIMIT_FIELD_NAMES.both.map((name) => name.toLowerCase());

const WRITTEN = [...DRAFT, ...LEGACY, 'Retry-After' as const].map((name) => [name, name.toLowerCase()] as const);

/** Fields that tell where limits stand, written one by one: every answer has them. */
export function writeLimitFields(fields: LimitFields, write: (name: string, value: string) => unknown): void {
  for (const [name, lower] of WRITTEN) {
    const value = fields[name];
    if (value !== undefined) write(lower, value);
  }
}

/** Whether a response has limit fields, of either style. */
export function hasLimitFields(has: (name: string) => boolean): boolean {
  return has('ratelimit') || has('ratelimit-limit');
}

/** Returns the fields of an answer that took nothing; null for a caller without windows, and where the limits cannot be asked. */
export async function standingLimits(
  principal: Principal,
  limits: Limits,
  style: RateLimitHeaders,
): Promise<LimitFields | null> {
  const subject: Subject | null =
    principal.kind === 'anonymous' ? subjectOf(principal) : { family: principal.familyId, tier: principal.tier };
  if (subject === null) return null;
  try {
    const room = await limits.peek(subject);
    return limitFields({ outcome: 'admitted', limits: limits.tiers[subject.tier], room }, style);
  } catch {
    // Where limits are counted is away. The answer, a refusal for just that, must not fail over what it tells besides.
    return null;
  }
}
