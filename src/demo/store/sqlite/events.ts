import type { Connection } from '../../../core/store/sqlite/connection.js';
import { EVENT_FIELDS } from '../demoFields.js';
import { EVENT_RETENTION, type EventRecord } from '../demoRecords.js';
import type { EventStore } from '../demoStore.js';

/** Maximum number of expired rows that one write deletes: more than a batch adds. */
const SWEPT = 1000;

const COLUMNS = EVENT_FIELDS.join(', ');

export function openEvents(connection: Connection): EventStore {
  const insert = connection.prepare(
    `INSERT INTO events (${COLUMNS})
     SELECT ${EVENT_FIELDS.map((field) => `value ->> '${field}'`).join(', ')} FROM json_each($events) WHERE true
     ON CONFLICT (projectId, id) DO NOTHING`,
  );
  const findMany = connection.prepare<EventRecord>(
    `SELECT ${COLUMNS} FROM events WHERE projectId = $projectId AND id IN (SELECT value FROM json_each($ids))`,
  );
  const sweep = connection.prepare(
    `DELETE FROM events WHERE rowid IN (SELECT rowid FROM events WHERE at <= $past LIMIT ${SWEPT})`,
  );
  // A separate statement for each filter: SQLite could not use the asset index for an optional condition.
  const listing = (condition: string) =>
    connection.prepare<EventRecord>(
      `SELECT ${COLUMNS} FROM events
       WHERE projectId = $projectId ${condition} AND at > $since AND (at, id) < ($at, $id)
       ORDER BY at DESC, id DESC LIMIT $first`,
    );
  const ofAll = listing('');
  const ofType = listing('AND type = $type');
  const ofAsset = listing('AND asset = $asset');
  const ofBoth = listing('AND asset = $asset AND type = $type');

  return {
    async record(events, now) {
      const projectId = events[0]?.projectId ?? '';
      const ids = JSON.stringify(events.map(({ id }) => id));
      return connection.transaction(() => {
        const before = new Map(findMany.all({ projectId, ids }).map((event) => [event.id, event]));
        insert.run({ events: JSON.stringify(events) });
        sweep.run({ past: now - EVENT_RETENTION });
        return events.map((event) => {
          const known = before.get(event.id);
          return { event: known ?? event, added: known === undefined };
        });
      });
    },
    async list(projectId, { first, after, filter: { asset, type }, since }) {
      const { at, id } = after ?? { at: Number.MAX_SAFE_INTEGER, id: '' };
      const page = { projectId, first, since, at, id };
      if (asset === undefined) return type === undefined ? ofAll.all(page) : ofType.all({ ...page, type });
      return type === undefined ? ofAsset.all({ ...page, asset }) : ofBoth.all({ ...page, asset, type });
    },
  };
}
