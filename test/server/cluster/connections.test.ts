import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { post, type Asked } from '../../support/post.js';
import { until } from '../../support/until.js';
import { isAlive, place, removeAll, startCluster, type Cluster } from './installation.js';

const WHO = '{ viewer { scopes } }';

const dirs: string[] = [];
afterEach(async () => {
  await removeAll();
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

async function started(env: Readonly<Record<string, string>> = {}): Promise<{ cluster: Cluster; admin: string }> {
  const cluster = startCluster(['--workers', '2'], { ...place(), ...env });
  return { cluster, admin: await cluster.admin() };
}

describe('X3: the listening socket stays with the primary', () => {
  it('the next worker responds to requests that arrive while no worker is running', async () => {
    const { cluster, admin } = await started();
    const first = await cluster.workers();
    for (const pid of first) process.kill(pid, 'SIGKILL');
    await until(() => !first.some(isAlive));
    const answers: Asked[] = await Promise.all(Array.from({ length: 20 }, () => cluster.ask(WHO, admin)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(await cluster.workers(4)).toHaveLength(4);
    expect(cluster.child.process.exitCode).toBeNull();
  });

  it('another worker gets a connection that a killed worker had not accepted', async () => {
    const { cluster, admin } = await started();
    const [frozen = 0, other = 0] = await cluster.workers();
    process.kill(frozen, 'SIGSTOP');
    // Every second one goes to the worker that hangs.
    const asked = Array.from({ length: 10 }, () => cluster.ask(WHO, admin));
    await delay(200);
    process.kill(frozen, 'SIGKILL');
    const answers = await Promise.all(asked);
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(new Set(await Promise.all(answers.map((answer) => cluster.servedBy(answer))))).toContain(other);
  });

  it('a worker that hangs gets one connection, and the other worker gets all others', async () => {
    const { cluster } = await started();
    const url = new URL('/healthz', await cluster.url());
    const [frozen = 0] = await cluster.workers();
    process.kill(frozen, 'SIGSTOP');
    const statuses: number[] = [];
    const asked = Array.from({ length: 200 }, async () =>
      statuses.push((await fetch(url, { headers: { connection: 'close' } })).status),
    );
    await until(() => statuses.length >= 199);
    process.kill(frozen, 'SIGCONT');
    await Promise.all(asked);
    expect(statuses).toEqual(Array(200).fill(200));
  });

  it('killing one of two workers three times costs at most the requests in flight', async () => {
    const { cluster, admin } = await started();
    const url = await cluster.url();
    const CALLERS = 6;
    let isOver = false;
    let answered = 0;
    const failures: unknown[] = [];
    const callers = Array.from({ length: CALLERS }, async () => {
      while (!isOver) {
        await post(url, WHO, admin).then(
          () => (answered += 1),
          (error: unknown) => failures.push(error),
        );
        await delay(5);
      }
    });
    for (let i = 0; i < 3; i += 1) {
      const pids = await cluster.workers(2 + i);
      const victim = pids.findLast(isAlive) ?? 0;
      process.kill(victim, 'SIGKILL');
      await cluster.workers(3 + i);
    }
    isOver = true;
    await Promise.all(callers);
    expect(failures.length).toBeLessThanOrEqual(3 * CALLERS);
    expect(answered).toBeGreaterThan(100);
  });
});

describe('X3: a start', () => {
  it('continues if a worker is killed before it is ready', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'latchkey-killed-'));
    dirs.push(dir);
    const file = join(dir, 'kill.mjs');
    // Kills the first two workers when they start, as the kernel does when memory is short.
    writeFileSync(
      file,
      `import { existsSync, writeFileSync } from 'node:fs';
       const marker = ['one', 'two'].map((name) => ${JSON.stringify(dir)} + '/' + name).find((path) => !existsSync(path));
       if (process.connected && marker !== undefined) {
         writeFileSync(marker, '');
         process.kill(process.pid, 'SIGKILL');
       }`,
    );
    const { cluster, admin } = await started({ NODE_OPTIONS: `--import=${file}` });
    expect((await cluster.ask(WHO, admin)).status).toBe(200);
    expect(await cluster.workers()).toHaveLength(2);
    expect(cluster.log().filter(({ how }) => how === 'A worker ended by SIGKILL.')).toHaveLength(2);
  });
});
