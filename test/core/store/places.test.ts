import { endsOf, kindAt, settleFamily } from '../../../src/core/store/mongo/families.js';
import type { KeyDocument } from '../../../src/core/store/mongo/schemas.js';
import { aKey, anHeir, NOW } from './fixtures.js';

const NEVER = Number.MAX_SAFE_INTEGER;
const ADMIN = ['admin'];

type Stored = Partial<KeyDocument> & { readonly _id: string };

/**
 * The result of reading a family while others change it depends on timing, which a test can't control on a real server.
 * So the results are given here: the keys with slots, and the family's keys, in turn.
 */
function given(...readings: readonly [holders: readonly Stored[], members: readonly Stored[]][]) {
  const answers = readings.flat();
  const written: unknown[] = [];
  let refusals = readings.length - 1;
  return {
    written,
    left: () => answers.length,
    find: async () => (answers.shift() ?? []) as KeyDocument[],
    update: async (filter: object, update: object) => {
      if (refusals-- > 0) return null;
      written.push([filter, update]);
      return {} as KeyDocument;
    },
    updateMany: async () => undefined,
    bulkWrite: async () => 0,
    count: async () => 0,
  };
}

describe('X9: the ends of a family', () => {
  const key = (fields: Partial<KeyDocument>): Stored => {
    const { id, ...more } = aKey('ws', { familyId: 'family' });
    return { _id: id, ...more, ...fields };
  };
  const holder = (fields: Partial<KeyDocument> = {}): Stored => ({
    _id: 'old',
    familyId: 'family',
    slot: 3,
    turn: 5,
    ...fields,
  });
  const asSeen = { _id: { $eq: 'old' }, slot: { $eq: 3 }, turn: { $eq: 5 } };

  test.each([
    ['a key that does not expire', [{}], { keysEnd: NEVER, adminEnd: 0 }, 'keys'],
    ['a key that expires', [{ expiresAt: NOW + 1 }], { keysEnd: NOW + 1, adminEnd: 0 }, 'keys'],
    ['a key that has expired', [{ expiresAt: NOW }], { keysEnd: NOW, adminEnd: 0 }, null],
    ['a revoked key', [{ revokedAt: NOW + 9 }], { keysEnd: 0, adminEnd: 0 }, null],
    ['a key that only administers', [{ scopes: ADMIN }], { keysEnd: 0, adminEnd: NEVER }, 'adminKeys'],
    [
      'two keys, of which one is revoked',
      [{ revokedAt: NOW }, { expiresAt: NOW + 7 }],
      { keysEnd: NOW + 7, adminEnd: 0 },
      'keys',
    ],
    [
      'a key that ends before one that only administers',
      [{ expiresAt: NOW + 1 }, { scopes: ADMIN }],
      { keysEnd: NOW + 1, adminEnd: NEVER },
      'keys',
    ],
    [
      'a key that ended before one that only administers',
      [{ expiresAt: NOW }, { scopes: ADMIN }],
      { keysEnd: NOW, adminEnd: NEVER },
      'adminKeys',
    ],
    [
      'a key that ends after one that only administers',
      [{}, { scopes: ADMIN, expiresAt: NOW + 1 }],
      { keysEnd: NEVER, adminEnd: 0 },
      'keys',
    ],
  ] as const)('for %s', (_, members, ends, kind) => {
    expect(endsOf(members.map((fields) => aKey('ws', fields)))).toEqual(ends);
    expect(kindAt(ends, NOW)).toBe(kind);
  });

  test('are written if nothing has changed since reading', async () => {
    const keys = given([[holder()], [key({ expiresAt: NOW + 5 })]]);
    await settleFamily(keys, 'ws', 'family', NOW);
    expect(keys.written).toEqual([[asSeen, { $set: { slot: 3, keysEnd: NOW + 5, adminEnd: 0, turn: 6 } }]]);
  });

  test('are read again if another process wrote since reading', async () => {
    const keys = given(
      [[holder({ turn: 4 })], [key({ expiresAt: NOW + 1 })]],
      [[holder()], [key({ expiresAt: NOW + 9 })]],
    );
    await settleFamily(keys, 'ws', 'family', NOW);
    expect(keys.written).toEqual([[asSeen, { $set: { slot: 3, keysEnd: NOW + 9, adminEnd: 0, turn: 6 } }]]);
    expect(keys.left()).toBe(0);
  });

  test('include those of a successor that is still embedded', async () => {
    const { id, ...heir } = anHeir(aKey('ws'));
    const successor = { _id: id, ...heir, nameFolded: '' };
    const keys = given([[holder()], [key({ expiresAt: NOW, replacedBy: id, successor })]]);
    await settleFamily(keys, 'ws', 'family', NOW);
    expect(keys.written).toEqual([[asSeen, { $set: { slot: 3, keysEnd: NEVER, adminEnd: 0, turn: 6 } }]]);
  });

  test('are removed with the slot if the family has ended', async () => {
    const keys = given([[holder()], []]);
    await settleFamily(keys, 'ws', 'family', NOW);
    expect(keys.written).toEqual([[asSeen, { $unset: { slot: '', keysEnd: '', adminEnd: '' } }]]);
  });

  test('stay on one key, whose slot is of the right kind', async () => {
    const other = holder({ _id: 'heir', slot: 2 ** 48 + 1, turn: 1 });
    const keys = given([[holder(), other], [key({ scopes: ADMIN })]]);
    await settleFamily(keys, 'ws', 'family', NOW);
    expect(keys.written).toEqual([
      [
        { _id: { $eq: 'heir' }, slot: { $eq: 2 ** 48 + 1 }, turn: { $eq: 1 } },
        { $set: { slot: 2 ** 48 + 1, keysEnd: 0, adminEnd: NEVER, turn: 2 } },
      ],
      [asSeen, { $unset: { slot: '', keysEnd: '', adminEnd: '' } }],
    ]);
  });

  test('are written to a key of an active family that lost its slot', async () => {
    const keys = given([[], [key({ _id: 'b' }), key({ _id: 'a' })]]);
    await settleFamily(keys, 'ws', 'family', NOW);
    expect(keys.written).toEqual([
      [
        { _id: { $eq: 'a' }, slot: { $eq: null } },
        { $set: { slot: expect.any(Number), keysEnd: NEVER, adminEnd: 0, turn: 1 } },
      ],
    ]);
  });
});
