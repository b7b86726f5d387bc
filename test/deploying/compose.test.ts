import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { parse } from 'yaml';
import { readSettings } from '../../src/server/settings/settings.js';
import { PROJECT } from '../support/project.js';
import { projectFile, SECRETS, SETTINGS } from './files.js';

interface Service {
  readonly image: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly networks: Readonly<Record<string, null>>;
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly command?: readonly string[];
}
interface Composition {
  readonly services: Readonly<Record<'latchkey' | 'mongodb' | 'redis', Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
}

const REQUIRED = {
  KEY_PEPPER: 'a-pepper-of-the-tests-with-32-characters',
  ADMIN_API_KEY: 'an-admin-key-of-the-tests-not-a-real-one',
  MONGODB_PASSWORD: 'mongodb-password-of-the-tests',
  REDIS_PASSWORD: 'redis-password-of-the-tests',
};

/**
 * Returns the configuration that Debian's docker-compose reads from the file, which needs no Docker. Runs in another
 * directory, because there may be a .env file next to it.
 */
function composed(env: Readonly<Record<string, string>>) {
  return spawnSync('docker-compose', ['-f', 'compose.yaml', '--project-directory', tmpdir(), 'config'], {
    cwd: PROJECT,
    env: { PATH: process.env.PATH, ...env },
    encoding: 'utf8',
    timeout: 120_000,
  });
}

const { status, stdout, stderr } = composed(REQUIRED);
const { services, networks } = parse(stdout) as Composition;

test('docker-compose accepts the file', () => {
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(Object.keys(services)).toEqual(['latchkey', 'mongodb', 'redis']);
});

test.each(Object.keys(REQUIRED))('does not start without %s', (name) => {
  const refused = composed(Object.fromEntries(Object.entries(REQUIRED).filter(([other]) => other !== name)));
  expect(refused.status).not.toBe(0);
  expect(refused.stderr).toContain(`\${${name}:?is missing}`);
});

test('the file contains no value of a secret', () => {
  const written = parse(projectFile('compose.yaml')) as Composition;
  for (const { environment } of Object.values(written.services)) {
    for (const [name, value] of Object.entries(environment)) {
      if (SECRETS.includes(name) || name.includes('PASSWORD')) expect(value).toContain(':?is missing}');
    }
  }
});

test('its variables are settings with valid values', () => {
  const { environment } = services.latchkey;
  expect(SETTINGS).toEqual(expect.arrayContaining(Object.keys(environment)));
  const settings = readSettings(environment);
  expect(settings.mongodbUri).toContain(`:${REQUIRED.MONGODB_PASSWORD}@mongodb:27017/`);
  expect(settings.redisUrl).toContain(`:${REQUIRED.REDIS_PASSWORD}@redis:6379/`);
  expect(settings).toMatchObject({ requireHttps: true, introspection: 'authenticated', trustProxy: [] });
});

test('Latchkey waits for healthy stores, and only its port is published, to this machine', () => {
  expect(services.latchkey.depends_on).toEqual({
    mongodb: { condition: 'service_healthy' },
    redis: { condition: 'service_healthy' },
  });
  expect(services.latchkey.ports).toEqual(['127.0.0.1:4000:4000/tcp']);
  for (const store of [services.mongodb, services.redis]) {
    expect(store.ports).toBeUndefined();
    expect(store.healthcheck?.test).toBeDefined();
    expect(Object.keys(store.networks).map((name) => networks[name]?.internal)).toEqual([true]);
    expect(store.image).toMatch(/:\d+\.\d+/);
  }
});

test('Redis has the options that docs/how-to/operations.md requires, and its password is not an argument', () => {
  const [, , script = ''] = services.redis.command ?? [];
  for (const line of ['maxmemory-policy noeviction', 'save ""', 'appendonly no', 'requirepass $$REDIS_PASSWORD']) {
    expect(script.split('\n')).toContain(line);
  }
  expect(script).toMatch(/^exec redis-server - <</);
});
