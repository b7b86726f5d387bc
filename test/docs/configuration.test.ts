import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '../../src/server/settings/settings.js';
import { PROJECT } from '../support/project.js';
import { documentOf } from '../support/session.js';

test('the example file is valid as it is, with its variables set', () => {
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
  const { AGENCY, PROFESSIONAL } = configuration.tiers;
  expect(AGENCY).toEqual({
    ...PROFESSIONAL,
    keys: 200,
    quotas: [
      { window: 'month', unit: 'requests', limit: 2_000_000, subject: 'workspace', anchorDay: 15 },
      { window: 'day', unit: 'requests', limit: 50_000, subject: 'owner' },
    ],
    credits: { unit: 'requests', subject: 'workspace', refill: { amount: 500_000, every: 'month' } },
    cost: { max: 2_000, rate: 100_000, burst: 10_000 },
  });
});

test('each part of the file in the documentation is valid', () => {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-shown-'));
  const shown = ['docs/how-to/configuration.md', 'docs/how-to/oidc.md'].flatMap((path) =>
    [...documentOf(path).matchAll(/```yaml\n(.*?)```/gs)].map(([, text = '']) => text),
  );
  expect(shown.length).toBeGreaterThan(4);
  const file = join(directory, 'latchkey.yaml');
  for (const text of shown) {
    writeFileSync(file, text);
    const { configuration } = readSettings({
      LATCHKEY_CONFIG: file,
      NODE_ENV: 'production',
      PUBLIC_URL: 'https://api.example.com',
      API_KEY_ANALYST: 'an-analyst-key-of-tests-012345',
    });
    expect({ text, warnings: configuration.warnings }).toEqual({ text, warnings: [] });
  }
  rmSync(directory, { recursive: true });
});
