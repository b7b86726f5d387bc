import {
  chained,
  draftEntry,
  GENESIS,
  hashOf,
  type AuditDraft,
  type AuditEntry,
} from '../../../../src/core/store/audit.js';
import type { Store } from '../../../../src/core/store/store.js';
import type { Bench } from './bench.js';
import { ADA, aKey, anHeir, aProject, aUser, aWorkspace, givenKey, givenWorkspace, NOW } from '../fixtures.js';
import { openTarget } from '../target.js';

async function chainOf(store: Store, workspaceId: string): Promise<readonly AuditEntry[]> {
  return store.audit.read(workspaceId, 0, 1000);
}

/** Without gaps, each with the hash of the previous one, and the head of the last. */
export async function expectWhole(store: Store, workspaceId: string): Promise<readonly AuditEntry[]> {
  const chain = await chainOf(store, workspaceId);
  let previousHash = GENESIS;
  chain.forEach((entry, i) => {
    expect(entry.seq).toBe(i + 1);
    expect(entry.previousHash).toBe(previousHash);
    expect(hashOf(entry)).toBe(entry.hash);
    previousHash = entry.hash;
  });
  expect(await store.audit.head(workspaceId)).toEqual({ seq: chain.length, hash: previousHash });
  return chain;
}

function aDraft(workspaceId: string, fields: Partial<AuditDraft> = {}): AuditDraft {
  const entry = { workspaceId, projectId: null, at: NOW, action: 'key.refused', subject: 'key_x' } as const;
  return { ...draftEntry({ ...entry, before: null, after: { limited: 3 } }, ADA), ...fields };
}

export function testAudit({ store, target }: Bench): void {
  describe('audit', () => {
    test('has an entry for each change, with its author and the changed values', async () => {
      const ws = await givenWorkspace(store());
      const project = aProject(ws, { name: 'Shop' });
      const user = aUser(ws);
      const key = aKey(ws, { name: 'Old', expiresAt: null });
      const heir = anHeir(key);
      await store().projects.create(project, ADA);
      await store().projects.rename(project.id, ws, 'Store', { at: NOW + 1, author: ADA });
      await store().users.add(user, ADA);
      await store().users.update(user.id, ws, { roles: ['admin'] }, { at: NOW + 2, author: ADA });
      await store().keys.insert(key, null, NOW + 3, ADA);
      await store().keys.update(key.id, ws, { name: 'New' }, { at: NOW + 4, author: ADA });
      await store().keys.rotate(key.id, ws, { successor: heir, overlapEnd: NOW + 9 }, { at: NOW + 5, author: ADA });
      await store().keys.expire(heir.id, ws, NOW + 99, { at: NOW + 6, author: ADA });
      await store().keys.revoke(heir.id, ws, 'leaked', { at: NOW + 7, author: ADA });
      await store().users.remove(user.id, ws, { at: NOW + 8, author: ADA });
      await store().workspaces.setTier(ws, 'GROWTH', NOW + 9, ADA);

      const [created, ...chain] = await expectWhole(store(), ws);
      expect(created).toMatchObject({ action: 'workspace.created', actorKind: 'system', actor: null, address: null });
      for (const entry of chain) {
        expect(entry).toMatchObject({ actorKind: 'key', actor: 'key_ada', address: '192.0.2.7', userAgent: 'ada/1' });
      }
      expect(chain.map(({ action, subject, at, before, after }) => ({ action, subject, at, before, after }))).toEqual([
        { action: 'project.created', subject: project.id, at: NOW, before: null, after: { name: 'Shop' } },
        {
          action: 'project.renamed',
          subject: project.id,
          at: NOW + 1,
          before: { name: 'Shop' },
          after: { name: 'Store' },
        },
        {
          action: 'user.added',
          subject: user.id,
          at: NOW,
          before: null,
          after: { name: 'Ada', roles: ['viewer'], externalId: null, removedAt: null },
        },
        {
          action: 'user.updated',
          subject: user.id,
          at: NOW + 2,
          before: { roles: ['viewer'] },
          after: { roles: ['admin'] },
        },
        {
          action: 'key.created',
          subject: key.id,
          at: NOW + 3,
          before: null,
          after: expect.objectContaining({ name: 'Old', scopes: key.scopes, type: 'SECRET' }),
        },
        { action: 'key.updated', subject: key.id, at: NOW + 4, before: { name: 'Old' }, after: { name: 'New' } },
        {
          action: 'key.rotated',
          subject: key.id,
          at: NOW + 5,
          before: { expiresAt: null, replacedBy: null },
          after: { expiresAt: NOW + 9, replacedBy: heir.id },
        },
        {
          action: 'key.expired',
          subject: heir.id,
          at: NOW + 6,
          before: { expiresAt: null },
          after: { expiresAt: NOW + 99 },
        },
        {
          action: 'key.revoked',
          subject: heir.id,
          at: NOW + 7,
          before: { revokedAt: null, revokedReason: null },
          after: { revokedAt: NOW + 7, revokedReason: 'leaked' },
        },
        {
          action: 'user.removed',
          subject: user.id,
          at: NOW + 8,
          before: { removedAt: null },
          after: { removedAt: NOW + 8 },
        },
        {
          action: 'workspace.tier_changed',
          subject: ws,
          at: NOW + 9,
          before: { tier: 'STARTER' },
          after: { tier: 'GROWTH' },
        },
      ]);
      const text = JSON.stringify(chain);
      for (const secret of [key.secretHash, key.lookupId, heir.lookupId]) expect(text).not.toContain(secret);
    });

    test('has no entry if nothing changed', async () => {
      const ws = await givenWorkspace(store());
      const key = await givenKey(store(), ws, { revokedAt: NOW });
      const user = aUser(ws, { removedAt: NOW });
      const project = aProject(ws);
      await store().users.add(user);
      await store().projects.create(project);
      const before = await chainOf(store(), ws);
      await store().keys.revoke(key.id, ws, 'again', { at: NOW, author: ADA });
      await store().keys.update(key.id, ws, { name: 'x' }, { at: NOW, author: ADA });
      await store().keys.rotate(key.id, ws, { successor: anHeir(key), overlapEnd: NOW }, { at: NOW, author: ADA });
      await store().keys.expire('key_none', ws, NOW, { at: NOW, author: ADA });
      await store().users.remove(user.id, ws, { at: NOW, author: ADA });
      await store().users.update(user.id, ws, { name: 'x' }, { at: NOW, author: ADA });
      await store().projects.rename(project.id, ws, project.name, { at: NOW, author: ADA });
      await store().workspaces.setTier(ws, 'STARTER', NOW, ADA);
      await store().workspaces.ensure(aWorkspace({ id: ws }));
      await store().keys.insert(aKey(ws), 0, NOW, ADA);
      expect(await expectWhole(store(), ws)).toEqual(before);
    });

    test('the entry of a creation names the first key', async () => {
      const workspace = aWorkspace();
      const key = aKey(workspace.id);
      await store().workspaces.create(workspace, key, ADA);
      expect(await expectWhole(store(), workspace.id)).toMatchObject([
        { action: 'workspace.created', actor: 'key_ada', after: { name: 'Acme', tier: 'STARTER', firstKey: key.id } },
      ]);
    });

    test('is one chain in each workspace, even with concurrent writers', async () => {
      const [one, other] = [await givenWorkspace(store()), await givenWorkspace(store())];
      const elsewhere = await openTarget(target());
      try {
        await Promise.all(
          Array.from({ length: 12 }, (_, i) =>
            (i % 2 === 0 ? store() : elsewhere).keys.insert(aKey(i % 3 === 0 ? other : one), null, NOW, ADA),
          ),
        );
      } finally {
        await elsewhere.close();
      }
      expect(await expectWhole(store(), one)).toHaveLength(1 + 8);
      expect(await expectWhole(store(), other)).toHaveLength(1 + 4);
    });

    test('accepts entries without a change, each once', async () => {
      const ws = await givenWorkspace(store());
      const draft = aDraft(ws, { after: { limited: 3, addresses: ['192.0.2.1'], deep: { b: 1, a: null, $c: '$d' } } });
      await Promise.all([store().audit.append(draft), store().audit.append(draft)]);
      await store().audit.append(draft);
      const [, entry, ...more] = await expectWhole(store(), ws);
      expect(entry).toMatchObject(draft);
      expect(more).toEqual([]);
    });

    test('is listed newest first, in pages, filtered', async () => {
      const ws = await givenWorkspace(store());
      const drafts = [
        aDraft(ws, { subject: 'key_a', at: NOW + 1, projectId: 'prj_1' }),
        aDraft(ws, { subject: 'key_b', at: NOW + 2, actor: 'key_bob' }),
        aDraft(ws, { subject: 'key_a', at: NOW + 3, action: 'credential.refused' }),
      ];
      for (const draft of drafts) await store().audit.append(draft);
      const list = async (
        filter: Parameters<Store['audit']['list']>[1]['filter'],
        first = 10,
        before: number | null = null,
      ) => (await store().audit.list(ws, { first, before, filter })).map(({ seq }) => seq);
      expect(await list({})).toEqual([4, 3, 2, 1]);
      expect(await list({}, 2)).toEqual([4, 3]);
      expect(await list({}, 2, 3)).toEqual([2, 1]);
      expect(await list({ subject: 'key_a' })).toEqual([4, 2]);
      expect(await list({ actor: 'key_bob' })).toEqual([3]);
      expect(await list({ projectId: 'prj_1' })).toEqual([2]);
      expect(await list({ actions: ['credential.refused', 'workspace.created'] })).toEqual([4, 1]);
      expect(await list({ actions: [] })).toEqual([]);
      expect(await list({ from: NOW + 2, to: NOW + 3 })).toEqual([3]);
      expect(
        await store().audit.list(await givenWorkspace(store()), {
          first: 9,
          before: null,
          filter: { subject: 'key_a' },
        }),
      ).toEqual([]);
    });

    test('X5: a range of times is listed by time and then by position, in complete pages even if clocks differ', async () => {
      const ws = await givenWorkspace(store(), { createdAt: NOW - 100 });
      // Positions 2 to 9: one clock is behind.
      for (const at of [5, 6, 1, 7, 7, 2, 8, 9]) await store().audit.append(aDraft(ws, { at: NOW + at }));
      const list = async (first: number, before: number | null, filter: object) =>
        (await store().audit.list(ws, { first, before, filter })).map(({ seq }) => seq);
      const whole = [8, 6, 5, 3, 2, 7];
      const filter = { from: NOW + 2, to: NOW + 9 };
      expect(await list(10, null, filter)).toEqual(whole);
      for (const first of [1, 2, 3, 5, 6]) {
        const seen: number[] = [];
        for (let before: number | null = null; ;) {
          const page: number[] = await list(first, before, filter);
          seen.push(...page);
          if (page.length < first) break;
          before = page.at(-1) ?? null;
        }
        expect([first, seen]).toEqual([first, whole]);
      }
      expect(await list(10, 5, { from: NOW + 2 })).toEqual([3, 2, 7]);
      expect(await list(10, 5, { to: NOW + 6 })).toEqual([2, 7, 4, 1]);
      expect(await list(2, 1_000, filter)).toEqual([8, 6]);
    });

    test('X5: pages of any size and from any position have the newest entries before it', async () => {
      const ws = await givenWorkspace(store());
      for (let i = 0; i < 8; i++) await store().audit.append(aDraft(ws));
      const list = async (first: number, before: number | null) =>
        (await store().audit.list(ws, { first, before, filter: {} })).map(({ seq }) => seq);
      for (const before of [null, 10, 9, 5, 2, 1]) {
        for (const first of [1, 3, 20]) {
          const all = [9, 8, 7, 6, 5, 4, 3, 2, 1].filter((seq) => before === null || seq < before);
          expect([before, first, await list(first, before)]).toEqual([before, first, all.slice(0, first)]);
        }
      }
      expect(await list(3, 12)).toEqual([9, 8, 7]);
      expect(await list(3, 1_000_000)).toEqual([9, 8, 7]);
    });

    test('is read forward from a position', async () => {
      const ws = await givenWorkspace(store());
      for (let i = 0; i < 4; i++) await store().audit.append(aDraft(ws));
      expect((await store().audit.read(ws, 2, 2)).map(({ seq }) => seq)).toEqual([3, 4]);
      expect(await store().audit.read(ws, 5, 2)).toEqual([]);
      expect(await store().audit.head('ws_none')).toBeNull();
    });

    test('R8: the heads of all workspaces are read in pages, by ID', async () => {
      const ids = [];
      for (let i = 0; i < 5; i++) ids.push(await givenWorkspace(store()));
      await store().audit.append(aDraft(ids[2] ?? ''));
      const read = [];
      for (let after = ''; ;) {
        const page = await store().audit.heads(after, 2);
        expect(page.length).toBeLessThanOrEqual(2);
        read.push(...page);
        after = page.at(-1)?.workspaceId ?? '';
        if (page.length < 2) break;
      }
      const order = read.map(({ workspaceId }) => workspaceId);
      expect(order).toEqual(order.toSorted((a, b) => (a < b ? -1 : 1)));
      for (const id of ids) {
        const { workspaceId, ...head } = read.find((each) => each.workspaceId === id) ?? {};
        expect([workspaceId, head]).toEqual([id, await store().audit.head(id)]);
      }
    });

    test('the hash covers all details, whatever their order', () => {
      const draft = aDraft('ws', { after: { a: 1, b: { c: 2, d: 3 } } });
      const entry = chained(draft, null);
      expect(hashOf({ ...entry, after: { b: { d: 3, c: 2 }, a: 1 } })).toBe(entry.hash);
      for (const altered of [{ at: NOW + 1 }, { actor: null }, { after: { a: 1, b: { c: 2, d: 4 } } }, { seq: 2 }]) {
        expect(hashOf({ ...entry, ...altered })).not.toBe(entry.hash);
      }
    });
  });
}
