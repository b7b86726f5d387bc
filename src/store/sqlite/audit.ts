import { chained, type AuditDraft, type AuditEntry, type AuditHead, type Details } from '../audit.js';
import { AUDIT_FIELDS, pick } from '../fields.js';
import type { AuditStore } from '../store.js';
import type { Connection } from './connection.js';

/** The audit log, and what the changes need of it. */
export interface Audit extends AuditStore {
  /** Adds an entry in the transaction that is open. */
  add(draft: AuditDraft): void;
}

interface AuditRow extends Omit<AuditEntry, 'before' | 'after'> {
  readonly before: string | null;
  readonly after: string | null;
}

const COLUMNS = AUDIT_FIELDS.join(', ');

/** A parameter that is NULL filters nothing. */
const FILTERED = `
  workspaceId = $workspaceId
  AND ($actions IS NULL OR action IN (SELECT value FROM json_each($actions)))
  AND ($subject IS NULL OR subject = $subject) AND ($actor IS NULL OR actor = $actor)
  AND ($projectId IS NULL OR projectId = $projectId)`;

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
  const list = connection.prepare<AuditRow>(
    `SELECT ${COLUMNS} FROM audit
     WHERE ${FILTERED} AND seq < $before
     ORDER BY seq DESC LIMIT $first`,
  );
  // Of a place without an entry, everything comes after it.
  const listDated = connection.prepare<AuditRow>(
    `SELECT ${COLUMNS} FROM audit
     WHERE ${FILTERED} AND at >= $from AND at < $to AND (at, seq) < (
       coalesce((SELECT at FROM audit WHERE workspaceId = $workspaceId AND seq = $before), ${Number.MAX_SAFE_INTEGER}),
       $before
     )
     ORDER BY at DESC, seq DESC LIMIT $first`,
  );
  const read = connection.prepare<AuditRow>(
    `SELECT ${COLUMNS} FROM audit WHERE workspaceId = $workspaceId AND seq > $after ORDER BY seq LIMIT $first`,
  );

  const add = (draft: AuditDraft): void => {
    const { workspaceId } = draft;
    const entry = chained(draft, head.one({ workspaceId }));
    insert.run({
      ...pick(entry, AUDIT_FIELDS),
      before: entry.before && JSON.stringify(entry.before),
      after: entry.after && JSON.stringify(entry.after),
    });
    moveHead.run({ workspaceId, seq: entry.seq, hash: entry.hash });
  };

  return {
    add,
    async append(draft) {
      connection.transaction(() => {
        if (known.one({ id: draft.id }) === null) add(draft);
      });
    },
    async list(workspaceId, { first, before, filter }) {
      const { actions, subject, actor, projectId, from, to } = filter;
      const filtered = {
        workspaceId,
        first,
        before: before ?? Number.MAX_SAFE_INTEGER,
        actions: actions === undefined ? null : JSON.stringify(actions),
        subject: subject ?? null,
        actor: actor ?? null,
        projectId: projectId ?? null,
      };
      if (from === undefined && to === undefined) return list.all(filtered).map(toEntry);
      const range = { from: from ?? Number.MIN_SAFE_INTEGER, to: to ?? Number.MAX_SAFE_INTEGER };
      return listDated.all({ ...filtered, ...range }).map(toEntry);
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

function toEntry(row: AuditRow): AuditEntry {
  return { ...row, before: parsed(row.before), after: parsed(row.after) };
}

function parsed(text: string | null): Details | null {
  return text === null ? null : (JSON.parse(text) as Details);
}
