import type { KeyRecord } from '../../../../src/core/store/records.js';
import type { Places } from '../../../../src/core/store/keyStore.js';
import type { Bench } from './bench.js';
import { ADA, aKey, anHeir, givenKey, givenWorkspace, NOW, placesFor } from '../fixtures.js';
import { runTogether } from '../processes.js';

export function testPlaces({ store }: Bench): void {
  const insert = async (ws: string, places: number | null, now = NOW, fields = {}) =>
    store().keys.insert(aKey(ws, fields), places, now);
  const living = (ws: string, now = NOW) => store().keys.countFamilies(ws, now);

  describe('places', () => {
    test('are limited; beyond the limit the result is full, and nothing is written', async () => {
      const ws = await givenWorkspace(store());
      for (let i = 0; i < 3; i++) expect(await insert(ws, 3)).toEqual({ outcome: 'inserted' });
      const refused = aKey(ws);
      expect(await store().keys.insert(refused, 3, NOW)).toEqual({ outcome: 'full', living: 3 });
      expect(await store().keys.find(refused.id, null)).toBeNull();
      expect(await living(ws)).toBe(3);
      expect(await insert(ws, 0)).toEqual({ outcome: 'full', living: 3 });
      expect(await insert(ws, null)).toEqual({ outcome: 'inserted' });
    });

    test('are counted separately for each workspace', async () => {
      const [a, b] = [await givenWorkspace(store()), await givenWorkspace(store())];
      expect(await insert(a, 1)).toEqual({ outcome: 'inserted' });
      expect(await insert(b, 1)).toEqual({ outcome: 'inserted' });
      expect(await insert(a, 1)).toEqual({ outcome: 'full', living: 1 });
    });

    test('are freed by revocation', async () => {
      const ws = await givenWorkspace(store());
      const key = aKey(ws);
      await store().keys.insert(key, 1, NOW);
      expect(await insert(ws, 1)).toEqual({ outcome: 'full', living: 1 });
      await store().keys.revoke(key.id, ws, null, { at: NOW });
      expect(await living(ws)).toBe(0);
      expect(await insert(ws, 1)).toEqual({ outcome: 'inserted' });
      expect(await insert(ws, 1)).toEqual({ outcome: 'full', living: 1 });
    });

    test('are freed by expiry', async () => {
      const ws = await givenWorkspace(store());
      await insert(ws, 2, NOW, { expiresAt: NOW + 100 });
      await insert(ws, 2, NOW, { expiresAt: NOW + 200 });
      expect(await insert(ws, 2, NOW + 99)).toEqual({ outcome: 'full', living: 2 });
      expect(await living(ws, NOW + 100)).toBe(1);
      expect(await insert(ws, 2, NOW + 100)).toEqual({ outcome: 'inserted' });
      expect(await insert(ws, 2, NOW + 199)).toEqual({ outcome: 'full', living: 2 });
      expect(await insert(ws, 2, NOW + 200)).toEqual({ outcome: 'inserted' });
      expect(await living(ws, NOW + 200)).toBe(2);
    });

    test('are taken once by a key and its successor in overlap, and by the successor after it', async () => {
      const ws = await givenWorkspace(store());
      const key = aKey(ws);
      await store().keys.insert(key, 2, NOW);
      const heir = anHeir(key, { expiresAt: NOW + 500 });
      await store().keys.rotate(key.id, ws, { successor: heir, overlapEnd: NOW + 100 }, { at: NOW });
      expect(await living(ws)).toBe(1);
      expect(await insert(ws, 2)).toEqual({ outcome: 'inserted' });
      expect(await insert(ws, 2, NOW + 100)).toEqual({ outcome: 'full', living: 2 });
      // The successor is revoked while its predecessor is active: the place is still taken.
      await store().keys.revoke(heir.id, ws, null, { at: NOW + 50 });
      expect(await insert(ws, 2, NOW + 99)).toEqual({ outcome: 'full', living: 2 });
      expect(await insert(ws, 2, NOW + 100)).toEqual({ outcome: 'inserted' });
    });

    test('stay taken through rotations without overlap', async () => {
      const ws = await givenWorkspace(store());
      let key = aKey(ws);
      await store().keys.insert(key, 1, NOW);
      for (let i = 0; i < 4; i++) {
        const heir = anHeir(key);
        expect(await store().keys.rotate(key.id, ws, { successor: heir, overlapEnd: NOW }, { at: NOW })).toMatchObject({
          outcome: 'changed',
        });
        expect(await insert(ws, 1)).toEqual({ outcome: 'full', living: 1 });
        key = heir;
      }
      await store().keys.expire(key.id, ws, NOW, { at: NOW });
      expect(await insert(ws, 1)).toEqual({ outcome: 'inserted' });
    });

    test('families from before the limit count', async () => {
      const ws = await givenWorkspace(store());
      const unlimited = [];
      for (let i = 0; i < 5; i++) unlimited.push(await givenKey(store(), ws));
      expect(await living(ws)).toBe(5);
      expect(await insert(ws, 3)).toEqual({ outcome: 'full', living: 5 });
      expect(await insert(ws, 5)).toEqual({ outcome: 'full', living: 5 });
      expect(await insert(ws, 6)).toEqual({ outcome: 'inserted' });
      expect(await insert(ws, 6)).toEqual({ outcome: 'full', living: 6 });
      for (const { id } of unlimited.slice(0, 4)) await store().keys.revoke(id, ws, null, { at: NOW });
      expect(await living(ws)).toBe(2);
      expect(await insert(ws, 3)).toEqual({ outcome: 'inserted' });
      expect(await insert(ws, 3)).toEqual({ outcome: 'full', living: 3 });
    });

    test('families from a higher limit count', async () => {
      const ws = await givenWorkspace(store());
      const keys = Array.from({ length: 8 }, () => aKey(ws));
      for (const key of keys) await store().keys.insert(key, 8, NOW);
      for (const { id } of keys.slice(0, 6)) await store().keys.revoke(id, ws, null, { at: NOW });
      expect(await insert(ws, 3)).toEqual({ outcome: 'inserted' });
      expect(await insert(ws, 3)).toEqual({ outcome: 'full', living: 3 });
      expect(await insert(ws, 2)).toEqual({ outcome: 'full', living: 3 });
    });

    test('the first key of a workspace takes one', async () => {
      const workspace = { id: aKey('').id, name: 'New', tier: 'FREE_TRIAL', createdAt: NOW } as const;
      await store().workspaces.create(workspace, aKey(workspace.id));
      expect(await living(workspace.id)).toBe(1);
      expect(await insert(workspace.id, 1)).toEqual({ outcome: 'full', living: 1 });
      expect(await insert(workspace.id, 2)).toEqual({ outcome: 'inserted' });
      expect(await insert(workspace.id, 2)).toEqual({ outcome: 'full', living: 2 });
    });

    test('are not exceeded by concurrent insertions while families from before the limit move', async () => {
      const ws = await givenWorkspace(store());
      for (let i = 0; i < 4; i++) await givenKey(store(), ws);
      const answers = await Promise.all(Array.from({ length: 30 }, () => insert(ws, 10)));
      expect(answers.filter(({ outcome }) => outcome === 'inserted')).toHaveLength(6);
      expect(await living(ws)).toBe(10);
    });

    describe('R11: keys that only administer', () => {
      const ADMIN = { scopes: ['admin'] };
      const MORE = { scopes: ['admin', 'read:all'] };
      const add = async (ws: string, limits: Places, fields: Partial<KeyRecord>, now = NOW): Promise<KeyRecord> => {
        const key = aKey(ws, fields);
        expect(await store().keys.insert(key, limits, now)).toEqual({ outcome: 'inserted' });
        return key;
      };
      const update = (key: KeyRecord, scopes: string[], limits: Places, now = NOW) =>
        store().keys.update(key.id, key.workspaceId, { scopes }, { at: now, author: ADA, places: limits });
      const counts = async (ws: string, now = NOW) => [
        await store().keys.countFamilies(ws, now, 'keys'),
        await store().keys.countFamilies(ws, now, 'adminKeys'),
        await store().keys.countFamilies(ws, now),
      ];

      test('R11: are counted separately, with their own limit', async () => {
        const ws = await givenWorkspace(store());
        const limits = placesFor(1, 2);
        await add(ws, limits, ADMIN);
        await add(ws, limits, { scopes: ['platform', 'admin'] });
        expect(await store().keys.insert(aKey(ws, ADMIN), limits, NOW)).toEqual({ outcome: 'full', living: 2 });
        const key = await add(ws, limits, MORE);
        const second = aKey(ws, { scopes: ['read:all'] });
        expect(await store().keys.insert(second, limits, NOW)).toEqual({ outcome: 'full', living: 1 });
        expect(await counts(ws)).toEqual([1, 2, 3]);
        await store().keys.revoke(key.id, ws, null, { at: NOW });
        await add(ws, limits, {});
        expect(await counts(ws)).toEqual([1, 2, 3]);
      });

      test('R11: are not exceeded by concurrent insertions of both kinds', async () => {
        const ws = await givenWorkspace(store());
        const limits = placesFor(3, 2);
        const outcomes = await Promise.all(
          Array.from({ length: 24 }, (_, i) => store().keys.insert(aKey(ws, i % 2 === 0 ? ADMIN : {}), limits, NOW)),
        );
        expect(outcomes.filter(({ outcome }) => outcome === 'inserted')).toHaveLength(5);
        expect(await counts(ws)).toEqual([3, 2, 5]);
      });

      test('R11: are freed and taken when scopes change', async () => {
        const ws = await givenWorkspace(store());
        const limits = placesFor(1, 1);
        const admin = await add(ws, limits, ADMIN);
        const plain = await add(ws, limits, {});
        const refused = await update(admin, MORE.scopes, limits);
        expect(refused).toEqual({ outcome: 'full', key: admin, living: 1 });
        expect(await update(plain, ['admin'], limits)).toMatchObject({ outcome: 'full', living: 1 });
        expect(await counts(ws)).toEqual([1, 1, 2]);
        // With the same kind it takes none.
        expect(await update(admin, ['platform'], limits)).toMatchObject({ outcome: 'changed' });
        await store().keys.revoke(plain.id, ws, null, { at: NOW });
        expect(await update(admin, MORE.scopes, limits)).toMatchObject({ outcome: 'changed' });
        expect(await counts(ws)).toEqual([1, 0, 1]);
        expect(await store().keys.insert(aKey(ws), limits, NOW)).toEqual({ outcome: 'full', living: 1 });
        await add(ws, limits, ADMIN);
        expect(await update(admin, ['admin'], limits)).toMatchObject({ outcome: 'full', living: 1 });
        expect(await counts(ws)).toEqual([1, 1, 2]);
      });

      test('R11: are not exceeded by concurrent changes of scopes', async () => {
        const ws = await givenWorkspace(store());
        const limits = placesFor(2, 8);
        const admins = [];
        for (let i = 0; i < 8; i++) admins.push(await add(ws, limits, ADMIN));
        const changes = await Promise.all([
          ...admins.map((key) => update(key, MORE.scopes, limits)),
          ...Array.from({ length: 4 }, () => store().keys.insert(aKey(ws), limits, NOW)),
        ]);
        const taken = changes.filter(({ outcome }) => outcome === 'changed' || outcome === 'inserted');
        expect(taken).toHaveLength(2);
        expect((await counts(ws))[0]).toBe(2);
      });

      test('R11: count a family by all its active keys', async () => {
        const ws = await givenWorkspace(store());
        const limits = placesFor(1, 1);
        const key = await add(ws, limits, ADMIN);
        const heir = anHeir(key, ADMIN);
        await store().keys.rotate(key.id, ws, { successor: heir, overlapEnd: NOW + 100 }, { at: NOW });
        expect(await counts(ws)).toEqual([0, 1, 1]);
        expect(await update(heir, MORE.scopes, limits)).toMatchObject({ outcome: 'changed' });
        expect(await counts(ws)).toEqual([1, 0, 1]);
        expect(await store().keys.insert(aKey(ws), limits, NOW)).toEqual({ outcome: 'full', living: 1 });
        await add(ws, limits, { ...ADMIN, expiresAt: NOW + 50 });
        // The old key ends; the family stays a normal one until its last key with other scopes is changed.
        expect(await counts(ws, NOW + 100)).toEqual([1, 0, 1]);
        expect(await update(heir, ['admin'], limits, NOW + 100)).toMatchObject({ outcome: 'changed' });
        expect(await counts(ws, NOW + 100)).toEqual([0, 1, 1]);
        await add(ws, limits, {}, NOW + 100);
        expect(await store().keys.insert(aKey(ws, ADMIN), limits, NOW + 100)).toEqual({ outcome: 'full', living: 1 });
      });

      test('R11: leave a place for another key next to the first key of a workspace', async () => {
        const workspace = { id: aKey('').id, name: 'New', tier: 'FREE_TRIAL', createdAt: NOW } as const;
        await store().workspaces.create(workspace, aKey(workspace.id, ADMIN));
        const limits = placesFor(1, 1);
        await add(workspace.id, limits, {});
        expect(await store().keys.insert(aKey(workspace.id, ADMIN), limits, NOW)).toEqual({
          outcome: 'full',
          living: 1,
        });
      });
    });
  });
}

/** Races of processes for the last places. */
export function testPlacesByProcesses({ store, target }: Bench): void {
  const living = (ws: string) => store().keys.countFamilies(ws, NOW);
  const insert = (ws: string, places: number) => store().keys.insert(aKey(ws), places, NOW);

  describe('places', () => {
    test('are not exceeded by 200 concurrent insertions from four processes, and all are used', async () => {
      const ws = await givenWorkspace(store());
      const job = { kind: 'insert', workspaceId: ws, count: 50, places: 10 } as const;
      const outcomes = (await runTogether(target(), [job, job, job, job])).flat();
      expect(outcomes).toHaveLength(200);
      expect(outcomes.filter((outcome) => outcome === 'inserted')).toHaveLength(10);
      expect(await living(ws)).toBe(10);
    });

    test('are not exceeded while keys are rotated and revoked in three processes', async () => {
      const ws = await givenWorkspace(store());
      const job = { kind: 'turnover', workspaceId: ws, places: 4, rounds: 25 } as const;
      let done = false;
      const counts: number[] = [];
      const watch = async (): Promise<void> => {
        for (; !done; await new Promise((resolve) => setTimeout(resolve, 5))) counts.push(await living(ws));
      };
      const watched = watch();
      const outcomes = (await runTogether(target(), [job, job, job])).flat();
      done = true;
      await watched;
      expect(outcomes).toContain('inserted');
      expect(Math.max(...counts)).toBeLessThanOrEqual(4);
      const left = 4 - (await living(ws));
      for (let i = 0; i < left; i++) expect(await insert(ws, 4)).toEqual({ outcome: 'inserted' });
      expect(await insert(ws, 4)).toEqual({ outcome: 'full', living: 4 });
    });
  });
}
