import { startService } from '../../support/service.js';

afterEach(() => {
  delete process.env.APOLLO_SCHEMA_REPORTING;
  delete process.env.APOLLO_KEY;
  delete process.env.APOLLO_GRAPH_REF;
});

// A host may have set these variables for its own server.
test('starts with APOLLO_SCHEMA_REPORTING, for which Apollo Server needs a key', async () => {
  process.env.APOLLO_SCHEMA_REPORTING = 'true';
  const latchkey = await startService();
  await latchkey.close();
});

test('reports no operations to Apollo with APOLLO_KEY and APOLLO_GRAPH_REF', async () => {
  process.env.APOLLO_KEY = 'service:orders:none';
  process.env.APOLLO_GRAPH_REF = 'orders@current';
  const latchkey = await startService();
  await latchkey.close();
  expect(latchkey.logs.join('\n')).not.toContain('usage reporting');
});
