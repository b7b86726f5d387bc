import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expectPage } from './page.js';
import { createKey, type TestService } from '../support/service.js';

/** Leaves the keys of the first session: an active one that was replaced, and its revoked replacement. */
async function replaceAndRevoke(latchkey: TestService, name: string): Promise<string> {
  const { id, token } = await createKey(latchkey, { name, scopes: ['read:all'] });
  const rotate = `mutation { rotateApiKey(input: { id: "${id}", overlap: "PT1H" }) { apiKey { id } } }`;
  const { body } = await latchkey.query(rotate);
  await latchkey.query(
    `mutation { revokeApiKey(input: { id: "${body.data.rotateApiKey.apiKey.id}" }) { apiKey { id } } }`,
  );
  return token;
}

test('each command of docs/how-to/rotate-without-downtime.md runs as written after the first session', async () => {
  await expectPage('docs/how-to/rotate-without-downtime.md', {
    before: async (latchkey) => ({ token: await replaceAndRevoke(latchkey, 'airflow') }),
    after: async (latchkey, { token = '' }, directory) => {
      const { body } = await latchkey.query(
        '{ apiKeys(filter: { nameContains: "nightly-load" }) { nodes { status } } }',
      );
      expect(body.data.apiKeys.nodes).toEqual([{ status: 'ACTIVE' }, { status: 'REVOKED' }]);
      expect((await latchkey.query('{ viewer { scopes } }', { token })).status).toBe(200);
      const { data } = JSON.parse(readFileSync(join(directory, 'usage.json'), 'utf8'));
      expect(data.apiKey.usage[0]).toEqual({ start: expect.stringMatching(/:00\.000Z$/), requests: 0 });
    },
  });
});
