import { isAlive, type KeyRecord, type KeySummary } from '../../../../src/core/store/records.js';
import type { Insertion } from '../../../../src/core/store/keyStore.js';
import type { Store } from '../../../../src/core/store/store.js';
import type { Bench } from './bench.js';
import { ADA, aKey, anHeir, aUser, givenKey, givenWorkspace, listed, NOW, placesFor } from '../fixtures.js';
import { openTarget } from '../target.js';

/** Races between a check and a concurrent change. Every test uses calls of two open stores. */
export function testRaces({ store, target, runs }: Bench): void {
  const rounds = Math.min(runs, 8);
  let other: Store;
  beforeAll(async () => void (other = await openTarget(target())));
  afterAll(() => other.close());

  const givenUser = async (ws: string): Promise<string> => {
    const user = aUser(ws);
    await store().users.add(user);
    return user.id;
  };
  /** Like the service removes a user. */
  const remove = async (by: Store, ws: string, userId: string): Promise<void> => {
    await by.users.remove(userId, ws, { at: NOW });
    for (;;) {
      const alive = await listed(by, ws, { userId, status: 'ACTIVE' });
      if (alive.length === 0) return;
      for (const { id } of alive) await by.keys.revoke(id, ws, 'left', { at: NOW });
    }
  };
  const alive = async (ws: string): Promise<KeySummary[]> =>
    (await listed(store(), ws)).filter((key) => isAlive(key, NOW));
  const pause = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
  const either = (i: number): Store => (i % 2 === 0 ? store() : other);

  describe('a user who is removed', () => {
    test('R9: gets no key, and takes no place', async () => {
      const [ws, elsewhere] = [await givenWorkspace(store()), await givenWorkspace(store())];
      const [gone, foreign, there] = [await givenUser(ws), await givenUser(elsewhere), await givenUser(ws)];
      await store().users.remove(gone, ws, { at: NOW });
      const entries = await store().audit.head(ws);
      for (const userId of [gone, foreign, 'usr_never']) {
        const key = aKey(ws, { userId });
        expect(await store().keys.insert(key, 1, NOW)).toEqual({ outcome: 'userLeft' });
        expect(await store().keys.find(key.id, null)).toBeNull();
      }
      expect(await store().keys.countFamilies(ws, NOW)).toBe(0);
      expect(await store().audit.head(ws)).toEqual(entries);
      expect(await store().keys.insert(aKey(ws, { userId: there }), 1, NOW)).toEqual({ outcome: 'inserted' });
    });

    test('R9: has no key rotated', async () => {
      const ws = await givenWorkspace(store());
      const userId = await givenUser(ws);
      const key = await givenKey(store(), ws, { userId });
      await store().users.remove(userId, ws, { at: NOW });
      const heir = anHeir(key);
      expect(await store().keys.rotate(key.id, ws, { successor: heir, overlapEnd: NOW + 9 }, { at: NOW })).toEqual({
        outcome: 'userLeft',
        key,
      });
      expect(await store().keys.find(heir.id, ws)).toBeNull();
      expect(await store().keys.find(key.id, ws)).toEqual(key);
    });

    test('R9: leaves no active key and no taken place, however many are created concurrently', async () => {
      for (let round = 0; round < rounds; round++) {
        const ws = await givenWorkspace(store());
        const userId = await givenUser(ws);
        const insertions = Array.from({ length: 12 }, async (_, i) => {
          await pause();
          return either(i).keys.insert(aKey(ws, { userId }), 50, NOW);
        });
        const [outcomes] = await Promise.all([
          Promise.all(insertions),
          pause().then(() => remove(either(round), ws, userId)),
        ]);
        expect(await alive(ws)).toEqual([]);
        expect(await store().keys.countFamilies(ws, NOW)).toBe(0);
        // Keys that were reported as created were created and then revoked; the others left nothing.
        const made = outcomes.filter(({ outcome }) => outcome === 'inserted').length;
        expect(await listed(store(), ws)).toHaveLength(made);
        expect(made + outcomes.filter(({ outcome }) => outcome === 'userLeft').length).toBe(12);
      }
    });

    test('R9: leaves no active key, however many are rotated concurrently', async () => {
      for (let round = 0; round < rounds; round++) {
        const ws = await givenWorkspace(store());
        const userId = await givenUser(ws);
        const keys = [];
        for (let i = 0; i < 6; i++) keys.push(await givenKey(store(), ws, { userId }));
        const rotations = keys.map(async (key, i) => {
          await pause();
          const end = round % 2 === 0 ? NOW : NOW + 1000;
          return either(i).keys.rotate(
            key.id,
            ws,
            { successor: anHeir(key, { userId }), overlapEnd: end },
            { at: NOW, author: ADA },
          );
        });
        await Promise.all([...rotations, pause().then(() => remove(either(round), ws, userId))]);
        expect(await alive(ws)).toEqual([]);
      }
    });

    test('R9: is changed and removed only if the roles have not changed since authorization', async () => {
      const ws = await givenWorkspace(store());
      const judged = aUser(ws, { roles: ['viewer'] });
      const { users } = store();
      await users.add(judged);
      await users.update(judged.id, ws, { roles: ['admin'] }, { at: NOW });
      expect(await users.update(judged.id, ws, { name: 'x' }, { at: NOW, author: ADA, judged })).toBe('moved');
      expect(await users.remove(judged.id, ws, { at: NOW, author: ADA, judged })).toBe('moved');
      const admin = { ...judged, roles: ['admin'] };
      expect(await users.find(judged.id)).toEqual(admin);
      expect(await users.remove(judged.id, ws, { at: NOW, author: ADA, judged: admin })).toEqual({
        ...admin,
        removedAt: NOW,
      });
    });
  });

  describe('a key that is revoked', () => {
    const by = (id: string) => ({ ...ADA, id });

    test('R9: creates and rotates no other, and neither does a key of a removed user', async () => {
      const ws = await givenWorkspace(store());
      const userId = await givenUser(ws);
      const revoked = await givenKey(store(), ws);
      const ofUser = await givenKey(store(), ws, { userId });
      const fine = await givenKey(store(), ws);
      await store().keys.revoke(revoked.id, ws, null, { at: NOW });
      await store().users.remove(userId, ws, { at: NOW });
      for (const { id } of [revoked, ofUser]) {
        const key = aKey(ws);
        expect(await store().keys.insert(key, null, NOW, by(id))).toEqual({ outcome: 'authorEnded' });
        expect(await store().keys.find(key.id, null)).toBeNull();
        const heir = anHeir(fine);
        const answer = await store().keys.rotate(
          fine.id,
          ws,
          { successor: heir, overlapEnd: NOW + 9 },
          { at: NOW, author: by(id) },
        );
        expect(answer).toEqual({ outcome: 'authorEnded', key: fine });
        expect(await store().keys.find(heir.id, null)).toBeNull();
      }
      expect(await store().keys.insert(aKey(ws), null, NOW, by(fine.id))).toEqual({ outcome: 'inserted' });
      // Its own rotation ends it, which is not a revocation.
      const itself = await store().keys.rotate(
        fine.id,
        ws,
        { successor: anHeir(fine), overlapEnd: NOW },
        { at: NOW, author: by(fine.id) },
      );
      expect(itself).toMatchObject({ outcome: 'changed' });
    });

    test('R9: has created no key that its revocation did not see', async () => {
      for (let round = 0; round < rounds; round++) {
        const ws = await givenWorkspace(store());
        const author = await givenKey(store(), ws);
        const old = await givenKey(store(), ws);
        const heir = anHeir(old);
        const seen: string[] = [];
        await Promise.all([
          ...Array.from({ length: 8 }, async (_, i) => {
            await pause();
            await either(i).keys.insert(aKey(ws), null, NOW, by(author.id));
          }),
          pause().then(() =>
            other.keys.rotate(old.id, ws, { successor: heir, overlapEnd: NOW + 9 }, { at: NOW, author: by(author.id) }),
          ),
          pause().then(async () => {
            await either(round).keys.revoke(author.id, ws, 'leaked', { at: NOW });
            seen.push(...(await listed(either(round), ws)).map(({ id }) => id));
          }),
        ]);
        for (const { id } of await alive(ws)) expect(seen).toContain(id);
      }
    });

    test('R9: that is rotated concurrently has one outcome, and an unused successor takes no place', async () => {
      for (let round = 0; round < rounds; round++) {
        const ws = await givenWorkspace(store());
        const key = await givenKey(store(), ws);
        const heir = anHeir(key);
        const [rotated] = await Promise.all([
          pause().then(() => store().keys.rotate(key.id, ws, { successor: heir, overlapEnd: NOW + 9 }, { at: NOW })),
          pause().then(() => other.keys.revoke(key.id, ws, null, { at: NOW })),
        ]);
        const won = rotated.outcome === 'changed';
        expect((await store().keys.find(heir.id, ws)) !== null).toBe(won);
        expect(await store().keys.countFamilies(ws, NOW)).toBe(won ? 1 : 0);
        expect((await store().keys.find(key.id, ws))?.replacedBy).toBe(won ? heir.id : null);
      }
    });
  });

  describe('a key that ends or loses permissions after authorization', () => {
    const END = NOW + 1000;
    const LOSSES: Readonly<Record<string, (key: KeyRecord, ws: string) => Promise<unknown>>> = {
      'it was revoked': (key, ws) => store().keys.revoke(key.id, ws, null, { at: NOW }),
      'it was ended': (key, ws) => store().keys.expire(key.id, ws, NOW, { at: NOW }),
      'its end came nearer': (key, ws) => store().keys.expire(key.id, ws, END - 1, { at: NOW }),
      'it lost a scope': (key, ws) => store().keys.update(key.id, ws, { scopes: ['read:all'] }, { at: NOW }),
      'its user lost a role': (key, ws) =>
        store().users.update(key.userId ?? '', ws, { roles: ['viewer'] }, { at: NOW }),
      'its user left': (key, ws) => store().users.remove(key.userId ?? '', ws, { at: NOW }),
    };
    const GAINS: typeof LOSSES = {
      'nothing happened': async () => undefined,
      'it was renamed': (key, ws) => store().keys.update(key.id, ws, { name: 'renamed' }, { at: NOW }),
      'its end went further away': (key, ws) => store().keys.expire(key.id, ws, END + 1, { at: NOW }),
      'it was given a scope': (key, ws) =>
        store().keys.update(key.id, ws, { scopes: [...key.scopes, 'read:events'] }, { at: NOW }),
    };
    const given = async () => {
      const ws = await givenWorkspace(store());
      const user = aUser(ws, { roles: ['viewer', 'admin'] });
      await store().users.add(user);
      const key = await givenKey(store(), ws, { userId: user.id, scopes: ['read:all', 'admin'], expiresAt: END });
      const judged = { at: NOW, scopes: key.scopes, expiresAt: END, roles: user.roles };
      const colleague = aUser(ws, { roles: ['viewer'] });
      await store().users.add(colleague);
      return { ws, key, author: { ...ADA, id: key.id, judged }, other: await givenKey(store(), ws), colleague };
    };
    const aFoundation = () => {
      const key = aKey(`ws_${Math.random().toString(36).slice(2)}`);
      return { workspace: { id: key.workspaceId, name: 'new', tier: 'GROWTH' as const, createdAt: NOW }, key };
    };

    test.each(Object.keys(LOSSES))('R9: issues nothing if %s', async (loss) => {
      const { ws, key, author, other: target, colleague } = await given();
      await LOSSES[loss]?.(key, ws);
      const { keys, workspaces, users } = store();
      const [log, workspace] = [await store().audit.head(ws), await workspaces.find(ws)];
      const [made, heir, founded] = [aKey(ws), anHeir(target), aFoundation()];
      expect(await keys.insert(made, null, NOW, author)).toEqual({ outcome: 'authorEnded' });
      const ended = { outcome: 'authorEnded', key: target };
      expect(await keys.rotate(target.id, ws, { successor: heir, overlapEnd: NOW + 9 }, { at: NOW, author })).toEqual(
        ended,
      );
      expect(await keys.update(target.id, ws, { name: 'x' }, { at: NOW, author })).toEqual(ended);
      expect(await keys.expire(target.id, ws, NOW + 9, { at: NOW, author })).toEqual(ended);
      expect(await workspaces.create(founded.workspace, founded.key, author)).toBe('authorEnded');
      expect(await workspaces.find(founded.workspace.id)).toBeNull();
      expect(await workspaces.setTier(ws, 'ENTERPRISE', NOW, author)).toBe('authorEnded');
      expect(await users.update(colleague.id, ws, { roles: ['admin'] }, { at: NOW, author })).toBe('authorEnded');
      for (const { id } of [made, heir, founded.key]) expect(await keys.find(id, null)).toBeNull();
      expect(await keys.find(target.id, ws)).toEqual(target);
      expect(await users.find(colleague.id)).toEqual(colleague);
      expect(await workspaces.find(ws)).toEqual(workspace);
      expect(await store().audit.head(ws)).toEqual(log);
    });

    test.each(Object.keys(GAINS))('R9: still issues keys if %s', async (gain) => {
      const { ws, key, author, other: target, colleague } = await given();
      await GAINS[gain]?.(key, ws);
      const { keys, workspaces, users } = store();
      const admin = { ...colleague, roles: ['admin'] };
      expect(await users.update(colleague.id, ws, { roles: ['admin'] }, { at: NOW, author })).toEqual(admin);
      expect(await users.find(colleague.id)).toEqual(admin);
      const later = await keys.expire(target.id, ws, NOW + 99, { at: NOW, author });
      expect(later).toEqual({ outcome: 'changed', key: { ...target, expiresAt: NOW + 99 } });
      expect(await keys.find(target.id, ws)).toEqual({ ...target, expiresAt: NOW + 99 });
      expect(await workspaces.setTier(ws, 'ENTERPRISE', NOW, author)).toMatchObject({ tier: 'ENTERPRISE' });
      expect(await workspaces.find(ws)).toMatchObject({ tier: 'ENTERPRISE' });
      const actions = (await store().audit.read(ws, 0, 99)).map(({ action }) => action);
      expect(actions.slice(-3)).toEqual(['user.updated', 'key.expired', 'workspace.tier_changed']);
      const founded = aFoundation();
      expect(await keys.insert(aKey(ws), null, NOW, author)).toEqual({ outcome: 'inserted' });
      expect(await keys.update(target.id, ws, { name: 'x' }, { at: NOW, author })).toMatchObject({
        outcome: 'changed',
      });
      expect(
        await keys.rotate(target.id, ws, { successor: anHeir(target), overlapEnd: NOW + 9 }, { at: NOW, author }),
      ).toMatchObject({
        outcome: 'changed',
      });
      expect(await workspaces.create(founded.workspace, founded.key, author)).toBe('created');
      expect(await workspaces.find(founded.workspace.id)).toEqual(founded.workspace);
      expect(await keys.find(founded.key.id, null)).toEqual(founded.key);
    });

    test('R9: is replaced by its own rotation, although that ends it', async () => {
      const { ws, key, author } = await given();
      const heir = anHeir(key, { userId: key.userId });
      expect(
        await store().keys.rotate(key.id, ws, { successor: heir, overlapEnd: NOW }, { at: NOW, author }),
      ).toMatchObject({ outcome: 'changed' });
      expect(await store().keys.find(heir.id, ws)).toMatchObject({ revokedAt: null });
    });

    test('R9: other keys can take all remaining places', async () => {
      const places = placesFor(2, 10);
      for (let round = 0; round < rounds; round++) {
        const { ws, author, other: target } = await given();
        await store().keys.revoke(target.id, ws, null, { at: NOW });
        const admins = [];
        // The author is one of the two families that don't only administer.
        for (let i = 0; i < 6; i++) admins.push(await givenKey(store(), ws, { scopes: ['admin'] }));
        const changes = await Promise.all(
          admins.map(({ id }, i) =>
            either(i).keys.update(id, ws, { scopes: ['read:all'] }, { at: NOW, author, places }),
          ),
        );
        expect(changes.map(({ outcome }) => outcome).sort()).toEqual(['changed', ...Array<string>(5).fill('full')]);
        expect(await store().keys.countFamilies(ws, NOW, 'keys')).toBe(2);
        expect(await store().keys.countFamilies(ws, NOW, 'adminKeys')).toBe(5);
      }
    });

    test('R9: has created no workspace that its revocation did not see', async () => {
      for (let round = 0; round < rounds; round++) {
        const { ws, key, author } = await given();
        const founded = Array.from({ length: 8 }, aFoundation);
        const exist = () => Promise.all(founded.map(({ workspace }) => either(round).workspaces.find(workspace.id)));
        const ofEach = await Promise.all([
          Promise.all(
            founded.map(async ({ workspace, key: first }, i) => {
              await pause();
              return either(i).workspaces.create(workspace, first, author);
            }),
          ),
          pause().then(async () => {
            await either(round).keys.revoke(key.id, ws, 'leaked', { at: NOW });
            return exist();
          }),
        ]);
        const [outcomes, seen] = ofEach;
        const there = await exist();
        for (const [i, { key: first }] of founded.entries()) {
          expect(there[i] !== null).toBe(outcomes[i] === 'created');
          if (there[i] !== null) expect(seen[i]).not.toBeNull();
          expect((await store().keys.find(first.id, null)) !== null).toBe(there[i] !== null);
        }
      }
    });
  });

  describe('a key that is changed and rotated concurrently', () => {
    test('R9: has a successor with the state that was authorized', async () => {
      for (let round = 0; round < rounds; round++) {
        const ws = await givenWorkspace(store());
        const key = await givenKey(store(), ws, { scopes: ['read:all', 'write:all'], allowedAddresses: ['192.0.2.1'] });
        const heir = anHeir(key, { scopes: key.scopes, allowedAddresses: key.allowedAddresses });
        const change = { scopes: ['read:all'], allowedAddresses: ['192.0.2.2'] };
        const [rotated] = await Promise.all([
          pause().then(() =>
            store().keys.rotate(
              key.id,
              ws,
              { successor: heir, overlapEnd: NOW + 9 },
              { at: NOW, author: ADA, judged: key },
            ),
          ),
          pause().then(() => other.keys.update(key.id, ws, change, { at: NOW })),
        ]);
        const after = await listed(store(), ws);
        expect(after).toContainEqual(expect.objectContaining({ id: key.id, ...change }));
        expect(['changed', 'moved']).toContain(rotated.outcome);
        expect(after.some(({ id }) => id === heir.id)).toBe(rotated.outcome === 'changed');
      }
    });
  });

  describe('a tier that is lowered', () => {
    const places = { byTier: { GROWTH: { keys: 10, adminKeys: 1 } }, otherwise: { keys: 2, adminKeys: 1 } };

    test('R9: applies to insertions', async () => {
      const ws = await givenWorkspace(store(), { tier: 'GROWTH' });
      const insert = () => store().keys.insert(aKey(ws), places, NOW);
      for (let i = 0; i < 3; i++) expect(await insert()).toEqual({ outcome: 'inserted' });
      await store().workspaces.setTier(ws, 'STARTER', NOW);
      expect(await insert()).toEqual({ outcome: 'full', living: 3 });
      await store().workspaces.setTier(ws, 'GROWTH', NOW);
      expect(await insert()).toEqual({ outcome: 'inserted' });
    });

    test('R9: no insertion takes a place that it removed', async () => {
      for (let round = 0; round < rounds; round++) {
        const ws = await givenWorkspace(store(), { tier: 'GROWTH' });
        const outcomes: Insertion['outcome'][] = [];
        let seen = 0;
        await Promise.all([
          ...Array.from({ length: 10 }, async (_, i) => {
            await pause();
            outcomes.push((await either(i).keys.insert(aKey(ws), places, NOW)).outcome);
          }),
          pause().then(async () => {
            await either(round).workspaces.setTier(ws, 'STARTER', NOW);
            seen = await either(round).keys.countFamilies(ws, NOW);
          }),
        ]);
        const living = await store().keys.countFamilies(ws, NOW);
        expect(living).toBeLessThanOrEqual(Math.max(seen, 2));
        expect(living).toBe(outcomes.filter((outcome) => outcome === 'inserted').length);
      }
    });
  });
}
