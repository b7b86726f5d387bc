import { announce } from '../../src/announce.js';
import { OperatorKey } from '../../src/credentials/operator.js';
import { OPERATOR_KEY } from '../support/service.js';

const settings = { operator: null, mongodbUri: null, dataDir: './data', dashboard: true };

test('a later start shows where it listens, and no key: the line to paste would need one', () => {
  const text = announce('http://127.0.0.1:4000', null, settings);
  expect(text).toBe(
    'Latchkey listens on http://127.0.0.1:4000/graphql\nThe dashboard is at http://127.0.0.1:4000/dashboard/\nKeys are kept in SQLite in ./data.\n',
  );
  expect(announce('http://127.0.0.1:4000', null, { ...settings, dashboard: false })).not.toContain('dashboard');
});

test("the operator's key is named and not shown, and so is a database's password", () => {
  const text = announce('http://127.0.0.1:4000', null, {
    ...settings,
    operator: new OperatorKey(OPERATOR_KEY),
    mongodbUri: 'mongodb://root:hunter2@db',
  });
  expect(text).toContain('Keys are kept in MongoDB.');
  expect(text).toContain('Authorization: Bearer $ADMIN_API_KEY');
  expect(text).not.toMatch(/test-operator|hunter2/);
});
