import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../support/until.js';
import { place, removeAll, startCluster } from './installation.js';

const WHO = '{ viewer { scopes } }';
const OLD = 'the-old-key-of-tests-0123456789';
const NEW = 'the-new-key-of-tests-0123456789';
const key = (variable: string): string =>
  `auth: { api_keys: { keys: [{ key: "\${${variable}}", name: etl, roles: [viewer] }] } }\n`;

afterEach(removeAll);

test('SIGHUP to the primary reloads the file in all workers, and the limits that the primary counts', async () => {
  const installed = place();
  const file = join(installed.DATA_DIR ?? '', 'latchkey.yaml');
  writeFileSync(file, key('OLD'));
  const cluster = startCluster(['--workers', '2'], {
    ...installed,
    // Only the signal is tested here.
    CONFIG_WATCH: 'off',
    LATCHKEY_CONFIG: file,
    OLD,
    NEW,
  });
  await cluster.url();
  const workers = await cluster.workers();
  const done = (message: string) => cluster.log().filter(({ msg }) => String(msg).startsWith(message));
  const READ = 'configuration reloaded';
  const statuses = async (token: string): Promise<Set<number>> => {
    const byWorker = await cluster.askEach(workers, WHO, token);
    expect([...byWorker.keys()].sort()).toEqual([...workers].sort());
    return new Set([...byWorker.values()].flat());
  };
  expect(await statuses(OLD)).toEqual(new Set([200]));

  writeFileSync(file, `${key('NEW')}tiers: { ENTERPRISE: { per_minute: 4000 } }\n`);
  cluster.child.process.kill('SIGHUP');
  // The primary and both workers.
  await until(() => done(READ).length === 3);
  expect(await statuses(OLD)).toEqual(new Set([401]));
  expect(await statuses(NEW)).toEqual(new Set([200]));
  expect((await cluster.ask(WHO, NEW)).headers['ratelimit-policy']).toBe('"burst";q=100;w=1, "rate";q=4000;w=60');

  // An invalid file reaches no worker.
  writeFileSync(file, 'rolls: {}');
  cluster.child.process.kill('SIGHUP');
  await until(() => done('reload failed; keeping the previous configuration').length === 1);
  expect(done('reload failed; keeping the previous configuration')[0].pid).toBe(cluster.child.process.pid);
  expect(await statuses(NEW)).toEqual(new Set([200]));
  expect(done(READ)).toHaveLength(3);
});

test('SIGHUP renames, adds and removes tiers in all workers', async () => {
  const installed = place();
  const file = join(installed.DATA_DIR ?? '', 'latchkey.yaml');
  writeFileSync(file, '{}');
  const cluster = startCluster(['--workers', '2'], { ...installed, CONFIG_WATCH: 'off', LATCHKEY_CONFIG: file });
  await cluster.url();
  const [workers, token] = [await cluster.workers(), await cluster.admin()];
  const QUERY =
    '{ __type(name: "Tier") { enumValues { name } } viewer { limits { tier rate { limit } } } tiers { tier } }';
  /** Returns the response of each worker. */
  const answers = async (): Promise<unknown[]> => {
    const found = new Map<number, unknown>();
    for (let i = 0; i < 40 && found.size < workers.length; i++) {
      const answer = await cluster.ask(QUERY, token);
      found.set(await cluster.servedBy(answer), answer.body.data);
    }
    return [...found.values()];
  };
  const expected = (tier: string, limit: number, names: readonly string[]) => ({
    __type: { enumValues: names.map((name) => ({ name })) },
    viewer: { limits: { tier, rate: { limit } } },
    tiers: names.map((name) => ({ tier: name })),
  });
  const published = expected('ENTERPRISE', 5_000, ['FREE_TRIAL', 'STARTER', 'GROWTH', 'PROFESSIONAL', 'ENTERPRISE']);
  expect(await answers()).toEqual([published, published]);

  const reloads = () => cluster.log().filter(({ msg }) => msg === 'configuration reloaded').length;
  writeFileSync(
    file,
    'tiers: { FREE_TRIAL: removed, MAX: { was: ENTERPRISE, per_minute: 4000 }, BEYOND: { from: MAX, per_minute: 8000 } }',
  );
  cluster.child.process.kill('SIGHUP');
  await until(() => reloads() === 3);
  const renamed = expected('MAX', 4_000, ['STARTER', 'GROWTH', 'PROFESSIONAL', 'MAX', 'BEYOND']);
  expect(await answers()).toEqual([renamed, renamed]);
  const { headers } = await cluster.ask(QUERY, token);
  expect(headers['ratelimit-policy']).toBe('"burst";q=100;w=1, "rate";q=4000;w=60');

  // The stored name was not rewritten, so the workspace has its tier again.
  writeFileSync(file, 'published_tiers: false\ntiers: { SOLE: { from: GROWTH, per_minute: 300 }, ENTERPRISE: {} }\n');
  cluster.child.process.kill('SIGHUP');
  await until(() => reloads() === 6);
  const back = expected('ENTERPRISE', 5_000, ['SOLE', 'ENTERPRISE']);
  expect(await answers()).toEqual([back, back]);
});

test('a worker that replaces another serves the same schema, even if the file has changed', async () => {
  const installed = place();
  const file = join(installed.DATA_DIR ?? '', 'latchkey.yaml');
  writeFileSync(file, 'demo: false\n');
  const cluster = startCluster(['--workers', '2'], { ...installed, CONFIG_WATCH: 'off', LATCHKEY_CONFIG: file });
  await cluster.url();
  const first = await cluster.workers();
  writeFileSync(file, 'demo: true\n');
  process.kill(first[0] ?? 0, 'SIGKILL');
  const workers = (await cluster.workers(3)).filter((pid) => pid !== first[0]);
  const asked = await cluster.askEach(workers, '{ assets { nodes { name } } }', await cluster.admin());
  expect([...asked.keys()].sort()).toEqual([...workers].sort());
  expect(new Set([...asked.values()].flat())).toEqual(new Set([400]));
});
