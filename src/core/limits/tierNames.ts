import type { Tier } from '../store/records.js';

/** The published tiers, the smallest first. */
export const PUBLISHED_TIERS = ['FREE_TRIAL', 'STARTER', 'GROWTH', 'PROFESSIONAL', 'ENTERPRISE'] as const;
export type PublishedTier = (typeof PUBLISHED_TIERS)[number];

/** The rows of a table that limit something else than the keys of a workspace. They are not tiers. */
export const OTHER_ROWS = ['ANONYMOUS', 'KEY_CREATION', 'VERIFICATION'] as const;
export type OtherRow = (typeof OTHER_ROWS)[number];

/** Names that no tier can have: the other rows, and words that YAML reads as values. */
const RESERVED: readonly string[] = [...OTHER_ROWS, 'NULL', 'TRUE', 'FALSE'];

/** The maximum number of tiers in a table. */
export const MAX_TIERS = 50;

/** The names that a tier can have, for errors. */
export const TIER_NAME = `a name of 1 to 40 characters (A to Z, 0 to 9 and _, beginning with a letter), but not ${RESERVED.join(', ')}`;

/** Returns whether a tier can have this name, which is also a name of a GraphQL enum value. */
export function isTierName(name: unknown): name is Tier {
  return typeof name === 'string' && /^[A-Z][A-Z0-9_]{0,39}$/.test(name) && !RESERVED.includes(name);
}

/** Returns whether a row with this name is not a tier. */
export function isOtherRow(name: string): name is OtherRow {
  return (OTHER_ROWS as readonly string[]).includes(name);
}

/** Returns whether a name belongs to a published tier. */
export function isPublished(name: string): name is PublishedTier {
  return (PUBLISHED_TIERS as readonly string[]).includes(name);
}
