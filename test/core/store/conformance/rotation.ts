import { Duplicate } from '../../../../src/core/store/storeErrors.js';
import type { Bench } from './bench.js';
import { anHeir, givenKey, givenWorkspace, listed, NOW } from '../fixtures.js';

export function testRotation({ store }: Bench): void {
  describe('rotate', () => {
    test('writes the successor and the end of the old key', async () => {
      const ws = await givenWorkspace(store());
      const key = await givenKey(store(), ws, { lifetime: 77 });
      const heir = anHeir(key, { expiresAt: NOW + 9000 });
      const replaced = { ...key, replacedBy: heir.id, expiresAt: NOW + 1000 };
      expect(await store().keys.rotate(key.id, ws, { successor: heir, overlapEnd: NOW + 1000 }, { at: NOW })).toEqual({
        outcome: 'changed',
        key: replaced,
      });
      expect(await store().keys.find(key.id, ws)).toEqual(replaced);
      expect(await store().keys.find(heir.id, ws)).toEqual(heir);
      expect(await store().keys.findForVerification(heir.lookupId)).toMatchObject({ key: heir });
      expect(await store().keys.findForVerification(key.lookupId)).toMatchObject({ key: replaced });
    });

    test('never extends the end of the old key', async () => {
      const ws = await givenWorkspace(store());
      const key = await givenKey(store(), ws, { expiresAt: NOW + 10 });
      expect(
        await store().keys.rotate(key.id, null, { successor: anHeir(key), overlapEnd: NOW + 1000 }, { at: NOW }),
      ).toMatchObject({
        outcome: 'changed',
        key: { expiresAt: NOW + 10 },
      });
    });

    test('puts the successor into the family of the old key, whatever the caller passed', async () => {
      const ws = await givenWorkspace(store());
      const key = await givenKey(store(), ws);
      const stray = anHeir(key, { familyId: 'another', replaces: null });
      await store().keys.rotate(key.id, ws, { successor: stray, overlapEnd: NOW + 1000 }, { at: NOW });
      expect(await store().keys.find(stray.id, ws)).toEqual({ ...stray, familyId: key.familyId, replaces: key.id });
      expect(await store().keys.countFamilies(ws, NOW)).toBe(1);
    });

    test('writes nothing for keys that were replaced, revoked or have expired', async () => {
      const ws = await givenWorkspace(store());
      const { keys } = store();
      const [replaced, revoked, expired] = [
        await givenKey(store(), ws),
        await givenKey(store(), ws),
        await givenKey(store(), ws, { expiresAt: NOW }),
      ];
      await keys.rotate(replaced.id, ws, { successor: anHeir(replaced), overlapEnd: NOW }, { at: NOW });
      await keys.revoke(revoked.id, ws, null, { at: NOW });
      const before = await listed(store(), ws);
      expect(
        await keys.rotate(replaced.id, ws, { successor: anHeir(replaced), overlapEnd: NOW + 9 }, { at: NOW }),
      ).toMatchObject({ outcome: 'replaced' });
      expect(
        await keys.rotate(revoked.id, ws, { successor: anHeir(revoked), overlapEnd: NOW + 9 }, { at: NOW }),
      ).toMatchObject({ outcome: 'ended' });
      expect(
        await keys.rotate(expired.id, ws, { successor: anHeir(expired), overlapEnd: NOW + 9 }, { at: NOW }),
      ).toEqual({
        outcome: 'ended',
        key: expired,
      });
      expect(await listed(store(), ws)).toEqual(before);
    });

    test('a successor whose ID or lookup ID already exists is a Duplicate, and nothing is written', async () => {
      const ws = await givenWorkspace(store());
      const [key, other] = [await givenKey(store(), ws), await givenKey(store(), ws)];
      const before = await listed(store(), ws);
      for (const [taken, what] of [
        [{ id: other.id }, 'key.id'],
        [{ lookupId: other.lookupId }, 'key.lookupId'],
        [{ lookupId: key.lookupId }, 'key.lookupId'],
      ] as const) {
        const error = await store()
          .keys.rotate(key.id, ws, { successor: anHeir(key, taken), overlapEnd: NOW }, { at: NOW })
          .catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(Duplicate);
        expect(error).toMatchObject({ what });
      }
      expect(await listed(store(), ws)).toEqual(before);
    });

    test('exactly one of many concurrent rotations succeeds', async () => {
      const ws = await givenWorkspace(store());
      const key = await givenKey(store(), ws);
      const heirs = Array.from({ length: 20 }, () => anHeir(key));
      const answers = await Promise.all(
        heirs.map((heir) => store().keys.rotate(key.id, ws, { successor: heir, overlapEnd: NOW + 1000 }, { at: NOW })),
      );
      expect(answers.filter(({ outcome }) => outcome === 'changed')).toHaveLength(1);
      expect(answers.filter(({ outcome }) => outcome === 'replaced')).toHaveLength(19);
      const winner = heirs[answers.findIndex(({ outcome }) => outcome === 'changed')];
      expect((await store().keys.find(key.id, ws))?.replacedBy).toBe(winner?.id);
      expect((await listed(store(), ws)).map(({ id }) => id).sort()).toEqual([key.id, winner?.id].sort());
    });

    test('a concurrent revocation never leaves an active key without a successful rotation', async () => {
      for (let round = 0; round < 5; round++) {
        const ws = await givenWorkspace(store());
        const key = await givenKey(store(), ws);
        const heir = anHeir(key);
        const [rotated] = await Promise.all([
          store().keys.rotate(key.id, ws, { successor: heir, overlapEnd: NOW + 1000 }, { at: NOW }),
          store().keys.revoke(key.id, ws, 'leaked', { at: NOW }),
        ]);
        expect(await store().keys.find(key.id, ws)).toMatchObject({ revokedAt: NOW });
        expect(await store().keys.find(heir.id, ws)).toEqual(rotated.outcome === 'changed' ? heir : null);
      }
    });
  });
}
