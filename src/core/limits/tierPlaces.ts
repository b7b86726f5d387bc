import type { PlaceLimits, PlacesByTier } from '../store/keyStore.js';
import { rowOf, tierOf, tiersIn, type TierTable } from './tiers.js';

/** Returns the places of all tiers, also by their earlier names. An unknown tier has the limits of the smallest tier. */
export function placesOf(table: TierTable): PlacesByTier {
  const names = tiersIn(table).flatMap((tier) => [tier, ...(table[tier]?.was ?? [])]);
  return {
    byTier: Object.fromEntries(names.map((name) => [name, placesIn(table, name)])),
    otherwise: placesIn(table, ''),
  };
}

function placesIn(table: TierTable, name: string): PlaceLimits {
  const { keys, adminKeys } = rowOf(table, tierOf(table, name));
  return { keys, adminKeys };
}
