import { expectPage } from './page.js';
import { createKey } from '../support/service.js';

test('each command of docs/how-to/rotate-without-downtime.md runs as written', async () => {
  await expectPage('docs/how-to/rotate-without-downtime.md', {
    before: async (latchkey) => {
      const { token } = await createKey(latchkey, { name: 'airflow', scopes: ['read:all'] });
      return { token };
    },
    after: async (latchkey, { token = '' }) => {
      const { body } = await latchkey.query('{ apiKeys(filter: { nameContains: "airflow" }) { nodes { status } } }');
      expect(body.data.apiKeys.nodes).toEqual([{ status: 'ACTIVE' }, { status: 'REVOKED' }]);
      expect((await latchkey.query('{ viewer { scopes } }', { token })).status).toBe(401);
    },
  });
});
