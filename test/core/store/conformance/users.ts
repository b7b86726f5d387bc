import { Duplicate } from '../../../../src/core/store/storeErrors.js';
import type { Bench } from './bench.js';
import { expectWhole } from './audit.js';
import { ADA, anHeir, aUser, givenKey, givenWorkspace, listed, namesOf, NOW } from '../fixtures.js';

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

    test('lose several keys at once: each key is revoked once, with an entry, and its family frees its place', async () => {
      const ws = await givenWorkspace(store());
      const other = await givenWorkspace(store());
      const scopes = ['read:all'];
      const plain = await givenKey(store(), ws, { scopes });
      const admin = await givenKey(store(), ws, { scopes: ['admin'] });
      const expired = await givenKey(store(), ws, { scopes, expiresAt: NOW });
      const rotated = await givenKey(store(), ws, { scopes });
      const heir = anHeir(rotated, { scopes });
      await store().keys.rotate(rotated.id, ws, { successor: heir, overlapEnd: NOW + 500 }, { at: NOW + 1 });
      const halfRotated = await givenKey(store(), ws, { scopes });
      const kept = anHeir(halfRotated, { scopes });
      await store().keys.rotate(halfRotated.id, ws, { successor: kept, overlapEnd: NOW + 500 }, { at: NOW + 1 });
      const before = await givenKey(store(), ws, { scopes });
      await store().keys.revoke(before.id, ws, 'earlier', { at: NOW + 2, author: ADA });
      const foreign = await givenKey(store(), other, { scopes });
      expect(await store().keys.countFamilies(ws, NOW + 9, 'keys')).toBe(3);
      const entries = (await expectWhole(store(), ws)).length;

      const asked = [plain, admin, expired, rotated, heir, halfRotated, before, foreign].map(({ id }) => id);
      const revoked = await store().keys.revokeMany([...asked, 'key_none'], ws, 'left', { at: NOW + 9, author: ADA });
      const own = [plain, admin, expired, rotated, heir, halfRotated].map(({ id }) => id).sort();
      expect(revoked.map(({ id }) => id).sort()).toEqual(own);
      for (const id of own) {
        expect(await store().keys.find(id, ws)).toMatchObject({ revokedAt: NOW + 9, revokedReason: 'left' });
      }
      expect(revoked.every(({ revokedAt, revokedReason }) => revokedAt === NOW + 9 && revokedReason === 'left')).toBe(
        true,
      );
      expect(await store().keys.find(before.id, ws)).toMatchObject({ revokedAt: NOW + 2, revokedReason: 'earlier' });
      for (const { id } of [foreign, kept])
        expect(await store().keys.find(id, null)).toMatchObject({ revokedAt: null });
      const added = (await expectWhole(store(), ws)).slice(entries);
      expect(added.map(({ subject }) => subject).sort()).toEqual(own);
      expect(new Set(added.map(({ action, actor, at }) => `${action} ${actor} ${at}`))).toEqual(
        new Set([`key.revoked ${ADA.id} ${NOW + 9}`]),
      );
      // The family of the half-rotated key still has its new key.
      expect(await store().keys.countFamilies(ws, NOW + 9, 'keys')).toBe(1);
      expect(await store().keys.countFamilies(ws, NOW + 9, 'adminKeys')).toBe(0);
      const again = { at: NOW + 10, author: ADA };
      expect(await store().keys.revokeMany(asked, ws, 'again', again)).toEqual([]);
      expect(await store().keys.revokeMany([], ws, 'again', again)).toEqual([]);
      expect(await expectWhole(store(), ws)).toHaveLength(entries + own.length);
    });

    test('lose each key once if several callers revoke them at the same time', async () => {
      const ws = await givenWorkspace(store());
      const keys = [];
      for (let i = 0; i < 6; i += 1) keys.push(await givenKey(store(), ws));
      const ids = keys.map(({ id }) => id);
      const calls = [1, 2, 3].map((i) => store().keys.revokeMany(ids, ws, `caller ${i}`, { at: NOW + i, author: ADA }));
      const revoked = (await Promise.all(calls)).flat().map(({ id }) => id);
      expect(revoked.sort()).toEqual(ids.toSorted());
      const entries = (await expectWhole(store(), ws)).filter(({ action }) => action === 'key.revoked');
      expect(entries.map(({ subject }) => subject).sort()).toEqual(ids.toSorted());
      expect(await store().keys.countFamilies(ws, NOW + 9)).toBe(0);
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
