// Rotation of keys, with an admin key, once a day from a scheduler:
//   node examples/data-freshness/rotate.js <directory of secrets>
// Replaces keys older than MAX_AGE_DAYS (90). Each new token is written to a file in the directory, which is named after the key's ID and
// readable only by its owner. The old key works for another week, but is revoked earlier if it has been idle for IDLE_HOURS (24). The
// key that runs this script is not replaced.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask, main } from '../shared/client.js';

const HOUR = 60 * 60_000;
const maxAge = Number(process.env.MAX_AGE_DAYS ?? 90) * 24 * HOUR;
const idle = Number(process.env.IDLE_HOURS ?? 24) * HOUR;

const KEYS = `query ($after: String) {
  viewer { credential { id } }
  apiKeys(first: 100, after: $after, filter: { status: ACTIVE }) {
    nodes { id name source createdAt lastUsedAt replacedBy { id createdAt } }
    pageInfo { hasNextPage endCursor }
  }
}`;
const ROTATE = `mutation ($id: ID!) {
  rotateApiKey(input: { id: $id, overlap: "P7D" }) { token apiKey { id } }
}`;
const REVOKE = `mutation ($id: ID!) {
  revokeApiKey(input: { id: $id, reason: "Replaced, and no longer used." }) { apiKey { id } }
}`;

const since = (moment) => Date.now() - Date.parse(moment);

await main(async () => {
  // Read all pages before rotating, because successors would appear on later pages.
  const keys = [];
  for (let after = null, more = true; more;) {
    const { viewer, apiKeys } = await ask(KEYS, { after });
    keys.push(...apiKeys.nodes.filter(({ id, source }) => source === 'CREATED' && id !== viewer.credential.id));
    more = apiKeys.pageInfo.hasNextPage;
    after = apiKeys.pageInfo.endCursor;
  }
  for (const { id, name, createdAt, lastUsedAt, replacedBy } of keys) {
    if (replacedBy === null && since(createdAt) > maxAge) {
      const { rotateApiKey: made } = await ask(ROTATE, { id });
      writeFileSync(join(process.argv[2], made.apiKey.id), made.token, { mode: 0o600, flag: 'wx' });
      console.log(`rotated ${name} ${id}: ${made.apiKey.id}`);
    }
    // A key that was replaced just now may be in use, even if its last use isn't recorded yet.
    if (replacedBy !== null && since(replacedBy.createdAt) > idle && since(lastUsedAt ?? createdAt) > idle) {
      await ask(REVOKE, { id });
      console.log(`revoked ${name} ${id}`);
    }
  }
});
