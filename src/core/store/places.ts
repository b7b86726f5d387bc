import type { KeyRecord, Tier } from './records.js';
import type { PlaceKind, Places } from './keyStore.js';

export const PLACE_KINDS = ['keys', 'adminKeys'] as const satisfies readonly PlaceKind[];

const NOUNS: Readonly<Record<PlaceKind, string>> = { keys: 'key', adminKeys: 'admin key' };

/** Returns the number of keys with its noun, such as `1 admin key`. */
export function placesInWords(kind: PlaceKind, count: number): string {
  return `${count} ${NOUNS[kind]}${count === 1 ? '' : 's'}`;
}

/** Scopes that only administer. */
const ADMINISTERING: readonly string[] = ['admin', 'platform'];

/**
 * Returns which places of a tier a key takes. Keys that only administer have separate places: otherwise the admin key
 * of a new workspace would take the only place of a small tier.
 */
export function placeKindOf({ scopes }: Pick<KeyRecord, 'scopes'>): PlaceKind {
  return scopes.length > 0 && scopes.every((scope) => ADMINISTERING.includes(scope)) ? 'adminKeys' : 'keys';
}

/**
 * Returns how many active families of a kind a workspace may have; null for any number.
 *
 * @param tier undefined if there is no workspace
 */
export function limitOf(places: Places, tier: Tier | undefined, kind: PlaceKind): number | null {
  if (typeof places === 'number' || places === null) return places;
  if (tier === undefined) return null;
  const { byTier, otherwise } = places;
  return ((Object.hasOwn(byTier, tier) ? byTier[tier] : undefined) ?? otherwise)[kind];
}

/** Returns how many keys there are of each kind. */
export function countsByKind(keys: readonly Pick<KeyRecord, 'scopes'>[]): ReadonlyMap<PlaceKind, number> {
  const counts = new Map<PlaceKind, number>();
  for (const key of keys) {
    const kind = placeKindOf(key);
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}
