import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { OPTIONS } from '../../../src/server/settings/options.js';
import { USAGE } from '../../../src/server/settings/arguments.js';
import { begin } from '../../support/post.js';
import { until } from '../../support/until.js';
import { endOf, isAlive, place, removeAll, startCluster } from './installation.js';

const PORT_IN_USE =
  /^The server did not start\. PORT is \d+, which is in use\. Stop the process that uses it, or set PORT to another port \(0 picks a free one\)\.\n$/;

const WHO = '{ viewer { scopes } }';

afterAll(removeAll);

/** Returns whether nothing listens there. */
async function refuses(url: string): Promise<boolean> {
  return fetch(url).then(
    () => false,
    () => true,
  );
}

test('two workers serve on one port; the first key is printed once; SIGTERM waits for running requests, SIGKILL ends all', async () => {
  const installed = place();
  // The argument takes precedence: otherwise there would be five.
  const first = startCluster(['--workers', '2'], { ...installed, WORKERS: '5' });
  const url = await first.url();
  const admin = await first.admin();
  const workers = await first.workers();
  expect(new Set(workers).size).toBe(2);
  expect(workers).not.toContain(first.child.process.pid);
  const statuses = await first.askEach(workers, WHO, admin);
  expect([...statuses.keys()].sort()).toEqual([...workers].sort());
  expect(new Set([...statuses.values()].flat())).toEqual(new Set([200]));
  const { stdout, stderr } = first.child.output();
  expect(stdout.match(/Admin key:/g)).toHaveLength(1);
  expect(stdout.match(/Latchkey listens on/g)).toHaveLength(1);
  expect(stderr).not.toContain(admin);

  const running = await Promise.all([1, 2, 3, 4].map(() => begin(url, WHO, admin)));
  first.child.process.kill('SIGTERM');
  await until(() => refuses(url));
  const answers = await Promise.all(running.map((finish) => finish()));
  expect(answers.map(({ status, body }) => [status, body])).toEqual(
    Array(4).fill([200, { data: { viewer: { scopes: ['admin'] } } }]),
  );
  expect(new Set(await Promise.all(answers.map((answer) => first.servedBy(answer))))).toEqual(new Set(workers));
  expect(await endOf(first)).toBe(0);
  expect(workers.some(isAlive)).toBe(false);

  const second = startCluster([], { ...installed, WORKERS: '2' });
  expect((await second.ask(WHO, admin)).status).toBe(200);
  expect(await second.workers()).toHaveLength(2);
  expect(second.child.output().stdout).not.toMatch(/Admin key|lks_live_/);

  // kill -9 of the primary ends the workers, even busy ones.
  const again = await second.url();
  const busy = await Promise.all([1, 2].map(() => begin(again, WHO, admin)));
  second.child.process.kill('SIGKILL');
  expect(await endOf(second)).toBeNull();
  for (const finish of busy) await expect(finish()).rejects.toThrow();
  expect(await refuses(again)).toBe(true);
});

describe('a start that fails', () => {
  it("prints one line and leaves no process if a worker can't open the store", async () => {
    const { DATA_DIR = '', ...installed } = place();
    const file = join(DATA_DIR, 'file');
    writeFileSync(file, '');
    // A directory cannot be created below a file. With MongoDB, nothing listens at the address.
    const elsewhere = 'MONGODB_URI' in installed && { MONGODB_URI: 'mongodb://127.0.0.1:1/none' };
    const cluster = startCluster(['--workers', '2'], {
      DATA_DIR: join(file, 'data'),
      ...elsewhere,
      LOG_LEVEL: 'silent',
    });
    expect(await endOf(cluster)).toBe(1);
    const { stdout, stderr } = cluster.child.output();
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^The server did not start\. [^\n]+\n$/);
  });

  it('prints one line and stores nothing if the port is in use', async () => {
    const occupant = createServer().listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    const { port } = occupant.address() as AddressInfo;
    const installed = place();
    const failed = startCluster(['--workers', '2'], { ...installed, PORT: String(port), LOG_LEVEL: 'silent' });
    expect(await endOf(failed)).toBe(1);
    occupant.close();
    const { stdout, stderr } = failed.child.output();
    expect(stderr).toMatch(PORT_IN_USE);
    expect(stdout).toBe('');
    const next = startCluster([], installed);
    expect((await next.ask(WHO, await next.admin())).status).toBe(200);
  });

  const ALLOWED = `Allowed: ${OPTIONS.WORKERS.allowed}.\n`;
  test.each<[string[], Record<string, string>, string]>([
    [['--workers', '0'], {}, `--workers is "0", which is out of range. ${ALLOWED}`],
    [['--workers', 'abc'], {}, `--workers is "abc", which is neither a whole number nor auto. ${ALLOWED}`],
    [['--workers', '1000'], {}, `--workers is "1000", which is out of range. ${ALLOWED}`],
    [['--workers', '0'], { WORKERS: '2' }, `--workers is "0", which is out of range. ${ALLOWED}`],
    [[], { WORKERS: '0' }, `WORKERS is "0", which is out of range. ${ALLOWED}`],
    [[], { WORKERS: 'abc' }, `WORKERS is "abc", which is neither a whole number nor auto. ${ALLOWED}`],
    [[], { WORKERS: '1000' }, `WORKERS is "1000", which is out of range. ${ALLOWED}`],
    [['--works', '2'], {}, 'The argument "--works" is not known. Allowed: --workers N, --help.\n'],
  ])('%j with %j', async (args, env, line) => {
    const cluster = startCluster(args, { ...place(), ...env });
    expect(await endOf(cluster)).toBe(1);
    expect(cluster.child.output()).toEqual({ stdout: '', stderr: line });
  });
});

test('--help explains how to start, and starts nothing', async () => {
  const cluster = startCluster(['--help'], place());
  expect(await endOf(cluster)).toBe(0);
  expect(cluster.child.output()).toEqual({ stdout: USAGE, stderr: '' });
});
