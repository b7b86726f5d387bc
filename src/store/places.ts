import type { Tier } from './records.js';
import type { Places } from './store.js';

/** Returns how many living families a workspace may hold; null: any number. @param tier undefined: there is no workspace */
export function limitOf(places: Places, tier: Tier | undefined): number | null {
  if (typeof places !== 'function') return places;
  return tier === undefined ? null : places(tier).keys;
}
