import { Duplicate } from '../../../../src/core/store/storeErrors.js';
import { keyPosition, type KeyPosition } from '../../../../src/core/store/ordering.js';
import type { KeyRecord } from '../../../../src/core/store/records.js';
import type { Store } from '../../../../src/core/store/store.js';
import type { Bench } from './bench.js';
import { aBatch, ADA, aKey, anHeir, aWorkspace, givenKey, givenWorkspace, listed, summaryOf } from '../fixtures.js';
import { runTogether } from '../processes.js';

/** Long before the moments of other tests, whose keys must stay. */
export const LONG_AGO = 1_000_000_000_000;

/** Removes all keys that ended by then. @returns how many */
export async function removeAll({ keys }: Store, before: number, limit = 50): Promise<number> {
  let removed = 0;
  for (let calls = 0; calls < 1_000; calls++) {
    const batch = await keys.removeEnded(before, limit);
    removed += batch.removed;
    if (batch.isDone) return removed;
  }
  throw new Error('The removal of ended keys makes no progress.');
}

export function testRemoval({ store }: Bench): void {
  describe('removeEnded', () => {
    const past = { createdAt: LONG_AGO - 99 };
    const revokedAt = (at: number) => ({ ...past, revokedAt: at, revokedReason: 'left' });
    /** A chain of rotations without overlap, one key each millisecond: the last of them is active. */
    const givenChain = async (length: number, places: number | null = null, scopes = ['assets:read']) => {
      const ws = await givenWorkspace(store());
      let key = aKey(ws, { ...past, scopes });
      await store().keys.insert(key, places, LONG_AGO - 99);
      const chain = [key];
      for (let i = 1; i < length; i++) {
        const [old, now] = [key, LONG_AGO - 50 + i];
        key = anHeir(old, { scopes, createdAt: now });
        expect(await store().keys.rotate(old.id, ws, { successor: key, overlapEnd: now }, { at: now })).toMatchObject({
          outcome: 'changed',
        });
        chain.push(key);
      }
      return { ws, chain, last: key };
    };

    test('X11: removes keys that were revoked or expired by then, and no others', async () => {
      await removeAll(store(), LONG_AGO);
      const ws = await givenWorkspace(store());
      const given = async (fields: object) => givenKey(store(), ws, { ...past, ...fields }, LONG_AGO - 99);
      const gone = [
        await given(revokedAt(LONG_AGO)),
        await given({ expiresAt: LONG_AGO }),
        await given({ ...revokedAt(LONG_AGO - 5), expiresAt: LONG_AGO + 5 }),
        await given({ ...revokedAt(LONG_AGO - 5), scopes: [] }),
      ];
      const kept = [
        await given({}),
        await given({ expiresAt: LONG_AGO + 1 }),
        await given(revokedAt(LONG_AGO + 1)),
        await given({ ...revokedAt(LONG_AGO + 1), expiresAt: LONG_AGO - 5 }),
      ];
      expect(await store().keys.removeEnded(LONG_AGO, 50)).toEqual({ removed: gone.length, isDone: true });
      expect(await store().keys.removeEnded(LONG_AGO, 50)).toEqual({ removed: 0, isDone: true });

      const { keys } = store();
      const ids = (records: readonly { readonly id: string }[]) => records.map(({ id }) => id).sort();
      expect(ids(await listed(store(), ws))).toEqual(ids(kept));
      expect(await keys.count(ws, {}, LONG_AGO)).toBe(kept.length);
      expect(await keys.count(ws, { status: 'REVOKED' }, LONG_AGO)).toBe(2);
      for (const key of kept) {
        expect(await keys.find(key.id, ws)).toEqual(key);
        expect(await keys.findForVerification(key.lookupId)).toMatchObject({ key });
      }
      for (const reach of [null, ws]) {
        for (const { id } of gone) expect(await keys.find(id, reach)).toBeNull();
        expect(ids(await keys.findMany(ids([...gone, ...kept]), reach))).toEqual(ids(kept));
        const clues = {
          lookupIds: [...gone, ...kept].map(({ lookupId }) => lookupId),
          beginning: null,
          foreignPrefix: null,
        };
        expect(ids(await keys.search(clues, { workspaceId: reach, projectId: null }, 20))).toEqual(ids(kept));
      }
      for (const { id, lookupId } of gone) {
        expect(await keys.findForVerification(lookupId)).toBeNull();
        expect(await keys.findForDerived(id)).toBeNull();
      }
    });

    test('X11: of a removed key every change is of an unknown key, and nothing is written', async () => {
      const { keys } = store();
      const ws = await givenWorkspace(store());
      const key = await givenKey(store(), ws, { ...past, expiresAt: LONG_AGO }, LONG_AGO - 99);
      await removeAll(store(), LONG_AGO);
      for (const reach of [null, ws]) {
        const unknown = { outcome: 'unknown' };
        expect(await keys.revoke(key.id, reach, null, { at: LONG_AGO })).toEqual(unknown);
        expect(await keys.expire(key.id, reach, LONG_AGO, { at: LONG_AGO })).toEqual(unknown);
        expect(await keys.update(key.id, reach, { name: 'x' }, { at: LONG_AGO })).toEqual(unknown);
        expect(
          await keys.rotate(key.id, reach, { successor: anHeir(key), overlapEnd: LONG_AGO }, { at: LONG_AGO }),
        ).toEqual(unknown);
      }
      await keys.saveDigest(key.id, 'digest');
      await keys.touch(new Map([[key.id, LONG_AGO]]));
      expect(await keys.find(key.id, null)).toBeNull();
      expect(await listed(store(), ws)).toEqual([]);
    });

    test('X11: the ID and the lookup ID of a removed key stay taken', async () => {
      const { keys, workspaces } = store();
      const ws = await givenWorkspace(store());
      const [gone, other] = [await givenKey(store(), ws, revokedAt(LONG_AGO)), await givenKey(store(), ws, past)];
      await removeAll(store(), LONG_AGO);
      const errorOf = (call: Promise<unknown>) => call.catch((reason: unknown) => reason);
      for (const [taken, what] of [
        [{ id: gone.id }, 'key.id'],
        [{ lookupId: gone.lookupId }, 'key.lookupId'],
      ] as const) {
        const errors = [
          await errorOf(keys.insert(aKey(ws, taken), null, LONG_AGO)),
          await errorOf(
            keys.rotate(other.id, ws, { successor: anHeir(other, taken), overlapEnd: LONG_AGO }, { at: LONG_AGO }),
          ),
        ];
        for (const error of errors) {
          expect(error).toBeInstanceOf(Duplicate);
          expect(error).toMatchObject({ what });
        }
      }
      const workspace = aWorkspace();
      const first = aKey(workspace.id, { lookupId: gone.lookupId });
      expect(await errorOf(workspaces.create(workspace, first))).toBeInstanceOf(Duplicate);
      expect(await listed(store(), ws)).toEqual([summaryOf(other)]);
      expect(await keys.findForVerification(gone.lookupId)).toBeNull();
      expect(await keys.nextLookupId(gone.lookupId)).toBe(gone.lookupId);
      expect(await keys.nextLookupId(other.lookupId)).toBe(other.lookupId);
    });

    test('X11: a page continues after a key that was removed in the meantime', async () => {
      const { keys } = store();
      const ws = await givenWorkspace(store());
      const given: KeyRecord[] = [];
      for (let i = 0; i < 6; i++)
        given.push(
          await givenKey(
            store(),
            ws,
            { ...past, createdAt: LONG_AGO - 99 + i, expiresAt: i === 3 ? LONG_AGO : null },
            LONG_AGO - 99,
          ),
        );
      const page = (after: KeyPosition | null) => keys.list(ws, { first: 3, after, filter: {}, now: LONG_AGO });
      const first = await page(null);
      const last = first.keys.at(-1);
      expect(last?.id).toBe(given[3]?.id);
      await removeAll(store(), LONG_AGO);
      const second = await page(last === undefined ? null : keyPosition(last, 'CREATED'));
      expect(second.keys.map(({ id }) => id)).toEqual([2, 1, 0].map((i) => given[i]?.id));
      expect(second.hasNextPage).toBe(false);
    });

    test('X11: a call removes no more keys than it may', async () => {
      await removeAll(store(), LONG_AGO);
      const ws = await givenWorkspace(store());
      for (let i = 0; i < 5; i++) {
        await givenKey(
          store(),
          ws,
          i % 2 === 0 ? revokedAt(LONG_AGO) : { ...past, expiresAt: LONG_AGO },
          LONG_AGO - 99,
        );
      }
      const calls = [2, 2, 2, 2].map((limit) => () => store().keys.removeEnded(LONG_AGO, limit));
      const answers = [];
      for (const call of calls) answers.push(await call());
      expect(answers).toEqual([
        { removed: 2, isDone: false },
        { removed: 2, isDone: false },
        { removed: 1, isDone: true },
        { removed: 0, isDone: true },
      ]);
    });

    test.each([
      ['keys', ['assets:read'], 50],
      ['keys', ['assets:read'], 1],
      ['adminKeys', ['admin'], 50],
    ] as const)('X11: a family of %s keeps its place while a key of it is active', async (kind, scopes, limit) => {
      const { keys } = store();
      const { ws, chain, last } = await givenChain(4, 1, [...scopes]);
      expect(await keys.countFamilies(ws, LONG_AGO, kind)).toBe(1);
      expect(await removeAll(store(), LONG_AGO, limit)).toBeGreaterThanOrEqual(chain.length - 1);
      expect((await listed(store(), ws)).map(({ id }) => id)).toEqual([last.id]);
      expect(await keys.find(last.id, ws)).toMatchObject({ replaces: chain.at(-2)?.id, familyId: chain[0]?.familyId });
      expect(await keys.countFamilies(ws, LONG_AGO, kind)).toBe(1);
      expect(await keys.countFamilies(ws, LONG_AGO)).toBe(1);
      const another = () => aKey(ws, { scopes: [...scopes] });
      expect(await keys.insert(another(), 1, LONG_AGO)).toEqual({ outcome: 'full', living: 1 });

      // The last key can be rotated again, and the end of its family frees the place.
      const heir = anHeir(last, { scopes: [...scopes], createdAt: LONG_AGO });
      expect(
        await keys.rotate(last.id, ws, { successor: heir, overlapEnd: LONG_AGO + 5 }, { at: LONG_AGO }),
      ).toMatchObject({ outcome: 'changed' });
      expect(await keys.countFamilies(ws, LONG_AGO, kind)).toBe(1);
      expect(await keys.insert(another(), 1, LONG_AGO)).toEqual({ outcome: 'full', living: 1 });
      await keys.revoke(heir.id, ws, null, { at: LONG_AGO });
      expect(await keys.countFamilies(ws, LONG_AGO + 4)).toBe(1);
      expect(await keys.countFamilies(ws, LONG_AGO + 5)).toBe(0);
      expect(await keys.insert(another(), 1, LONG_AGO + 5)).toEqual({ outcome: 'inserted' });
    });

    test('X11: an old key works on in its overlap when its successor was removed', async () => {
      const { keys } = store();
      const ws = await givenWorkspace(store());
      const key = await givenKey(store(), ws, past, LONG_AGO - 99);
      const heir = anHeir(key, { createdAt: LONG_AGO - 9 });
      await keys.rotate(key.id, ws, { successor: heir, overlapEnd: LONG_AGO + 99 }, { at: LONG_AGO - 9 });
      await keys.revoke(heir.id, ws, null, { at: LONG_AGO });
      await removeAll(store(), LONG_AGO);
      expect(await keys.find(heir.id, ws)).toBeNull();
      expect(await keys.find(key.id, ws)).toMatchObject({ replacedBy: heir.id, expiresAt: LONG_AGO + 99 });
      expect(await keys.countFamilies(ws, LONG_AGO)).toBe(1);
      expect(await keys.countFamilies(ws, LONG_AGO + 99)).toBe(0);
      expect(
        await keys.rotate(key.id, ws, { successor: anHeir(key), overlapEnd: LONG_AGO }, { at: LONG_AGO }),
      ).toMatchObject({ outcome: 'replaced' });
    });

    test('X11: rejects changes by a removed key', async () => {
      const { keys } = store();
      const ws = await givenWorkspace(store());
      const [key, gone] = [await givenKey(store(), ws, past), await givenKey(store(), ws, revokedAt(LONG_AGO))];
      await removeAll(store(), LONG_AGO);
      const judged = { at: LONG_AGO, scopes: [], roles: null, expiresAt: null };
      const author = { ...ADA, id: gone.id, judged };
      const ended = { outcome: 'authorEnded' };
      expect(await keys.insert(aKey(ws), null, LONG_AGO, author)).toEqual(ended);
      expect(
        await keys.rotate(key.id, ws, { successor: anHeir(key), overlapEnd: LONG_AGO }, { at: LONG_AGO, author }),
      ).toMatchObject(ended);
      expect(await keys.update(key.id, ws, { name: 'x' }, { at: LONG_AGO, author })).toMatchObject(ended);
      expect(await listed(store(), ws)).toEqual([summaryOf(key)]);
    });

    test('X11: audit entries and usage of a removed key stay, and its removal adds no entry', async () => {
      const ws = await givenWorkspace(store());
      const key = await givenKey(store(), ws, past);
      await store().keys.revoke(key.id, ws, 'leaked', { at: LONG_AGO, author: ADA });
      const start = Math.floor(Date.now() / 86_400_000) * 86_400_000;
      const counts = { keyId: key.id, start, requests: 3, cost: 3, limited: 0, forbidden: 0 };
      await store().usage.add(aBatch([counts]), start);
      const entries = () => store().audit.list(ws, { first: 9, before: null, filter: { subject: key.id } });
      const before = await entries();
      expect(before.map(({ action }) => action)).toEqual(['key.revoked', 'key.created']);
      const head = await store().audit.head(ws);
      await removeAll(store(), LONG_AGO);
      expect(await store().keys.find(key.id, ws)).toBeNull();
      expect(await entries()).toEqual(before);
      expect(await store().audit.head(ws)).toEqual(head);
      const span = { from: start, to: start + 1, by: 'DAY' } as const;
      expect(await store().usage.read([key.id], span)).toEqual([counts]);
    });

    test('X11: of calls at the same time each key is removed once, and families keep their places', async () => {
      await removeAll(store(), LONG_AGO);
      const { ws, chain } = await givenChain(6);
      for (let i = 0; i < 12; i++) await givenKey(store(), ws, revokedAt(LONG_AGO));
      const calls = Array.from({ length: 4 }, () => store().keys.removeEnded(LONG_AGO, 50));
      const removed = (await Promise.all(calls)).reduce((sum, call) => sum + call.removed, 0);
      const left = await removeAll(store(), LONG_AGO);
      expect(removed + left).toBe(12 + chain.length - 1);
      expect(await store().keys.count(ws, {}, LONG_AGO)).toBe(1);
      expect(await store().keys.countFamilies(ws, LONG_AGO)).toBe(1);
    });

    test('X11: beside changes of the family no count is wrong afterwards', async () => {
      for (let round = 0; round < 4; round++) {
        const { ws, last } = await givenChain(3);
        const now = LONG_AGO - 20;
        const heir = anHeir(last, { createdAt: now });
        await Promise.all([
          store().keys.removeEnded(LONG_AGO - 30, 50),
          round % 2 === 0
            ? store().keys.revoke(last.id, ws, null, { at: now })
            : store().keys.rotate(last.id, ws, { successor: heir, overlapEnd: LONG_AGO + 9 }, { at: now }),
          store().keys.removeEnded(LONG_AGO - 30, 50),
        ]);
        await removeAll(store(), LONG_AGO - 30);
        expect(await store().keys.countFamilies(ws, now)).toBe(round % 2);
        if (round % 2 === 1) await store().keys.revoke(heir.id, ws, null, { at: now });
        expect(await store().keys.countFamilies(ws, now)).toBe(round % 2);
        expect(await store().keys.countFamilies(ws, LONG_AGO + 9)).toBe(0);
      }
    });
  });
}

export function testRemovalByProcesses({ store, target }: Bench): void {
  test('X11: two processes at the same time remove each ended key once', async () => {
    await removeAll(store(), LONG_AGO);
    const ws = await givenWorkspace(store());
    const living: string[] = [];
    for (let i = 0; i < 30; i++) {
      const key = await givenKey(store(), ws, { createdAt: LONG_AGO - 9 }, LONG_AGO - 9);
      if (i % 2 === 0) {
        await store().keys.revoke(key.id, ws, null, { at: LONG_AGO });
        continue;
      }
      const heir = anHeir(key, { createdAt: LONG_AGO });
      await store().keys.rotate(key.id, ws, { successor: heir, overlapEnd: LONG_AGO }, { at: LONG_AGO });
      living.push(heir.id);
    }
    const job = { kind: 'remove', before: LONG_AGO, limit: 4 } as const;
    const [first, second] = (await runTogether(target(), [job, job])) as [number, number];
    expect(first + second + (await removeAll(store(), LONG_AGO))).toBe(30);
    expect((await listed(store(), ws)).map(({ id }) => id).sort()).toEqual(living.sort());
    expect(await store().keys.countFamilies(ws, LONG_AGO)).toBe(15);
  });
}
