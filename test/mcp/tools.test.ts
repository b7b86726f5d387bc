import { startService, type TestService } from '../support/service.js';
import { connect, type Connected } from './client.js';

let latchkey: TestService;
let admin: Connected;
beforeAll(async () => {
  latchkey = await startService();
  admin = await connect(latchkey, latchkey.adminToken);
});
afterAll(async () => {
  await admin.close();
  await latchkey.close();
});

test('an admin is offered every tool', async () => {
  console.log(JSON.stringify((await admin.client.listTools()), null, 1).slice(0, 3000));
  console.log(JSON.stringify(await admin.call('search_schema', { query: 'create key' }), null, 1).slice(0,2500));
  console.log(JSON.stringify(await admin.call('search_schema', { }), null, 1).slice(0,500));
  console.log(JSON.stringify(await admin.call('describe_type', { name: 'Asset' }), null, 1).slice(0,2500));
  console.log(JSON.stringify(await admin.call('run_query', { document: '{ viewer { scopes } }' }), null, 1));
  console.log(JSON.stringify(await admin.call('run_query', { document: 'mutation { createProject(input: {name: "x"}) { project { id } } }' }), null, 1));
  console.log(JSON.stringify(await admin.call('run_mutation', { document: 'mutation { createProject(input: {name: "x"}) { project { id } } }' }), null, 1));
  console.log(JSON.stringify(await admin.call('run_query', { document: 'subscription { assetChanged { __typename } }' }), null, 1));
  console.log(JSON.stringify(await admin.call('explain_access', { document: '{ apiKeys { totalCount } }' }), null, 1));
  console.log(JSON.stringify(await admin.call('whoami'), null, 1));
  const t = await admin.call('run_query', { document: '', });
  console.log(t, admin.client.getServerVersion());
});
