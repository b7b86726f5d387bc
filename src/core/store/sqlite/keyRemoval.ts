import { Duplicate } from '../storeErrors.js';
import type { KeyRecord } from '../records.js';
import type { KeyStore } from '../keyStore.js';
import type { Connection } from './connection.js';

interface KeyRemoval extends Pick<KeyStore, 'removeEnded'> {
  /** Like {@link KeyStore.nextLookupId}, among removed keys. */
  nextLookupId(from: string): string | null;
  /** Returns whether a key of that ID was removed. */
  wasRemoved(id: string): boolean;
  /** @throws Duplicate if the ID or the lookup ID belonged to a removed key */
  assertUnused(key: Pick<KeyRecord, 'id' | 'lookupId'>): void;
}

/** Deletes ended keys, and keeps their IDs, which must not be used a second time. */
export function openKeyRemoval(connection: Connection): KeyRemoval {
  const revoked = connection.prepare<Pick<KeyRecord, 'id'>>(
    'SELECT id FROM keys INDEXED BY keysRevoked WHERE revokedAt <= $before ORDER BY revokedAt LIMIT $limit',
  );
  const expired = connection.prepare<Pick<KeyRecord, 'id'>>(
    `SELECT id FROM keys INDEXED BY keysExpiring WHERE revokedAt IS NULL AND expiresAt <= $before
     ORDER BY expiresAt LIMIT $limit`,
  );
  const reserve = connection.prepare(
    'INSERT INTO removedKeys SELECT id, lookupId FROM keys WHERE id IN (SELECT value FROM json_each($ids))',
  );
  const removeDocuments = connection.prepare(
    'DELETE FROM keyDocuments WHERE keyId IN (SELECT value FROM json_each($ids))',
  );
  const remove = connection.prepare('DELETE FROM keys WHERE id IN (SELECT value FROM json_each($ids))');
  const byId = connection.prepare<Pick<KeyRecord, 'id'>>('SELECT id FROM removedKeys WHERE id = $id');
  const byLookupId = connection.prepare<Pick<KeyRecord, 'id'>>('SELECT id FROM removedKeys WHERE lookupId = $lookupId');
  const next = connection.prepare<Pick<KeyRecord, 'lookupId'>>(
    'SELECT lookupId FROM removedKeys WHERE lookupId >= $from ORDER BY lookupId LIMIT 1',
  );
  const wasRemoved = (id: string): boolean => byId.one({ id }) !== null;

  return {
    wasRemoved,
    nextLookupId: (from) => next.one({ from })?.lookupId ?? null,
    assertUnused({ id, lookupId }) {
      if (wasRemoved(id)) throw new Duplicate('key.id', undefined);
      if (byLookupId.one({ lookupId }) !== null) throw new Duplicate('key.lookupId', undefined);
    },
    async removeEnded(before, limit) {
      return connection.transaction(() => {
        const found = revoked.all({ before, limit });
        if (found.length < limit) found.push(...expired.all({ before, limit: limit - found.length }));
        if (found.length > 0) {
          const ids = JSON.stringify(found.map(({ id }) => id));
          reserve.run({ ids });
          removeDocuments.run({ ids });
          remove.run({ ids });
        }
        return { removed: found.length, isDone: found.length < limit };
      });
    },
  };
}
