import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileSchema } from '../../src/settings/fileSchema.js';
import { readSettings } from '../../src/settings/settings.js';
import { PROJECT } from '../support/child.js';

test('the example file is read as it stands, with its variables set', () => {
  const { configuration } = readSettings({
    LATCHKEY_CONFIG: join(PROJECT, 'latchkey.example.yaml'),
    NODE_ENV: 'production',
    API_KEY_ADMIN: 'an-admin-key-of-tests-012345',
    API_KEY_ANALYST: 'an-analyst-key-of-tests-012345',
    API_KEY_READONLY: 'a-readonly-key-of-tests-012345',
  });
  expect(configuration.keys.map(({ name, roles }) => [name, roles])).toEqual([
    ['admin-service', ['admin']],
    ['analyst-service', ['analyst']],
    ['readonly', ['viewer']],
  ]);
  expect(configuration.warnings).toEqual([]);
});

test('every key of OIDC is in its document', () => {
  const document = readFileSync(join(PROJECT, 'docs/oidc.md'), 'utf8');
  const keys = Object.keys(fileSchema.shape.auth.unwrap().shape.oidc.unwrap().shape);
  expect(keys.length).toBeGreaterThan(9);
  for (const key of keys) expect(document).toMatch(new RegExp(`^\\| \`${key}\` \\|`, 'm'));
});

test('every key of the file is in the document', () => {
  const document = readFileSync(join(PROJECT, 'docs/configuration.md'), 'utf8');
  for (const section of Object.keys(fileSchema.shape)) expect(document).toContain(section);
  for (const key of [
    'enabled',
    'keys',
    'key',
    'name',
    'roles',
    'workspace',
    'prefix',
    'scopes',
    'per_minute',
    'per_second',
    'streams',
  ]) {
    expect(document).toMatch(new RegExp(`^\\| \`[^|]*${key}\` \\|`, 'm'));
  }
});
