import type { LimitOverride, OverrideSubject } from '../../../../src/core/store/records.js';
import { ADA, anHeir, aProject, aUser, givenKey, givenWorkspace, listed, namesOf, NOW } from '../fixtures.js';
import { expectWhole } from './audit.js';
import type { Bench } from './bench.js';

function anOverride(workspaceId: string, subject: OverrideSubject, fields: Partial<LimitOverride> = {}): LimitOverride {
  const none = { rate: null, burst: null, quotas: null, until: null, reason: null };
  return { workspaceId, ...subject, ...none, setBy: 'operator', setAt: NOW, ...fields };
}

export function testLimits({ store }: Bench): void {
  describe('overrides of limits', () => {
    const entry = { at: NOW, author: ADA, subject: 'key_1', projectId: null };

    test('are returned as they were set, replace each other, and are removed', async () => {
      const ws = await givenWorkspace(store());
      const other = await givenWorkspace(store());
      const subject = { kind: 'external', subjectId: 'acme' } as const;
      const first = anOverride(ws, subject, { rate: 5, reason: 'Trial', until: NOW + 9 });
      expect(await store().limits.set(first, entry)).toBeNull();
      expect(await store().limits.findMany(ws, [subject, { kind: 'user', subjectId: 'acme' }])).toEqual([first]);
      expect(await store().limits.findMany(other, [subject])).toEqual([]);
      const second = anOverride(ws, subject, { burst: 3, quotas: '[]', setAt: NOW + 1 });
      expect(await store().limits.set(second, entry)).toEqual(first);
      expect(await store().limits.findMany(ws, [subject])).toEqual([second]);
      const nothing = anOverride(ws, subject, { setAt: NOW + 2 });
      expect(await store().limits.set(nothing, entry)).toEqual(second);
      expect(await store().limits.findMany(ws, [subject])).toEqual([]);
      // A second removal changes nothing, and a removed one can be set again.
      expect(await store().limits.set(nothing, entry)).toBeNull();
      expect(await store().limits.set(first, entry)).toBeNull();
      expect(await store().limits.findMany(ws, [subject])).toEqual([first]);
    });

    test('are listed by subject, in pages', async () => {
      const ws = await givenWorkspace(store());
      const subjects: OverrideSubject[] = [
        { kind: 'workspace', subjectId: ws },
        { kind: 'key', subjectId: 'fam_2' },
        { kind: 'key', subjectId: 'fam_1' },
        { kind: 'external', subjectId: 'zeta' },
      ];
      for (const subject of subjects) await store().limits.set(anOverride(ws, subject, { rate: 1 }), entry);
      const removed = { kind: 'key', subjectId: 'fam_0' } as const;
      await store().limits.set(anOverride(ws, removed, { rate: 1 }), entry);
      await store().limits.set(anOverride(ws, removed, { setAt: NOW + 1 }), entry);
      const found: string[] = [];
      for (let after: OverrideSubject | null = null; ;) {
        const page: readonly LimitOverride[] = await store().limits.list(ws, { first: 2, after });
        found.push(...page.map(({ kind, subjectId }) => `${kind} ${subjectId}`));
        after = page.at(-1) ?? null;
        if (after === null) break;
      }
      expect(found).toEqual(['external zeta', 'key fam_1', 'key fam_2', `workspace ${ws}`]);
    });

    test('are read with the keys that they concern, also by the external ID of the user', async () => {
      const ws = await givenWorkspace(store());
      const user = aUser(ws, { externalId: 'acme' });
      const project = aProject(ws);
      await store().users.add(user);
      await store().projects.create(project);
      const key = await givenKey(store(), ws, { userId: user.id, projectId: project.id });
      const own = await givenKey(store(), ws, { externalId: 'zeta' });
      const set = async (subject: OverrideSubject, rate: number) => {
        const override = anOverride(ws, subject, { rate });
        await store().limits.set(override, entry);
        return override;
      };
      await set({ kind: 'user', subjectId: user.id }, 1);
      await set({ kind: 'key', subjectId: 'fam_other' }, 2);
      const mine = [
        await set({ kind: 'key', subjectId: key.familyId }, 3),
        await set({ kind: 'external', subjectId: 'acme' }, 4),
        await set({ kind: 'project', subjectId: project.id }, 5),
      ];
      const all = await set({ kind: 'workspace', subjectId: ws }, 6);
      const read = async (lookupId: string) =>
        ((await store().keys.findForVerification(lookupId))?.overrides ?? []).toSorted(
          (a, b) => (a.rate ?? 0) - (b.rate ?? 0),
        );
      expect(await read(key.lookupId)).toEqual([...mine, all]);
      expect(await read(own.lookupId)).toEqual([all]);
      expect((await store().keys.findForDerived(own.id))?.overrides).toEqual([all]);
    });

    test('keys are listed by their external ID, and rotated keys keep it', async () => {
      const ws = await givenWorkspace(store());
      const key = await givenKey(store(), ws, { name: 'mine', externalId: 'acme' });
      await givenKey(store(), ws, { name: 'other', externalId: 'zeta' });
      await givenKey(store(), ws);
      const successor = anHeir(key, { name: 'heir', externalId: null });
      await store().keys.rotate(key.id, ws, { successor, overlapEnd: NOW + 9 }, { at: NOW });
      expect(namesOf(await listed(store(), ws, { externalId: 'acme' })).sort()).toEqual(['heir', 'mine']);
      expect(await store().keys.count(ws, { externalId: 'acme' }, NOW)).toBe(2);
    });

    test('have an entry for each change, and none by an author that has ended', async () => {
      const ws = await givenWorkspace(store());
      const author = await givenKey(store(), ws, { scopes: ['platform'] });
      const subject = { kind: 'workspace', subjectId: ws } as const;
      await store().limits.set(anOverride(ws, subject, { rate: 5 }), { ...entry, subject: ws });
      await store().limits.set(anOverride(ws, subject), { ...entry, at: NOW + 1, subject: ws });
      await store().keys.revoke(author.id, ws, null, { at: NOW });
      const judged = { at: NOW, scopes: ['platform'], expiresAt: null, roles: null };
      const ended = { kind: 'key', id: author.id, address: null, userAgent: null, judged } as const;
      expect(
        await store().limits.set(anOverride(ws, subject, { rate: 9 }), { ...entry, author: ended, subject: ws }),
      ).toBe('authorEnded');
      expect(await store().limits.findMany(ws, [subject])).toEqual([]);
      const entries = await expectWhole(store(), ws);
      expect(entries.filter(({ action }) => action.startsWith('limits.'))).toMatchObject([
        { action: 'limits.set', subject: ws, before: null, after: { kind: 'workspace', rate: 5, burst: null } },
        { action: 'limits.removed', subject: ws, before: { rate: 5 }, after: null },
      ]);
    });

    test('of concurrent callers: one of them remains, and each has an entry', async () => {
      const ws = await givenWorkspace(store());
      const subject = { kind: 'workspace', subjectId: ws } as const;
      const rates = [1, 2, 3, 4, 5];
      await Promise.all(
        rates.map((rate) => store().limits.set(anOverride(ws, subject, { rate, setAt: NOW + rate }), entry)),
      );
      const [left] = await store().limits.findMany(ws, [subject]);
      const entries = (await expectWhole(store(), ws)).filter(({ action }) => action === 'limits.set');
      expect(entries.map(({ after }) => after?.rate).sort()).toEqual(rates);
      expect(entries.at(-1)?.after).toMatchObject({ rate: left?.rate });
    });
  });
}
