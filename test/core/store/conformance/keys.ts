import { Duplicate, StoreUnavailable } from '../../../../src/core/store/storeErrors.js';
import type { Bench } from './bench.js';
import { aKey, anHeir, aUser, givenKey, givenWorkspace, listed, NOW, summaryOf, unique } from '../fixtures.js';
import { openTarget } from '../target.js';

export function testKeys({ store, target }: Bench): void {
  describe('keys', () => {
    test('all fields are returned as they were written', async () => {
      const ws = await givenWorkspace(store());
      const full = aKey(ws, {
        digest: 'ab12',
        name: 'Ünïcode 😀 \'"; DROP TABLE keys; -- $where',
        scopes: ['b', 'a', '$ne'],
        trustedDocuments: ['b'.repeat(64), 'a'.repeat(64)],
        expiresAt: NOW + 5_000_000_001,
        lifetime: 5_000_000_001,
        lastUsedAt: NOW - 1,
        createdBy: null,
      });
      const bare = aKey(ws, { scopes: [] });
      await store().keys.insert(full, null, NOW);
      await store().keys.insert(bare, null, NOW);
      expect(await store().keys.find(full.id, null)).toEqual(full);
      expect(await store().keys.find(bare.id, ws)).toEqual(bare);
    });

    test('are found only within their workspace if one is named', async () => {
      const [mine, other] = [await givenWorkspace(store()), await givenWorkspace(store())];
      const key = await givenKey(store(), mine);
      expect(await store().keys.find(key.id, mine)).toEqual(key);
      expect(await store().keys.find(key.id, null)).toEqual(key);
      expect(await store().keys.find(key.id, other)).toBeNull();
      expect(await store().keys.find(unique('key'), null)).toBeNull();
    });

    test('are found by several IDs in one call, within their workspace if one is named', async () => {
      const [mine, other] = [await givenWorkspace(store()), await givenWorkspace(store())];
      const [a, b] = [await givenKey(store(), mine), await givenKey(store(), other)];
      const ids = [a.id, b.id, unique('key')];
      expect(await store().keys.findMany(ids, mine)).toEqual([summaryOf(a)]);
      const all = await store().keys.findMany(ids, null);
      expect(new Map(all.map((key) => [key.id, key]))).toEqual(new Map([a, b].map((key) => [key.id, summaryOf(key)])));
      expect(await store().keys.findMany([], null)).toEqual([]);
    });

    test('R2: lists, searches and look-ups of several keys leave out trusted documents, which have an operation', async () => {
      const [ws, other] = [await givenWorkspace(store()), await givenWorkspace(store())];
      const documents = ['b'.repeat(64), 'a'.repeat(64)];
      const bound = await givenKey(store(), ws, { trustedDocuments: documents, createdAt: NOW + 2 });
      const free = await givenKey(store(), ws, { createdAt: NOW + 1 });
      const theirs = await givenKey(store(), other, { trustedDocuments: ['c'.repeat(64)] });
      const ids = [bound.id, free.id, theirs.id, unique('key')];
      const byId = <Item extends { readonly id: string }>(items: readonly Item[]) =>
        items.toSorted((a, b) => (a.id < b.id ? -1 : 1));

      expect(await listed(store(), ws)).toStrictEqual([bound, free].map(summaryOf));
      expect(byId(await store().keys.findMany(ids, null))).toStrictEqual(byId([bound, free, theirs].map(summaryOf)));
      const clues = { lookupIds: [bound.lookupId], beginning: free.lookupId, foreignPrefix: null };
      expect(await store().keys.search(clues, { workspaceId: ws, projectId: null }, 9)).toStrictEqual(
        byId([bound, free].map(summaryOf)),
      );

      expect(byId(await store().keys.documentsOf(ids, ws))).toEqual(
        byId([
          { id: bound.id, trustedDocuments: documents },
          { id: free.id, trustedDocuments: null },
        ]),
      );
      expect(await store().keys.documentsOf([theirs.id], ws)).toEqual([]);
      expect(await store().keys.documentsOf([theirs.id], null)).toEqual([
        { id: theirs.id, trustedDocuments: theirs.trustedDocuments },
      ]);
      expect(await store().keys.documentsOf([], null)).toEqual([]);
    });

    test('R2: every change keeps the trusted documents, but one of the documents', async () => {
      const ws = await givenWorkspace(store());
      const key = await givenKey(store(), ws, { trustedDocuments: ['a'.repeat(64)] });
      const { keys } = store();
      const documents = async (id = key.id) => [
        (await keys.find(id, ws))?.trustedDocuments,
        (await keys.documentsOf([id], ws))[0]?.trustedDocuments,
      ];
      await keys.touch(new Map([[key.id, NOW]]));
      await keys.saveDigest(key.id, 'digest');
      await keys.update(key.id, ws, { name: 'other' }, { at: NOW });
      await keys.expire(key.id, ws, NOW + 9_000, { at: NOW });
      expect(await documents()).toEqual([key.trustedDocuments, key.trustedDocuments]);
      const later = ['b'.repeat(64), 'c'.repeat(64)];
      expect(await keys.update(key.id, ws, { trustedDocuments: later }, { at: NOW })).toMatchObject({
        key: { trustedDocuments: later },
      });
      const heir = anHeir(key);
      await keys.rotate(key.id, ws, { successor: heir, overlapEnd: NOW + 1_000 }, { at: NOW });
      await keys.revoke(key.id, ws, null, { at: NOW });
      expect(await documents()).toEqual([later, later]);
      expect(await documents(heir.id)).toEqual([later, later]);
      await keys.update(heir.id, ws, { trustedDocuments: null }, { at: NOW });
      expect(await documents(heir.id)).toEqual([null, null]);
      expect(await documents()).toEqual([later, later]);
    });

    test('are found for verification by their lookup ID, with the current tier', async () => {
      const ws = await givenWorkspace(store(), { tier: 'FREE_TRIAL' });
      const key = await givenKey(store(), ws);
      expect(await store().keys.findForVerification(key.lookupId)).toEqual({ key, tier: 'FREE_TRIAL', user: null });
      await store().workspaces.setTier(ws, 'GROWTH', NOW);
      expect(await store().keys.findForVerification(key.lookupId)).toEqual({ key, tier: 'GROWTH', user: null });
      expect(await store().keys.findForVerification(key.lookupId.toUpperCase() + 'x')).toBeNull();
      expect(await store().keys.findForVerification(key.id)).toBeNull();
    });

    test('are found by their ID for derived tokens, with the current tier and the user', async () => {
      const ws = await givenWorkspace(store(), { tier: 'FREE_TRIAL' });
      const user = aUser(ws);
      await store().users.add(user);
      const key = await givenKey(store(), ws, { userId: user.id, trustedDocuments: ['a'.repeat(64)] });
      expect(await store().keys.findForDerived(key.id)).toEqual({ key, tier: 'FREE_TRIAL', user });
      await store().workspaces.setTier(ws, 'GROWTH', NOW);
      await store().users.remove(user.id, ws, { at: NOW });
      await store().keys.revoke(key.id, ws, null, { at: NOW });
      expect(await store().keys.findForDerived(key.id)).toEqual({
        ...{ key: { ...key, revokedAt: NOW }, tier: 'GROWTH', user: { ...user, removedAt: NOW } },
      });
      expect(await store().keys.findForDerived(key.lookupId)).toBeNull();
    });

    test('lookup IDs are listed in order, by code units, from any text', async () => {
      const ws = await givenWorkspace(store());
      const own = unique('walk');
      const given = [`${own}:b`, `${own}:B`, `${own}:a:z`, `${own};`];
      for (const lookupId of given) await store().keys.insert(aKey(ws, { lookupId }), null, NOW);
      const walked: (string | null)[] = [];
      let from: string | null = `${own}:`;
      for (let i = 0; i < 3 && from !== null; i++) {
        from = await store().keys.nextLookupId(from);
        walked.push(from);
        from = from === null ? null : `${from}\u0001`;
      }
      expect(walked).toEqual([`${own}:B`, `${own}:a:z`, `${own}:b`]);
      expect(await store().keys.nextLookupId(`${own};`)).toBe(`${own};`);
      expect(await store().keys.nextLookupId('\uffff')).toBeNull();
    });

    test('the entry of an imported key says that it was imported', async () => {
      const ws = await givenWorkspace(store());
      const key = aKey(ws, { lookupId: `foreign:sha256:${unique('a')}` });
      await store().keys.insert(key, null, NOW);
      const [entry] = await store().audit.list(ws, { first: 1, before: null, filter: { subject: key.id } });
      expect(entry).toMatchObject({ action: 'key.imported', before: null });
      expect(JSON.stringify(entry)).not.toContain(key.lookupId);
    });

    test('an operator instead of a string finds nothing and changes nothing', async () => {
      const ws = await givenWorkspace(store());
      const key = await givenKey(store(), ws);
      const operator = { $ne: null } as unknown as string;
      await expect(store().keys.find(operator, null)).rejects.toThrow();
      await expect(store().keys.find(key.id, operator)).rejects.toThrow();
      await expect(store().keys.revoke(operator, null, null, { at: NOW })).rejects.toThrow();
      await store()
        .keys.findForVerification(operator)
        .then((found) => expect(found).toBeNull())
        .catch((error: unknown) => expect(error).not.toBeInstanceOf(StoreUnavailable));
      expect(await store().keys.find(key.id, ws)).toEqual(key);
    });

    test('an ID or lookup ID that already exists is a Duplicate, and nothing is written', async () => {
      const ws = await givenWorkspace(store());
      const key = await givenKey(store(), ws);
      const sameId = aKey(ws, { id: key.id });
      const sameLookup = aKey(ws, { lookupId: key.lookupId });
      for (const places of [null, 5]) {
        const id = await store()
          .keys.insert(sameId, places, NOW)
          .catch((error: unknown) => error);
        expect(id).toBeInstanceOf(Duplicate);
        expect(id).toMatchObject({ what: 'key.id' });
        const lookup = await store()
          .keys.insert(sameLookup, places, NOW)
          .catch((error: unknown) => error);
        expect(lookup).toBeInstanceOf(Duplicate);
        expect(lookup).toMatchObject({ what: 'key.lookupId' });
      }
      expect(await store().keys.find(key.id, null)).toEqual(key);
      expect(await store().keys.find(sameLookup.id, null)).toBeNull();
      expect(await store().keys.countFamilies(ws, NOW)).toBe(1);
    });

    test('exactly one of several concurrent insertions with one lookup ID succeeds', async () => {
      const ws = await givenWorkspace(store());
      const lookupId = unique('l');
      const calls = Array.from({ length: 10 }, () => store().keys.insert(aKey(ws, { lookupId }), 20, NOW));
      const settled = await Promise.allSettled(calls);
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const result of settled) if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(Duplicate);
      expect(await store().keys.countFamilies(ws, NOW)).toBe(1);
    });

    test('rejects a key of a workspace that does not exist', async () => {
      const key = aKey(unique('ws'));
      const refusal = await store()
        .keys.insert(key, 5, NOW)
        .catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(Error);
      expect(refusal).not.toBeInstanceOf(StoreUnavailable);
      expect(await store().keys.find(key.id, null)).toBeNull();
    });

    test('saveDigest stores a new digest, and ignores an unknown key', async () => {
      const ws = await givenWorkspace(store());
      const key = await givenKey(store(), ws);
      await store().keys.saveDigest(key.id, 'first');
      await store().keys.saveDigest(key.id, 'second');
      expect(await store().keys.find(key.id, null)).toEqual({ ...key, digest: 'second' });
      await store().keys.saveDigest(unique('key'), 'digest');
    });

    test('touch moves the last use forward, never back, and ignores unknown keys', async () => {
      const ws = await givenWorkspace(store());
      const [a, b] = [await givenKey(store(), ws), await givenKey(store(), ws)];
      const lastUses = async () => [
        (await store().keys.find(a.id, null))?.lastUsedAt,
        (await store().keys.find(b.id, null))?.lastUsedAt,
      ];
      await store().keys.touch(new Map());
      await store().keys.touch(new Map([[a.id, NOW + 5], [unique('key'), NOW], [b.id, NOW + 1]])); // prettier-ignore
      expect(await lastUses()).toEqual([NOW + 5, NOW + 1]);
      await store().keys.touch(new Map([[a.id, NOW + 4], [b.id, NOW + 9]])); // prettier-ignore
      expect(await lastUses()).toEqual([NOW + 5, NOW + 9]);
      expect(await store().keys.find(a.id, null)).toEqual({ ...a, lastUsedAt: NOW + 5 });
    });

    test('a closed store rejects with StoreUnavailable, and its data is there when it is opened again', async () => {
      const ws = await givenWorkspace(store());
      const [kept, revoked] = [await givenKey(store(), ws), await givenKey(store(), ws)];
      await store().keys.revoke(revoked.id, ws, 'leaked', { at: NOW });

      const second = await openTarget(target());
      await second.ping();
      await second.close();
      await second.close();
      await expect(second.ping()).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(second.keys.find(kept.id, null)).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(second.keys.insert(aKey(ws), null, NOW)).rejects.toBeInstanceOf(StoreUnavailable);

      const third = await openTarget(target());
      expect(await third.keys.find(kept.id, ws)).toEqual(kept);
      expect(await third.keys.find(revoked.id, ws)).toMatchObject({ revokedAt: NOW, revokedReason: 'leaked' });
      await third.close();
    });
  });
}
