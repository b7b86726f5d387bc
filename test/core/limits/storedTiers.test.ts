import { StoredTiers } from '../../../src/core/limits/storedTiers.js';
import { placesOf } from '../../../src/core/limits/tierPlaces.js';
import { tierTable } from '../../../src/core/limits/tierTable.js';
import { replaceTable, TIER_LIMITS } from '../../../src/core/limits/tiers.js';
import { limitOf } from '../../../src/core/store/places.js';

function given(table = { ...tierTable({ HOBBY: { was: 'STARTER' } }) }) {
  const reports: unknown[] = [];
  return { table, reports, stored: new StoredTiers(table, (unknown) => reports.push(unknown)) };
}

test('resolves known and renamed tiers without a report', () => {
  const { stored, reports } = given();
  expect(['GROWTH', 'STARTER', 'HOBBY'].map((name) => stored.resolve(name))).toEqual(['GROWTH', 'HOBBY', 'HOBBY']);
  expect(reports).toEqual([]);
  expect(stored.unknown).toEqual([]);
});

test('reports each unknown tier once, until the table changes', () => {
  const { stored, reports, table } = given();
  for (const name of ['GOLD', 'GOLD', 'SILVER', 'GOLD']) expect(stored.resolve(name)).toBe('FREE_TRIAL');
  expect(reports).toEqual([
    { tier: 'GOLD', instead: 'FREE_TRIAL' },
    { tier: 'SILVER', instead: 'FREE_TRIAL' },
  ]);
  expect(stored.unknown).toEqual(['GOLD', 'SILVER']);
  replaceTable(table, tierTable({ GOLD: { from: 'GROWTH' } }));
  stored.forget();
  expect([stored.resolve('GOLD'), stored.resolve('SILVER')]).toEqual(['GOLD', 'GOLD']);
  expect(stored.unknown).toEqual(['SILVER']);
  expect(reports).toHaveLength(3);
});

test('remembers a limited number of unknown tiers, and resolves all of them', () => {
  const { stored, reports } = given();
  for (let i = 0; i < 1_000; i++) expect(stored.resolve(`T${i}`)).toBe('FREE_TRIAL');
  expect(stored.unknown).toHaveLength(100);
  expect(reports).toHaveLength(100);
});

test('gives a workspace with an earlier name the places of its tier, and with an unknown one those of the smallest', () => {
  const table = tierTable({
    HOBBY: { was: 'STARTER', keys: 7, adminKeys: 8 },
    FREE_TRIAL: { keys: 3, adminKeys: null },
  });
  const places = structuredClone(placesOf(table));
  const both = (tier: string) => [limitOf(places, tier, 'keys'), limitOf(places, tier, 'adminKeys')];
  expect(both('STARTER')).toEqual([7, 8]);
  expect(both('HOBBY')).toEqual([7, 8]);
  for (const unknown of ['GOLD', 'ANONYMOUS', 'toString']) expect(both(unknown)).toEqual([3, null]);
  expect(both('GROWTH')).toEqual([TIER_LIMITS.GROWTH.keys, TIER_LIMITS.GROWTH.adminKeys]);
});
