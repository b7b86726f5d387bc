import { verifyAudit } from '../../../../src/management/audit/verifyAudit.js';
import { draftEntry, type AuditEntry, type AuditHead } from '../../../../src/core/store/audit.js';
import type { Store } from '../../../../src/core/store/store.js';
import type { Bench } from './bench.js';
import { ADA, givenWorkspace, NOW } from '../fixtures.js';

const told = (workspaceId: string, until: AuditHead) =>
  draftEntry(
    {
      workspaceId,
      projectId: null,
      at: NOW,
      action: 'audit.archived',
      subject: workspaceId,
      before: null,
      after: { first: 1, seq: until.seq, hash: until.hash },
    },
    ADA,
  );

async function givenLog(store: Store, length: number): Promise<{ ws: string; chain: readonly AuditEntry[] }> {
  const ws = await givenWorkspace(store);
  for (let i = 1; i < length; i++) {
    const entry = { workspaceId: ws, projectId: null, at: NOW, action: 'key.refused', subject: 'key_x' } as const;
    await store.audit.append(draftEntry({ ...entry, before: null, after: { limited: i } }, ADA));
  }
  return { ws, chain: await store.audit.read(ws, 0, 1_000) };
}

function entryOf(entry: AuditEntry | undefined): AuditEntry {
  if (entry === undefined) throw new Error('The log is too short.');
  return entry;
}

const placesOf = async (store: Store, ws: string) => (await store.audit.read(ws, 0, 1_000)).map(({ seq }) => seq);

export function testArchive({ store }: Bench): void {
  describe('archive', () => {
    test('X11: removes the oldest entries, records it in the log, and the rest of the log is valid', async () => {
      const { ws, chain } = await givenLog(store(), 6);
      const until = entryOf(chain[3]);
      expect(await store().audit.base(ws)).toBeNull();
      expect(await store().audit.archive(ws, 0, until, told(ws, until))).toBe('archived');
      expect(await placesOf(store(), ws)).toEqual([5, 6, 7]);
      expect(await store().audit.base(ws)).toEqual({ seq: 4, hash: until.hash });
      const [newest] = await store().audit.list(ws, { first: 1, before: null, filter: {} });
      expect(newest).toMatchObject({ action: 'audit.archived', actor: ADA.id, after: { seq: 4, hash: until.hash } });
      expect(await verifyAudit(store().audit, ws)).toMatchObject({ outcome: 'whole', entries: 7, archived: 4 });
      // New entries continue from the same head.
      await store().audit.append(draftEntry({ ...told(ws, until), action: 'key.refused' }, ADA));
      expect(await verifyAudit(store().audit, ws)).toMatchObject({ outcome: 'whole', entries: 8 });
    });

    test('X11: a repeated call completes the previous one, without a second entry', async () => {
      const { ws, chain } = await givenLog(store(), 4);
      const until = entryOf(chain[1]);
      for (let i = 0; i < 2; i++) expect(await store().audit.archive(ws, 0, until, told(ws, until))).toBe('archived');
      expect(await placesOf(store(), ws)).toEqual([3, 4, 5]);
    });

    test('X11: removes nothing if the last entry does not exist, or the log begins elsewhere', async () => {
      const { ws, chain } = await givenLog(store(), 4);
      const [first, second, third] = chain as [AuditEntry, AuditEntry, AuditEntry];
      const forged = { seq: second.seq, hash: third.hash };
      expect(await store().audit.archive(ws, 0, forged, told(ws, forged))).toBe('unknown');
      const beyond = { seq: 99, hash: third.hash };
      expect(await store().audit.archive(ws, 0, beyond, told(ws, beyond))).toBe('unknown');
      expect(await store().audit.archive(ws, 1, third, told(ws, third))).toBe('moved');
      expect(await placesOf(store(), ws)).toEqual([1, 2, 3, 4]);
      await store().audit.archive(ws, 0, second, told(ws, second));
      // An earlier beginning than the current one.
      expect(await store().audit.archive(ws, 0, first, told(ws, first))).toBe('moved');
      expect(await placesOf(store(), ws)).toEqual([3, 4, 5]);
    });

    test('X11: one of several concurrent calls archives, and entries added meanwhile are all in the log', async () => {
      const { ws, chain } = await givenLog(store(), 8);
      const [one, other] = [entryOf(chain[2]), entryOf(chain[5])];
      const entry = { workspaceId: ws, projectId: null, at: NOW, action: 'key.refused', subject: 'key_x' } as const;
      const appended = Array.from({ length: 10 }, () => draftEntry({ ...entry, before: null, after: null }, ADA));
      const [outcomes] = await Promise.all([
        Promise.all([one, other].map((until) => store().audit.archive(ws, 0, until, told(ws, until)))),
        ...appended.map((draft) => store().audit.append(draft)),
      ]);
      expect(outcomes.toSorted()).toEqual(['archived', 'moved']);
      expect(await verifyAudit(store().audit, ws)).toMatchObject({ outcome: 'whole', entries: 8 + 1 + 10 });
      const ids = (await store().audit.read(ws, 0, 1_000)).map(({ id }) => id);
      for (const { id } of appended) expect(ids.filter((each) => each === id)).toHaveLength(1);
    });

    test('X11: affects only one workspace', async () => {
      const [one, other] = [await givenLog(store(), 3), await givenLog(store(), 3)];
      const until = entryOf(one.chain[1]);
      await store().audit.archive(one.ws, 0, until, told(one.ws, until));
      expect(await placesOf(store(), other.ws)).toEqual([1, 2, 3]);
      expect(await store().audit.archive(other.ws, 0, until, told(other.ws, until))).toBe('unknown');
    });
  });
}
