import type { SigningKeyRecord } from '../records.js';
import type { SigningKeyStore } from '../store.js';
import type { Connection } from './connection.js';

const COLUMNS = 'id, publicKey, createdAt, endsAt';

export function openSigningKeys(connection: Connection): SigningKeyStore {
  const publish = connection.prepare(
    `INSERT INTO signingKeys (${COLUMNS}) VALUES ($id, $publicKey, $createdAt, $endsAt)
     ON CONFLICT (id) DO UPDATE SET endsAt = excluded.endsAt`,
  );
  const removeEnded = connection.prepare('DELETE FROM signingKeys WHERE endsAt <= $now');
  const find = connection.prepare<SigningKeyRecord>(`SELECT ${COLUMNS} FROM signingKeys WHERE id = $id`);
  const list = connection.prepare<SigningKeyRecord>(
    `SELECT ${COLUMNS} FROM signingKeys WHERE endsAt > $now ORDER BY endsAt DESC, id DESC LIMIT $first`,
  );

  return {
    async publish({ id, publicKey, createdAt, endsAt }, now) {
      connection.transaction(() => {
        publish.run({ id, publicKey, createdAt, endsAt });
        removeEnded.run({ now });
      });
    },
    async find(id) {
      return find.one({ id });
    },
    async list(now, first) {
      return list.all({ now, first });
    },
  };
}
