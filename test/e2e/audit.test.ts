import { auditServer } from 'graphql-http';
import { startService, type TestService } from '../support/service.js';

let latchkey: TestService;
beforeAll(async () => {
  // On the highest tier, so that limits don't affect the results.
  latchkey = await startService({ storeThreads: true, env: { DEFAULT_TIER: 'ENTERPRISE' } });
});
afterAll(() => latchkey.close());

/** SHOULDs only for clients of `application/json`. Apollo Server also reports request faults by status to them. */
const ANSWERED_BY_400 = [
  '572B', // 200 on document parsing failure
  'FDE2', // 200 on document validation failure
  '7B9B', // 200 on variable coercion failure
];

test('graphql-http audits the server with a key: no error, and at least 58 of 61 checks pass', async () => {
  const results = await auditServer({
    url: latchkey.url,
    fetchFn: async (url: string, init: RequestInit = {}) => {
      const headers = new Headers(init.headers);
      headers.set('authorization', `Bearer ${latchkey.adminToken}`);
      return fetch(url, { ...init, headers });
    },
  });
  const notOk = results.filter(({ status }) => status !== 'ok');
  expect(results.filter(({ status }) => status === 'error')).toEqual([]);
  expect(results).toHaveLength(61);
  expect(notOk.map(({ id }) => id)).toEqual(ANSWERED_BY_400);
  for (const { name } of notOk) expect(name).toMatch(/^SHOULD use .*200.* when accepting application\/json$/);
});
