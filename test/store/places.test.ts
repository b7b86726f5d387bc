import { freeSlot } from '../../src/store/mongo/places.js';
import type { KeyDocument } from '../../src/store/mongo/schemas.js';
import { aKey, anHeir, NOW } from './fixtures.js';

/**
 * What a reading of a family finds while a rotation goes on depends on the moment, which a test cannot choose on a real
 * server. So the readings are given here: of the first keys that hold slots, and then of the family's keys, in turn.
 */
function given(...readings: Partial<KeyDocument>[][]) {
  const released: string[] = [];
  const roots = [{ _id: 'old', familyId: 'family', slot: 0, scopes: ['read:all'] }];
  const answers = [
    roots,
    ...readings.map((keys) => keys.map((key) => ({ familyId: 'family', scopes: ['read:all'], ...key }))),
  ];
  return {
    released,
    find: async () => (answers.length > 1 ? answers.shift() : answers[0]) as KeyDocument[],
    update: async () => null,
    updateMany: async () => void released.push('old'),
  };
}

describe('places, read while a rotation goes on', () => {
  const living = { revokedAt: null, expiresAt: null, replacedBy: null };
  const replaced = { _id: 'old', revokedAt: null, expiresAt: NOW, replacedBy: 'heir' };
  const { id, ...heir } = anHeir(aKey('ws'));

  test.each([
    [
      'whose successor is still embedded',
      [[{ ...replaced, replacedBy: id, successor: { _id: id, ...heir, nameFolded: '' } }]],
    ],
    ['whose successor came after the reading began', [[replaced], [replaced, { _id: 'heir', ...living }]]],
    ['that no reading sees whole', [[replaced], [replaced], [replaced], [replaced]]],
    ['of which another key lives', [[{ _id: 'old', ...living, expiresAt: NOW + 1, replacedBy: 'heir' }]]],
  ])('a family %s keeps its place', async (_, readings) => {
    const keys = given(...readings);
    expect(await freeSlot(keys, 'ws', 'keys', 1, NOW)).toEqual({ living: 1 });
    expect(keys.released).toEqual([]);
  });

  test.each([
    ['the only key', [{ _id: 'old', ...living, expiresAt: NOW }]],
    ['every key', [replaced, { _id: 'heir', ...living, revokedAt: NOW }]],
    [
      'the embedded successor too',
      [{ ...replaced, replacedBy: id, successor: { _id: id, ...heir, nameFolded: '', expiresAt: NOW } }],
    ],
  ])('a family of which %s is dead gives its place', async (_, reading) => {
    const keys = given(reading);
    expect(await freeSlot(keys, 'ws', 'keys', 1, NOW)).toEqual({ slot: 0 });
    expect(keys.released).toEqual(['old']);
  });

  test('R9: a family whose only key was withdrawn counts no longer, and its key loses no slot when it is inserted again', async () => {
    const keys = given([]);
    expect(await freeSlot(keys, 'ws', 'keys', 1, NOW)).toEqual({ slot: 0 });
    expect(keys.released).toEqual([]);
  });
});
