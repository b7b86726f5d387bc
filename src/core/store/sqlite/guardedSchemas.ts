import type { GuardedSchemaRecord, PublishedScope } from '../records.js';
import type { GuardedSchemaStore } from '../store.js';
import type { Connection } from './connection.js';

const COLUMNS = 'id, scopes, host, publishedAt, endsAt';

/** A row: the scopes are JSON. */
type Row = Omit<GuardedSchemaRecord, 'scopes'> & { readonly scopes: string };

export function openGuardedSchemas(connection: Connection): GuardedSchemaStore {
  const publish = connection.prepare(
    `INSERT OR REPLACE INTO guardedSchemas (${COLUMNS}) VALUES ($id, $scopes, $host, $publishedAt, $endsAt)`,
  );
  const removeEnded = connection.prepare('DELETE FROM guardedSchemas WHERE endsAt <= $now');
  const list = connection.prepare<Row>(
    `SELECT ${COLUMNS} FROM guardedSchemas WHERE endsAt > $now ORDER BY endsAt DESC, id DESC LIMIT $first`,
  );

  return {
    async publish({ id, scopes, host, publishedAt, endsAt }, now) {
      connection.transaction(() => {
        publish.run({ id, scopes: JSON.stringify(scopes), host, publishedAt, endsAt });
        removeEnded.run({ now });
      });
    },
    async list(now, first) {
      return list
        .all({ now, first })
        .map(({ scopes, ...row }) => ({ ...row, scopes: JSON.parse(scopes) as PublishedScope[] }));
    },
  };
}
