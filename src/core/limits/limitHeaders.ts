import { subjectOf } from '../auth/networks.js';
import type { Principal } from '../auth/principal.js';
import { limitFields, type LimitFields, type RateLimitHeaders } from './limitFields.js';
import type { Judged, Limits, Subject } from './limits.js';
import { peekAll } from './peekAll.js';
import { subjectOfKey } from './subjects.js';

const DRAFT = ['RateLimit-Policy', 'RateLimit'] as const;
const LEGACY = ['RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset'] as const;

/** The names of the fields in each style, as the documentation writes them. */
export const LIMIT_FIELD_NAMES: Readonly<Record<RateLimitHeaders, readonly string[]>> = {
  draft: DRAFT,
  legacy: LEGACY,
  both: [...DRAFT, ...LEGACY],
};

/** The names of all styles, in lower case. */
export const ALL_LIMIT_FIELDS: readonly string[] = LIMIT_FIELD_NAMES.both.map((name) => name.toLowerCase());

const OTHERS = [...LEGACY, 'Retry-After' as const].map((name) => [name, name.toLowerCase()] as const);

/** Writes the limit fields of a response. */
export function writeLimitFields(fields: LimitFields, write: (name: string, value: string) => unknown): void {
  // Nearly all responses have these two.
  if (fields['RateLimit-Policy'] !== undefined) write('ratelimit-policy', fields['RateLimit-Policy']);
  if (fields.RateLimit !== undefined) write('ratelimit', fields.RateLimit);
  for (const [name, lower] of OTHERS) {
    const value = fields[name];
    if (value !== undefined) write(lower, value);
  }
}

/** Whether a response has limit fields, of either style. */
export function hasLimitFields(has: (name: string) => boolean): boolean {
  return has('ratelimit') || has('ratelimit-limit');
}

/**
 * Returns the limit fields of a response that cost nothing; null if the caller has no windows, or the limits are
 * unavailable.
 */
export async function standingLimits(
  principal: Principal,
  limits: Limits,
  style: RateLimitHeaders,
): Promise<LimitFields | null> {
  return standingLimitsNow(principal, limits, style);
}

/** Like {@link standingLimits}, but returns no promise if the limits are counted in this process. Never throws or rejects. */
export function standingLimitsNow(
  principal: Principal,
  limits: Limits,
  style: RateLimitHeaders,
): LimitFields | null | Promise<LimitFields | null> {
  const subject: Subject | null =
    principal.kind === 'anonymous' ? subjectOf(principal) : subjectOfKey(principal, limits.tiers);
  if (subject === null) return null;
  const fields = (judged: Judged): LimitFields => limitFields({ outcome: 'admitted', ...judged }, style);
  // The limits are unavailable. The response may be the refusal that reports this, and must not fail because of these
  // fields.
  const none = (): null => null;
  try {
    const judged = peekAll(limits, subject);
    return judged instanceof Promise ? judged.then(fields).catch(none) : fields(judged);
  } catch {
    return none();
  }
}
