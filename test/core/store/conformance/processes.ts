import type { AuditAction } from '../../../../src/core/store/audit.js';
import type { Bench } from './bench.js';
import { aWorkspace, givenKey, givenWorkspace, listed, NOW } from '../fixtures.js';
import { runTogether, startChild } from '../processes.js';
import { openTarget } from '../target.js';
import type { Acknowledged } from '../worker.js';
import { expectWhole } from './audit.js';

export function testProcesses({ store, target }: Bench, killedAfter: readonly number[]): void {
  describe('several processes', () => {
    test('that rotate one key: exactly one call succeeds', async () => {
      const ws = await givenWorkspace(store());
      const key = await givenKey(store(), ws);
      const job = { kind: 'rotate', key, count: 10 } as const;
      const outcomes = (await runTogether(target(), [job, job, job])).flat();
      expect(outcomes.filter((outcome) => outcome === 'changed')).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'replaced')).toHaveLength(29);
      expect(await listed(store(), ws)).toHaveLength(2);
    });

    test('that create one workspace: exactly one succeeds, with one key', async () => {
      const workspace = aWorkspace();
      const job = { kind: 'create', workspace } as const;
      const answers = await runTogether(target(), [job, job, job]);
      expect(answers.filter((answer) => answer === 'created')).toHaveLength(1);
      expect(answers.filter((answer) => answer === 'Duplicate: workspace.id is taken.')).toHaveLength(2);
      expect(await listed(store(), workspace.id)).toHaveLength(1);
    });

    test('see each other’s revocations immediately', async () => {
      const ws = await givenWorkspace(store());
      const key = await givenKey(store(), ws);
      const second = await openTarget(target());
      expect(await second.keys.findForVerification(key.lookupId)).toMatchObject({ key: { revokedAt: null } });
      await store().keys.revoke(key.id, ws, null, { at: NOW });
      expect(await second.keys.findForVerification(key.lookupId)).toMatchObject({ key: { revokedAt: NOW } });
      await second.close();
    });
  });

  describe('a process killed in the middle of its writes', () => {
    test.each(killedAfter)(
      'after %i acknowledgements: no write and no entry is lost, and no rotation is incomplete',
      async (count) => {
        const ws = await givenWorkspace(store());
        const child = await startChild(target(), { kind: 'churn', workspaceId: ws });
        child.go();
        await child.answered(count);
        await child.kill();

        const reopened = await openTarget(target());
        const keys = new Map((await listed(reopened, ws)).map((key) => [key.id, key]));
        const acknowledged = child.answers as Acknowledged[];
        expect(acknowledged.length).toBeGreaterThanOrEqual(count);
        for (const { did, id, successorId } of acknowledged) {
          const key = keys.get(id);
          expect(key).toBeDefined();
          if (did === 'revoke') expect(key).toMatchObject({ revokedAt: NOW, revokedReason: 'churn' });
          if (did === 'rotate') expect(key?.replacedBy).toBe(successorId);
        }
        for (const key of keys.values()) {
          if (key.replacedBy !== null) expect(keys.get(key.replacedBy)?.replaces).toBe(key.id);
          if (key.replaces !== null) expect(keys.get(key.replaces)?.replacedBy).toBe(key.id);
        }
        const told = new Set((await expectWhole(reopened, ws)).map(({ action, subject }) => `${action} ${subject}`));
        for (const { did, id } of acknowledged) expect(told).toContain(`${ACTIONS[did]} ${id}`);
        await reopened.close();
      },
    );
  });
}

const ACTIONS: Readonly<Record<Acknowledged['did'], AuditAction>> = {
  insert: 'key.created',
  rotate: 'key.rotated',
  revoke: 'key.revoked',
};
