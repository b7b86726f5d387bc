import { announce } from '../../src/server/announce.js';
import { readSettings } from '../../src/server/settings/settings.js';
import { OperatorKey } from '../../src/core/auth/operator.js';
import { OPERATOR_KEY } from '../support/service.js';
import { documentOf } from '../support/session.js';

const settings = { operator: null, mongodbUri: null, dataDir: './data', dashboard: true, gateway: null };

test('a later start prints its address, but no key, and so no curl line', () => {
  const text = announce('http://127.0.0.1:4000', null, settings);
  expect(text).toBe(
    'Latchkey listens on http://127.0.0.1:4000/graphql\nThe dashboard is at http://127.0.0.1:4000/dashboard/\nKeys are stored in SQLite in ./data.\n',
  );
  expect(announce('http://127.0.0.1:4000', null, { ...settings, dashboard: false })).not.toContain('dashboard');
});

test("a gateway names its API, and its curl line uses the API for keys, because /graphql has only the API's fields", () => {
  const upstream = 'http://127.0.0.1:8000/graphql';
  const { gateway } = readSettings({ GATEWAY_UPSTREAM: upstream, GATEWAY_POLICY: 'policy.yaml' });
  const firstKey = { key: { workspaceId: 'default' }, token: 'lks_live_example' };
  const text = announce('http://127.0.0.1:4000', firstKey, { ...settings, gateway });
  expect(text.split('\n').slice(0, 3)).toEqual([
    'Latchkey listens on http://127.0.0.1:4000/graphql',
    `It forwards operations to ${upstream}`,
    'Key management is at http://127.0.0.1:4000/admin/graphql',
  ]);
  expect(text).toContain('  curl http://127.0.0.1:4000/admin/graphql -H ');
});

test("names the operator's key without printing it, nor the password of a database", () => {
  const text = announce('http://127.0.0.1:4000', null, {
    ...settings,
    operator: new OperatorKey(OPERATOR_KEY),
    mongodbUri: 'mongodb://root:hunter2@db',
  });
  expect(text).toContain('Keys are stored in MongoDB.');
  expect(text).toContain('Authorization: Bearer $ADMIN_API_KEY');
  expect(text).not.toMatch(/test-operator|hunter2/);
});

test('N5: a start with ADMIN_API_KEY says that no admin key was created, and a start without it does not', () => {
  const SAID = 'No admin key was created: ADMIN_API_KEY is set. Use that key.';
  const operator = new OperatorKey(OPERATOR_KEY);
  expect(announce('http://127.0.0.1:4000', null, { ...settings, operator }).split('\n')).toContain(SAID);
  expect(announce('http://127.0.0.1:4000', null, settings)).not.toContain('ADMIN_API_KEY');
  const firstKey = { key: { workspaceId: 'default' }, token: 'lks_live_example' };
  expect(announce('http://127.0.0.1:4000', firstKey, settings)).not.toContain('ADMIN_API_KEY');
});

test.each([
  'README.md',
  'docs/tutorials/first-session.md',
  'docs/explanation/tenancy.md',
  'docs/how-to/deploying.md',
  'docs/how-to/own-schema.md',
])('N5: %s says what happens to the first admin key if the operator has a key', (page) => {
  const text = documentOf(page).replaceAll('\n', ' ');
  expect(text).toMatch(/(ADMIN_API_KEY|adminApiKey)[^.]*`[^.]*no (admin )?key is (created|printed)/);
});
