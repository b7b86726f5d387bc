import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AuditDraft, AuditHead } from '../audit.js';
import type { ArchiveStore } from '../auditStore.js';
import type { Connection } from './connection.js';

/** Maximum number of entries deleted in one transaction, because it blocks other writes. */
const BATCH = 500;

/**
 * Opens the archived part of the log.
 *
 * @param add adds an entry in the current transaction
 */
export function openArchive(connection: Connection, add: (draft: AuditDraft) => void): ArchiveStore {
  const base = connection.prepare<AuditHead>('SELECT seq, hash FROM auditBases WHERE workspaceId = $workspaceId');
  const moveBase = connection.prepare(
    `INSERT INTO auditBases (workspaceId, seq, hash) VALUES ($workspaceId, $seq, $hash)
     ON CONFLICT (workspaceId) DO UPDATE SET seq = excluded.seq, hash = excluded.hash`,
  );
  const hashAt = connection.prepare<Pick<AuditHead, 'hash'>>(
    'SELECT hash FROM audit WHERE workspaceId = $workspaceId AND seq = $seq',
  );
  const remove = connection.prepare(
    `DELETE FROM audit WHERE workspaceId = $workspaceId AND seq <= $until
       AND seq < (SELECT seq FROM audit WHERE workspaceId = $workspaceId ORDER BY seq LIMIT 1) + ${BATCH}`,
  );
  const removeAll = async (workspaceId: string, until: number): Promise<void> => {
    while (remove.run({ workspaceId, until }) > 0) await nextTurn();
  };

  return {
    async base(workspaceId) {
      return base.one({ workspaceId });
    },
    async archive(workspaceId, after, until, draft) {
      const outcome = connection.transaction(() => {
        const { seq, hash } = base.one({ workspaceId }) ?? { seq: 0, hash: '' };
        if (seq === until.seq && hash === until.hash) return 'archived';
        if (seq !== after) return 'moved';
        if (hashAt.one({ workspaceId, seq: until.seq })?.hash !== until.hash) return 'unknown';
        moveBase.run({ workspaceId, seq: until.seq, hash: until.hash });
        add(draft);
        return 'archived';
      });
      // Entries before the base are no longer part of the log. If a call is interrupted here, the next call deletes the rest.
      if (outcome === 'archived') await removeAll(workspaceId, until.seq);
      return outcome;
    },
  };
}
