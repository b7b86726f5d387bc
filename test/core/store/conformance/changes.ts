import type { KeyAmendment } from '../../../../src/core/store/changes.js';
import type { Bench } from './bench.js';

import { ADA, anHeir, givenKey, givenWorkspace, listed, namesOf, NOW, unique } from '../fixtures.js';

export function testChanges({ store }: Bench): void {
  describe('expire', () => {
    test('sets the end of an active key, earlier or later, and removes its lifetime', async () => {
      const ws = await givenWorkspace(store());
      const key = await givenKey(store(), ws, { expiresAt: NOW + 1000, lifetime: 1000 });
      const later = await store().keys.expire(key.id, ws, NOW + 5000, { at: NOW });
      expect(later).toEqual({ outcome: 'changed', key: { ...key, expiresAt: NOW + 5000, lifetime: null } });
      const earlier = await store().keys.expire(key.id, null, NOW + 10, { at: NOW });
      expect(earlier).toMatchObject({ outcome: 'changed', key: { expiresAt: NOW + 10 } });
      expect(await store().keys.find(key.id, null)).toMatchObject({ expiresAt: NOW + 10, lifetime: null });
    });

    test('R7: writes nothing if the key has changed since the caller was authorized', async () => {
      const ws = await givenWorkspace(store());
      const judged = await givenKey(store(), ws, { trustedDocuments: ['a'.repeat(64)], allowedAddresses: ['::1'] });
      const { keys } = store();
      const changes: readonly KeyAmendment[] = [
        { name: 'Another' },
        { scopes: ['platform'] },
        { allowedAddresses: [] },
        { trustedDocuments: ['b'.repeat(64)] },
      ];
      const { name, scopes, allowedAddresses, trustedDocuments } = judged;
      for (const change of changes) {
        await keys.update(judged.id, ws, change, { at: NOW });
        const key = { ...judged, ...change };
        expect(await keys.expire(key.id, ws, NOW + 1, { at: NOW, author: ADA, judged })).toEqual({
          outcome: 'moved',
          key,
        });
        expect(await keys.update(key.id, ws, { name: 'Mine' }, { at: NOW, author: ADA, judged })).toEqual({
          outcome: 'moved',
          key,
        });
        const heir = anHeir(key);
        expect(
          await keys.rotate(key.id, ws, { successor: heir, overlapEnd: NOW + 1 }, { at: NOW, author: ADA, judged }),
        ).toEqual({ outcome: 'moved', key });
        expect(await keys.find(heir.id, ws)).toBeNull();
        expect(await keys.find(key.id, ws)).toEqual(key);
        await keys.update(judged.id, ws, { name, scopes, allowedAddresses, trustedDocuments }, { at: NOW });
      }
      expect(await keys.expire(judged.id, ws, NOW + 5, { at: NOW, author: ADA, judged })).toMatchObject({
        outcome: 'changed',
      });
      expect(await keys.update(judged.id, ws, { name: 'x' }, { at: NOW, author: ADA, judged })).toMatchObject({
        outcome: 'moved',
      });
    });

    test('ends the key if the end is now, and nothing reactivates it', async () => {
      const ws = await givenWorkspace(store());
      const key = await givenKey(store(), ws);
      expect(await store().keys.expire(key.id, ws, NOW, { at: NOW })).toMatchObject({ outcome: 'changed' });
      const ended = { ...key, expiresAt: NOW };
      expect(await store().keys.expire(key.id, ws, NOW + 1000, { at: NOW })).toEqual({ outcome: 'ended', key: ended });
      expect(await store().keys.expire(key.id, ws, NOW + 1000, { at: NOW + 1 })).toEqual({
        outcome: 'ended',
        key: ended,
      });
      expect(await store().keys.find(key.id, ws)).toEqual(ended);
    });

    test('does not change a revoked key', async () => {
      const ws = await givenWorkspace(store());
      const key = await givenKey(store(), ws, { expiresAt: NOW + 10 });
      await store().keys.revoke(key.id, ws, null, { at: NOW });
      const after = { ...key, revokedAt: NOW };
      expect(await store().keys.expire(key.id, ws, NOW + 1000, { at: NOW })).toEqual({ outcome: 'ended', key: after });
      expect(await store().keys.find(key.id, ws)).toEqual(after);
    });

    test('can only shorten the end of a replaced key', async () => {
      const ws = await givenWorkspace(store());
      const key = await givenKey(store(), ws);
      const heir = anHeir(key);
      await store().keys.rotate(key.id, ws, { successor: heir, overlapEnd: NOW + 1000 }, { at: NOW });
      const replaced = { ...key, replacedBy: heir.id, expiresAt: NOW + 1000 };
      expect(await store().keys.expire(key.id, ws, NOW + 1001, { at: NOW })).toEqual({
        outcome: 'replaced',
        key: replaced,
      });
      expect(await store().keys.find(key.id, ws)).toEqual(replaced);
      expect(await store().keys.expire(key.id, ws, NOW + 999, { at: NOW })).toMatchObject({ outcome: 'changed' });
      expect(await store().keys.find(key.id, ws)).toEqual({ ...replaced, expiresAt: NOW + 999 });
    });
  });

  describe('revoke', () => {
    test('keeps the time and the reason of the first revocation', async () => {
      const ws = await givenWorkspace(store());
      const key = await givenKey(store(), ws);
      const revoked = { ...key, revokedAt: NOW + 1, revokedReason: 'leaked' };
      expect(await store().keys.revoke(key.id, ws, 'leaked', { at: NOW + 1 })).toEqual({
        outcome: 'changed',
        key: revoked,
      });
      expect(await store().keys.revoke(key.id, ws, 'again', { at: NOW + 2 })).toEqual({
        outcome: 'changed',
        key: revoked,
      });
      expect(await store().keys.revoke(key.id, null, null, { at: NOW + 3 })).toEqual({
        outcome: 'changed',
        key: revoked,
      });
      expect(await store().keys.find(key.id, ws)).toEqual(revoked);
    });

    test('many concurrent revocations leave one time with its own reason', async () => {
      const ws = await givenWorkspace(store());
      const key = await givenKey(store(), ws);
      const calls = Array.from({ length: 10 }, (_, i) =>
        store().keys.revoke(key.id, ws, `reason ${i}`, { at: NOW + i }),
      );
      const answers = await Promise.all(calls);
      const final = await store().keys.find(key.id, ws);
      expect(final?.revokedReason).toBe(`reason ${(final?.revokedAt ?? 0) - NOW}`);
      for (const answer of answers) expect(answer).toEqual({ outcome: 'changed', key: final });
    });

    test('also revokes expired and replaced keys', async () => {
      const ws = await givenWorkspace(store());
      const expired = await givenKey(store(), ws, { expiresAt: NOW - 1 });
      const old = await givenKey(store(), ws);
      await store().keys.rotate(old.id, ws, { successor: anHeir(old), overlapEnd: NOW + 1000 }, { at: NOW });
      for (const { id } of [expired, old]) {
        expect(await store().keys.revoke(id, ws, null, { at: NOW })).toMatchObject({
          outcome: 'changed',
          key: { revokedAt: NOW },
        });
      }
    });
  });

  describe('update', () => {
    test('changes the given fields and keeps all other fields', async () => {
      const ws = await givenWorkspace(store());
      const key = await givenKey(store(), ws, { name: 'Old', scopes: ['a'] });
      const { keys } = store();
      expect(await keys.update(key.id, ws, { name: 'New' }, { at: NOW })).toEqual({
        outcome: 'changed',
        key: { ...key, name: 'New' },
      });
      expect(await keys.update(key.id, null, { scopes: ['b', 'c'] }, { at: NOW })).toMatchObject({
        outcome: 'changed',
      });
      expect(await keys.update(key.id, ws, {}, { at: NOW })).toMatchObject({ outcome: 'changed' });
      expect(await keys.find(key.id, ws)).toEqual({ ...key, name: 'New', scopes: ['b', 'c'] });
    });

    test('filters use the new values', async () => {
      const ws = await givenWorkspace(store());
      const key = await givenKey(store(), ws, { name: 'Old', scopes: ['a'] });
      await store().keys.update(key.id, ws, { name: 'New', scopes: ['b'] }, { at: NOW });
      expect(namesOf(await listed(store(), ws, { nameContains: 'new' }))).toEqual(['New']);
      expect(await listed(store(), ws, { nameContains: 'old' })).toEqual([]);
      expect(namesOf(await listed(store(), ws, { scope: 'b' }))).toEqual(['New']);
      expect(await listed(store(), ws, { scope: 'a' })).toEqual([]);
    });

    test('does not change a key that has ended', async () => {
      const ws = await givenWorkspace(store());
      const expired = await givenKey(store(), ws, { expiresAt: NOW });
      expect(await store().keys.update(expired.id, ws, { scopes: ['*'] }, { at: NOW })).toEqual({
        outcome: 'ended',
        key: expired,
      });
      expect(await store().keys.find(expired.id, ws)).toEqual(expired);
    });

    test('a concurrent update and expiry both apply', async () => {
      const ws = await givenWorkspace(store());
      const key = await givenKey(store(), ws);
      await Promise.all([
        store().keys.update(key.id, ws, { name: 'Renamed' }, { at: NOW }),
        store().keys.expire(key.id, ws, NOW + 50, { at: NOW }),
        store().keys.update(key.id, ws, { scopes: ['z'] }, { at: NOW }),
      ]);
      const expected = { ...key, name: 'Renamed', scopes: ['z'], expiresAt: NOW + 50 };
      expect(await store().keys.find(key.id, ws)).toEqual(expected);
    });
  });

  test('a change in another workspace, or of an unknown key, is unknown and writes nothing', async () => {
    const [mine, other] = [await givenWorkspace(store()), await givenWorkspace(store())];
    const key = await givenKey(store(), mine);
    const { keys } = store();
    for (const [id, ws] of [
      [key.id, other],
      [unique('key'), null],
    ] as const) {
      const heir = anHeir(key);
      expect(await keys.expire(id, ws, NOW, { at: NOW })).toEqual({ outcome: 'unknown' });
      expect(await keys.revoke(id, ws, null, { at: NOW })).toEqual({ outcome: 'unknown' });
      expect(await keys.update(id, ws, { name: 'x' }, { at: NOW })).toEqual({ outcome: 'unknown' });
      expect(await keys.rotate(id, ws, { successor: heir, overlapEnd: NOW }, { at: NOW })).toEqual({
        outcome: 'unknown',
      });
      expect(await keys.find(heir.id, null)).toBeNull();
    }
    expect(await keys.find(key.id, mine)).toEqual(key);
  });
}
