import { Duplicate } from '../../../../src/core/store/storeErrors.js';
import type { Bench } from './bench.js';
import { anHeir, aUser, givenKey, givenWorkspace, listed, namesOf, NOW } from '../fixtures.js';

export function testUsers({ store }: Bench): void {
  describe('users', () => {
    test('are returned as they were added, can be changed, and are removed permanently', async () => {
      const ws = await givenWorkspace(store());
      const user = aUser(ws, { roles: ['viewer', '$admin'] });
      await store().users.add(user);
      expect(await store().users.find(user.id)).toEqual(user);
      await expect(store().users.add(user)).rejects.toThrow(Duplicate);
      expect(await store().users.update(user.id, ws, { roles: [] }, { at: NOW })).toEqual({ ...user, roles: [] });
      expect(await store().users.update(user.id, ws, { name: 'Eve' }, { at: NOW })).toEqual({
        ...user,
        roles: [],
        name: 'Eve',
      });
      expect(await store().users.update(user.id, 'ws_other', { name: 'x' }, { at: NOW })).toBeNull();
      expect(await store().users.remove(user.id, 'ws_other', { at: NOW })).toBeNull();
      const left = { ...user, roles: [], name: 'Eve', removedAt: NOW + 1 };
      expect(await store().users.remove(user.id, ws, { at: NOW + 1 })).toEqual(left);
      expect(await store().users.remove(user.id, ws, { at: NOW + 2 })).toEqual(left);
      expect(await store().users.update(user.id, ws, { name: 'x' }, { at: NOW })).toBeNull();
      expect(await store().users.find(user.id)).toEqual(left);
      expect(await store().users.list(ws, { first: 9, after: null })).toEqual([]);
    });

    test('are found by several IDs in one call', async () => {
      const ws = await givenWorkspace(store());
      const users = [0, 1].map((i) => aUser(ws, { name: `u${i}` }));
      for (const user of users) await store().users.add(user);
      const ids = [...users.map(({ id }) => id), 'usr_none'];
      expect(namesOf(await store().users.findMany(ids)).sort()).toEqual(['u0', 'u1']);
      expect(await store().users.findMany([])).toEqual([]);
    });

    test('are listed by age', async () => {
      const ws = await givenWorkspace(store());
      const users = [2, 0, 1].map((i) => aUser(ws, { name: `u${i}`, createdAt: NOW + i }));
      for (const user of users) await store().users.add(user);
      expect(namesOf(await store().users.list(ws, { first: 2, after: null }))).toEqual(['u0', 'u1']);
      expect(namesOf(await store().users.list(ws, { first: 2, after: users[2] ?? null }))).toEqual(['u2']);
    });

    test('are returned with their keys at verification, also for keys created by rotation', async () => {
      const ws = await givenWorkspace(store());
      const user = aUser(ws);
      await store().users.add(user);
      const key = await givenKey(store(), ws, { userId: user.id });
      const common = await givenKey(store(), ws, { createdAt: NOW + 1 });
      const found = (lookupId: string) => store().keys.findForVerification(lookupId);
      expect(await found(key.lookupId)).toEqual({ key, tier: 'STARTER', user });
      expect(await found(common.lookupId)).toEqual({ key: common, tier: 'STARTER', user: null });
      const heir = anHeir(key);
      await store().keys.rotate(key.id, ws, { successor: heir, overlapEnd: NOW }, { at: NOW });
      await store().users.remove(user.id, ws, { at: NOW });
      expect(await found(heir.lookupId)).toMatchObject({ key: { userId: user.id }, user: { removedAt: NOW } });
      expect((await listed(store(), ws, { userId: user.id })).map(({ id }) => id).sort()).toEqual(
        [key.id, heir.id].sort(),
      );
    });
  });
}
