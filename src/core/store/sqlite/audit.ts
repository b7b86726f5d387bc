import { chained, type AuditDraft, type AuditHead } from '../audit.js';
import { AUDIT_FIELDS, pick } from '../fields.js';
import type { AuditStore } from '../auditStore.js';
import { openArchive } from './archive.js';
import { toEntry, type AuditRow } from './auditSlices.js';
import type { Connection } from './connection.js';
import type { Sliced } from './sliced.js';

/** The audit log, and the part of it that changes use. */
export interface Audit extends Omit<AuditStore, keyof Sliced['audit']> {
  /** Adds an entry in the current transaction. */
  add(draft: AuditDraft): void;
  /** Adds entries of one workspace in the current transaction, after each other. */
  addMany(drafts: readonly AuditDraft[]): void;
}

const COLUMNS = AUDIT_FIELDS.join(', ');

export function openAudit(connection: Connection): Audit {
  const head = connection.prepare<AuditHead>('SELECT seq, hash FROM auditHeads WHERE workspaceId = $workspaceId');
  const heads = connection.prepare<AuditHead & { readonly workspaceId: string }>(
    'SELECT workspaceId, seq, hash FROM auditHeads WHERE workspaceId > $after ORDER BY workspaceId LIMIT $first',
  );
  const known = connection.prepare<{ readonly id: string }>('SELECT id FROM audit WHERE id = $id');
  const insert = connection.prepare(
    `INSERT INTO audit (${COLUMNS}) VALUES (${AUDIT_FIELDS.map((field) => `$${field}`).join(', ')})`,
  );
  const moveHead = connection.prepare(
    `INSERT INTO auditHeads (workspaceId, seq, hash) VALUES ($workspaceId, $seq, $hash)
     ON CONFLICT (workspaceId) DO UPDATE SET seq = excluded.seq, hash = excluded.hash`,
  );
  const read = connection.prepare<AuditRow>(
    `SELECT ${COLUMNS} FROM audit WHERE workspaceId = $workspaceId AND seq > $after ORDER BY seq LIMIT $first`,
  );

  const addMany = (drafts: readonly AuditDraft[]): void => {
    const [first] = drafts;
    if (first === undefined) return;
    const { workspaceId } = first;
    let last = head.one({ workspaceId });
    for (const draft of drafts) {
      const entry = chained(draft, last);
      insert.run({
        ...pick(entry, AUDIT_FIELDS),
        before: entry.before && JSON.stringify(entry.before),
        after: entry.after && JSON.stringify(entry.after),
      });
      last = { seq: entry.seq, hash: entry.hash };
    }
    if (last !== null) moveHead.run({ workspaceId, seq: last.seq, hash: last.hash });
  };
  const add = (draft: AuditDraft): void => addMany([draft]);

  return {
    add,
    addMany,
    ...openArchive(connection, add),
    async append(draft) {
      connection.transaction(() => {
        if (known.one({ id: draft.id }) === null) add(draft);
      });
    },
    async read(workspaceId, after, first) {
      return read.all({ workspaceId, after, first }).map(toEntry);
    },
    async head(workspaceId) {
      return head.one({ workspaceId });
    },
    async heads(after, first) {
      return heads.all({ after, first });
    },
  };
}
