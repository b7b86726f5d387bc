import { AUDIT_ACTIONS, type AuditEntry, type Details } from '../audit.js';
import { AUDIT_FIELDS } from '../fields.js';
import type { AuditFilter } from '../auditStore.js';
import type { Connection, Statement } from './connection.js';
import { SLICE, type AuditSlices, type TimedPlace } from './slices.js';

export interface AuditRow extends Omit<AuditEntry, 'before' | 'after'> {
  readonly before: string | null;
  readonly after: string | null;
}

const COLUMNS = AUDIT_FIELDS.join(', ');

/**
 * Indexed fields and their indexes, each followed by the action. The field that matches the fewest entries comes first.
 */
const INDEXES = { subject: 'auditBySubject', actor: 'auditByActor', projectId: 'auditByProject' } as const;
const INDEXED = Object.keys(INDEXES) as (keyof typeof INDEXES)[];

const PLACE = 'workspaceId = $workspaceId AND seq < $before AND seq >= $low';
const NEWEST = 'ORDER BY seq DESC LIMIT $limit';

/** Conditions that no index covers. */
const REST = `($subject IS NULL OR subject = $subject) AND ($actor IS NULL OR actor = $actor)
  AND ($projectId IS NULL OR projectId = $projectId)`;

/**
 * The entries in a range of times, newest first. Both bounds are positions in the order of time and then of the chain.
 */
const DATED = 'FROM audit INDEXED BY auditByTime WHERE workspaceId = $workspaceId AND (at, seq) < ($at, $seq)';
const BY_TIME = 'ORDER BY at DESC, seq DESC';

/**
 * Reads pages of the audit log. In each index, the entries of one action are in the order of the chain, so the entries
 * of several actions are merged. Filters that no index covers completely read a bounded number of entries.
 */
export function openAuditSlices(connection: Connection): AuditSlices {
  const whole = connection.prepare<AuditRow>(`SELECT ${COLUMNS} FROM audit WHERE ${PLACE} AND ${REST} ${NEWEST}`);
  const places = { plain: new Map<string, Statement<Place>>(), filtered: new Map<string, Statement<Place>>() };
  for (const [index, field] of [
    ['auditByAction', null] as const,
    ...INDEXED.map((each) => [INDEXES[each], each] as const),
  ]) {
    const found = `SELECT seq FROM audit INDEXED BY ${index} WHERE ${field === null ? '' : `${field} = $value AND`} action = $action AND ${PLACE}`;
    places.plain.set(index, connection.prepare(`${found} ${NEWEST}`));
    places.filtered.set(index, connection.prepare(`${found} AND ${REST} ${NEWEST}`));
  }
  const at = connection.prepare<AuditRow>(
    `SELECT ${COLUMNS} FROM audit WHERE workspaceId = $workspaceId AND seq IN (SELECT value FROM json_each($seqs))`,
  );
  const timeOf = connection.prepare<TimedPlace>(
    'SELECT at, seq FROM audit WHERE workspaceId = $workspaceId AND seq = $before',
  );
  const endDated = connection.prepare<TimedPlace>(
    `SELECT at, seq ${DATED} AND (at, seq) >= ($from, 0) ${BY_TIME} LIMIT 1 OFFSET $skipped`,
  );
  const dated = connection.prepare<AuditRow>(
    `SELECT ${COLUMNS} ${DATED} AND (at, seq) >= ($lowAt, $lowSeq) AND ${REST}
       AND ($actions IS NULL OR action IN (SELECT value FROM json_each($actions))) ${BY_TIME} LIMIT $limit`,
  );
  const newest = connection.prepare<Place>(
    'SELECT seq FROM audit WHERE workspaceId = $workspaceId ORDER BY seq DESC LIMIT 1',
  );

  return {
    auditDated({ workspaceId, filter, before, after, limit, length }) {
      const { from = Number.MIN_SAFE_INTEGER, to = Number.MAX_SAFE_INTEGER, actions, ...others } = filter;
      const start = after ?? earlier({ at: to, seq: 0 }, before === null ? null : timeOf.one({ workspaceId, before }));
      const end = endDated.one({ workspaceId, ...start, from, skipped: length - 1 });
      const rows = dated.all({
        ...{ workspaceId, ...start, limit },
        ...{ lowAt: end?.at ?? from, lowSeq: end?.seq ?? 0 },
        ...restOf(others),
        actions: actions === undefined ? null : JSON.stringify(actions),
      });
      return { rows: rows.map(toEntry), next: end };
    },
    audit({ workspaceId, filter, low, before, limit }) {
      const { index, value, isAll, rest } = planOf(filter);
      const end = Math.min(before, (newest.one({ workspaceId })?.seq ?? 0) + 1);
      const from = isAll ? low : Math.max(low, end - SLICE);
      const range = { workspaceId, before: end, low: from, limit };
      const next = from > low ? from : null;
      if (index === null) return { rows: whole.all({ ...range, ...rest }).map(toEntry), next };
      const statement = places[isAll ? 'plain' : 'filtered'].get(index);
      const seqs = (filter.actions ?? AUDIT_ACTIONS)
        .flatMap(
          (action) => statement?.all({ ...range, action, ...(value !== null && { value }), ...(!isAll && rest) }) ?? [],
        )
        .map(({ seq }) => seq)
        .sort((a, b) => b - a)
        .slice(0, limit);
      const rows = at.all({ workspaceId, seqs: JSON.stringify(seqs) }).map(toEntry);
      return { rows: rows.sort((a, b) => b.seq - a.seq), next };
    },
  };
}

interface Place {
  readonly seq: number;
}

/** Returns the earlier of two positions. The second may be missing. */
function earlier(a: TimedPlace, b: TimedPlace | null): TimedPlace {
  return b !== null && (b.at < a.at || (b.at === a.at && b.seq < a.seq)) ? b : a;
}

function restOf({ subject, actor, projectId }: AuditFilter) {
  return { subject: subject ?? null, actor: actor ?? null, projectId: projectId ?? null };
}

/** Chooses the index for a filter, and returns the conditions that it does not cover. */
function planOf(filter: AuditFilter) {
  const values = restOf(filter);
  const field = INDEXED.find((each) => values[each] !== null) ?? null;
  const value = field && values[field];
  const rest = { ...values, ...(field && { [field]: null }) };
  const index = field === null ? (filter.actions === undefined ? null : 'auditByAction') : INDEXES[field];
  return { index, value, rest, isAll: Object.values(rest).every((each) => each === null) };
}

export function toEntry(row: AuditRow): AuditEntry {
  return { ...row, before: parsed(row.before), after: parsed(row.after) };
}

function parsed(text: string | null): Details | null {
  return text === null ? null : (JSON.parse(text) as Details);
}
