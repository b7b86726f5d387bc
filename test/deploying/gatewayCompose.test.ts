import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { parse } from 'yaml';
import { readSettings } from '../../src/server/settings/settings.js';
import { PROJECT } from '../support/project.js';
import { projectFile } from './files.js';

interface Composition {
  readonly services: Readonly<
    Record<
      'gateway' | 'api',
      {
        readonly environment?: Readonly<Record<string, string>>;
        readonly networks: readonly string[];
        readonly ports?: readonly string[];
      }
    >
  >;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
}

const { services, networks } = parse(projectFile('examples/gateway/compose.yaml')) as Composition;

test('only the gateway reaches the API', () => {
  expect(services.api.ports).toBeUndefined();
  expect(services.api.networks).toEqual(['inside']);
  expect(services.gateway.networks).toContain('inside');
  expect(networks.inside?.internal).toBe(true);
});

test('the settings are valid, and the server is a gateway', () => {
  const given = Object.entries(services.gateway.environment ?? {}).map(([name, text]) => [
    name,
    text.replace(/\$\{\w+:-([^}]*)\}/, '$1').replace(/\$\{(\w+):\?[^}]*\}/, 'a-secret-of-$1-with-32-characters'),
  ]);
  expect(readSettings(Object.fromEntries(given) as Record<string, string>).gateway).toMatchObject({
    upstream: 'http://api:8000/graphql',
    policy: '/etc/latchkey/policy.yaml',
    audience: 'orders-api',
  });
});

test('docker-compose accepts the file, with the required variables only', () => {
  const file = 'examples/gateway/compose.yaml';
  // In another directory, because there may be a .env file next to the file.
  const read = (env: Readonly<Record<string, string>>) =>
    spawnSync('docker-compose', ['-f', file, '--project-directory', tmpdir(), 'config'], {
      cwd: PROJECT,
      env: { PATH: process.env.PATH, ...env },
      encoding: 'utf8',
      timeout: 120_000,
    });
  const required = {
    KEY_PEPPER: 'a-pepper-of-32-characters-0123456',
    ADMIN_API_KEY: 'an-admin-key-of-tests',
    API_IMAGE: 'api:1',
  };
  const { status, stdout, stderr } = read(required);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(Object.keys((parse(stdout) as Composition).services).sort()).toEqual(['api', 'gateway']);
  for (const name of Object.keys(required)) {
    const refused = read(Object.fromEntries(Object.entries(required).filter(([other]) => other !== name)));
    expect([name, refused.status === 0]).toEqual([name, false]);
    expect(refused.stderr).toContain(`\${${name}:?is missing}`);
  }
});
