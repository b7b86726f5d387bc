import type { KeyRecord, Tier } from './records.js';
import type { PlaceKind, Places } from './store.js';

export const PLACE_KINDS = ['keys', 'adminKeys'] as const satisfies readonly PlaceKind[];

export const PLACE_KINDS_IN_WORDS: Readonly<Record<PlaceKind, string>> = {
  keys: 'keys',
  adminKeys: 'keys with only admin or platform scopes',
};

/** The scopes with which a key administers: what they open beside that is theirs for the same reason. */
const ADMINISTERING: readonly string[] = ['admin', 'platform'];

/**
 * Returns which places of a tier a key counts among. A key that only administers has places of its own, or the admin key of
 * a new workspace would take the only place of a small tier.
 */
export function placeKindOf({ scopes }: Pick<KeyRecord, 'scopes'>): PlaceKind {
  return scopes.length > 0 && scopes.every((scope) => ADMINISTERING.includes(scope)) ? 'adminKeys' : 'keys';
}

/** Returns how many living families of a kind a workspace may hold; null: any number. @param tier undefined: there is no workspace */
export function limitOf(places: Places, tier: Tier | undefined, kind: PlaceKind): number | null {
  if (typeof places !== 'function') return places;
  return tier === undefined ? null : places(tier)[kind];
}
