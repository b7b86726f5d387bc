import { Duplicate } from '../../../../src/core/store/storeErrors.js';
import { openTarget } from '../target.js';
import type { Bench } from './bench.js';
import { expectWhole } from './audit.js';
import { ADA, aKey, aUser, givenKey, givenWorkspace, listed, NOW } from '../fixtures.js';

export function testBulk({ store, target }: Bench): void {
  const keysOf = (ws: string, count: number, fields = {}) => Array.from({ length: count }, () => aKey(ws, fields));
  const living = (ws: string) => store().keys.countFamilies(ws, NOW);

  describe('several keys at once', () => {
    test('are all inserted, each with an entry, and the entries follow each other', async () => {
      const ws = await givenWorkspace(store());
      const keys = [...keysOf(ws, 400), ...keysOf(ws, 2, { scopes: ['admin'], trustedDocuments: ['a'.repeat(64)] })];
      expect(await store().keys.insertMany(keys, null, NOW, ADA)).toEqual({ outcome: 'inserted' });
      expect(new Set((await listed(store(), ws)).map(({ id }) => id))).toEqual(new Set(keys.map(({ id }) => id)));
      for (const key of [keys[0], keys.at(-1)]) expect(await store().keys.find(key?.id ?? '', ws)).toEqual(key);
      const [, ...entries] = await expectWhole(store(), ws);
      expect(entries.map(({ action, subject }) => [action, subject]).toSorted()).toEqual(
        keys.map(({ id }) => ['key.created', id]).toSorted(),
      );
      expect(entries[0]).toMatchObject({ actor: 'key_ada', at: NOW });
      expect([await living(ws), await store().keys.countFamilies(ws, NOW, 'adminKeys')]).toEqual([402, 2]);
    });

    test('take places: exactly as many as there are, or none', async () => {
      const ws = await givenWorkspace(store());
      await givenKey(store(), ws);
      const ended = aKey(ws, { expiresAt: NOW - 1 });
      await store().keys.insert(ended, 5, NOW - 2);
      expect(await store().keys.insertMany(keysOf(ws, 5), 5, NOW)).toEqual({ outcome: 'full', living: 1 });
      expect(await living(ws)).toBe(1);
      expect(await store().keys.insertMany(keysOf(ws, 4), 5, NOW)).toEqual({ outcome: 'inserted' });
      expect(await store().keys.insert(aKey(ws), 5, NOW)).toEqual({ outcome: 'full', living: 5 });
      expect(await store().keys.insertMany([], 5, NOW)).toEqual({ outcome: 'inserted' });
    });

    test('of both kinds are inserted only if both have places', async () => {
      const ws = await givenWorkspace(store());
      const places = { byTier: {}, otherwise: { keys: 5, adminKeys: 1 } };
      const mixed = [...keysOf(ws, 2), ...keysOf(ws, 2, { scopes: ['admin'] })];
      expect(await store().keys.insertMany(mixed, places, NOW)).toEqual({ outcome: 'full', living: 0 });
      expect(await living(ws)).toBe(0);
      expect(await store().keys.insertMany(mixed.slice(0, 3), places, NOW)).toEqual({ outcome: 'inserted' });
    });

    test('by concurrent calls never exceed the places', async () => {
      const ws = await givenWorkspace(store());
      const calls = Array.from({ length: 4 }, () => store().keys.insertMany(keysOf(ws, 3), 7, NOW));
      const outcomes = (await Promise.all(calls)).map(({ outcome }) => outcome);
      const inserted = outcomes.filter((outcome) => outcome === 'inserted').length;
      expect(inserted).toBeLessThanOrEqual(2);
      expect(inserted).toBeGreaterThanOrEqual(1);
      expect(await living(ws)).toBe(3 * inserted);
      await expectWhole(store(), ws);
    });

    test('by concurrent calls that each need all places are inserted by one of them', async () => {
      const elsewhere = await openTarget(target());
      try {
        for (let round = 0; round < 5; round += 1) {
          const ws = await givenWorkspace(store());
          const calls = Array.from({ length: 6 }, (_, i) =>
            (i % 2 === 0 ? store() : elsewhere).keys.insertMany(keysOf(ws, 8), 8, NOW),
          );
          const outcomes = (await Promise.all(calls)).map(({ outcome }) => outcome);
          expect(outcomes.filter((outcome) => outcome === 'inserted')).toHaveLength(1);
          expect(await living(ws)).toBe(8);
        }
      } finally {
        await elsewhere.close();
      }
    });

    test('are not inserted if an owner was removed or the author has ended', async () => {
      const ws = await givenWorkspace(store());
      const [here, left] = [aUser(ws), aUser(ws)];
      for (const user of [here, left]) await store().users.add(user);
      await store().users.remove(left.id, ws, { at: NOW });
      const author = await givenKey(store(), ws);
      await store().keys.revoke(author.id, ws, null, { at: NOW });
      const before = await living(ws);
      const owned = [...keysOf(ws, 1, { userId: here.id }), ...keysOf(ws, 1, { userId: left.id })];
      expect(await store().keys.insertMany(owned, null, NOW)).toEqual({ outcome: 'userLeft' });
      const by = { ...ADA, id: author.id };
      expect(await store().keys.insertMany(keysOf(ws, 2), null, NOW, by)).toEqual({ outcome: 'authorEnded' });
      expect(await living(ws)).toBe(before);
    });

    test('with an ID or a lookup ID that exists are refused', async () => {
      const ws = await givenWorkspace(store());
      const { id, lookupId } = await givenKey(store(), ws);
      for (const taken of [{ id }, { lookupId }]) {
        const keys = [aKey(ws), aKey(ws, taken), aKey(ws)];
        await expect(store().keys.insertMany(keys, null, NOW)).rejects.toBeInstanceOf(Duplicate);
      }
      expect(await living(ws)).toBe(1);
    });
  });
}
