import { Duplicate } from '../../../../src/core/store/storeErrors.js';
import type { Bench } from './bench.js';
import { aKey, aWorkspace, givenKey, givenWorkspace, listed, NOW, summaryOf, unique } from '../fixtures.js';

export function testWorkspaces({ store }: Bench): void {
  describe('workspaces', () => {
    test('are created with their first key', async () => {
      const workspace = aWorkspace({ name: 'Größe & Co', tier: 'ENTERPRISE' });
      const key = aKey(workspace.id, { createdBy: null });
      await store().workspaces.create(workspace, key);
      expect(await store().workspaces.find(workspace.id)).toEqual(workspace);
      expect(await listed(store(), workspace.id)).toEqual([summaryOf(key)]);
      expect(await store().keys.findForVerification(key.lookupId)).toEqual({ key, tier: 'ENTERPRISE', user: null });
    });

    test('an ID that already exists is a Duplicate, and neither workspace nor key is written', async () => {
      const workspace = aWorkspace();
      const first = aKey(workspace.id);
      await store().workspaces.create(workspace, first);
      for (const key of [aKey(workspace.id), first]) {
        const error = await store()
          .workspaces.create({ ...workspace, name: 'Other' }, key)
          .catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(Duplicate);
        expect(error).toMatchObject({ what: 'workspace.id' });
      }
      expect(await store().workspaces.find(workspace.id)).toEqual(workspace);
      expect(await listed(store(), workspace.id)).toEqual([summaryOf(first)]);
    });

    test('are not written if the first key already exists', async () => {
      const taken = await givenKey(store(), await givenWorkspace(store()));
      const workspace = aWorkspace();
      for (const [same, what] of [
        [{ id: taken.id }, 'key.id'],
        [{ lookupId: taken.lookupId }, 'key.lookupId'],
      ] as const) {
        const error = await store()
          .workspaces.create(workspace, aKey(workspace.id, same))
          .catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(Duplicate);
        expect(error).toMatchObject({ what });
      }
      expect(await store().workspaces.find(workspace.id)).toBeNull();
    });

    test('concurrent creations with one ID: exactly one succeeds, with its own key', async () => {
      const workspace = aWorkspace();
      const keys = Array.from({ length: 10 }, () => aKey(workspace.id));
      const settled = await Promise.allSettled(keys.map((key) => store().workspaces.create(workspace, key)));
      const winners = keys.filter((_, i) => settled[i]?.status === 'fulfilled');
      expect(winners).toHaveLength(1);
      expect(await listed(store(), workspace.id)).toEqual(winners.map(summaryOf));
      for (const result of settled) {
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ what: 'workspace.id' });
      }
    });

    test('are ensured once, even concurrently, and existing ones are unchanged', async () => {
      const workspace = aWorkspace();
      const calls = Array.from({ length: 10 }, () => store().workspaces.ensure(workspace));
      expect((await Promise.all(calls)).filter((answer) => answer === 'created')).toHaveLength(1);
      expect(await store().workspaces.ensure({ ...workspace, name: 'Other', tier: 'GROWTH' })).toBe('existed');
      expect(await store().workspaces.find(workspace.id)).toEqual(workspace);
      expect(await store().workspaces.find(unique('ws'))).toBeNull();
    });

    test('change their tier', async () => {
      const workspace = aWorkspace({ tier: 'FREE_TRIAL' });
      await store().workspaces.ensure(workspace);
      const changed = { ...workspace, tier: 'PROFESSIONAL' };
      expect(await store().workspaces.setTier(workspace.id, 'PROFESSIONAL', NOW)).toEqual(changed);
      expect(await store().workspaces.find(workspace.id)).toEqual(changed);
      expect(await store().workspaces.setTier(unique('ws'), 'GROWTH', NOW)).toBeNull();
    });

    test('are listed oldest first', async () => {
      // Older than the workspaces of other tests.
      const made = [3, 1, 2].map((age) => aWorkspace({ createdAt: NOW - 1_000_000 - age }));
      for (const workspace of made) await store().workspaces.ensure(workspace);
      const [three, one, two] = made;
      expect(await store().workspaces.list(3)).toEqual([three, two, one]);
      expect(await store().workspaces.list(2)).toEqual([three, two]);
    });
  });
}
