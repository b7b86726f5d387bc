import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { post, type Asked } from '../../support/post.js';
import { until } from '../../support/until.js';
import { isAlive, place, removeAll, startCluster, type Cluster } from './installation.js';

const WHO = '{ viewer { scopes } }';

const dirs: string[] = [];
afterAll(async () => {
  await removeAll();
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

async function started(env: Readonly<Record<string, string>> = {}): Promise<{ cluster: Cluster; admin: string }> {
  const cluster = startCluster(['--workers', '2'], { ...place(), ...env });
  return { cluster, admin: await cluster.admin() };
}

describe('X3: the listening socket stays with the primary', () => {
  let cluster: Cluster;
  let admin: string;
  beforeAll(async () => {
    const dir = mkdtempSync(join(tmpdir(), 'latchkey-unlimited-'));
    dirs.push(dir);
    const file = join(dir, 'latchkey.yaml');
    writeFileSync(file, 'tiers: { ENTERPRISE: { per_minute: 1000000, per_second: 100000 } }');
    ({ cluster, admin } = await started({ LATCHKEY_CONFIG: file }));
  });

  /** Returns the two workers once both are ready. Each test kills some, and the primary replaces them. */
  const running = (): Promise<readonly [number, number]> =>
    until(async () => {
      const [one, other, ...more] = (await cluster.workers()).filter(isAlive);
      return one !== undefined && other !== undefined && more.length === 0 && ([one, other] as const);
    });
  const kill = async (pid: number): Promise<void> => {
    process.kill(pid, 'SIGKILL');
    await until(() => !isAlive(pid));
  };

  it('a worker that hangs gets one connection, and the other worker gets all others', async () => {
    const url = new URL('/healthz', await cluster.url());
    const [frozen] = await running();
    process.kill(frozen, 'SIGSTOP');
    const statuses: number[] = [];
    const asked = Array.from({ length: 50 }, async () =>
      statuses.push((await fetch(url, { headers: { connection: 'close' } })).status),
    );
    await until(() => statuses.length >= 49);
    process.kill(frozen, 'SIGCONT');
    await Promise.all(asked);
    expect(statuses).toEqual(Array(50).fill(200));
  });

  it('killing each of two workers costs at most the requests in flight', async () => {
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
        await delay(30);
      }
    });
    for (let i = 0; i < 2; i += 1) {
      // The older one, because a worker that ended early is replaced later each time.
      const [victim] = await running();
      const { length } = await cluster.workers();
      process.kill(victim, 'SIGKILL');
      await cluster.workers(length + 1);
    }
    isOver = true;
    await Promise.all(callers);
    expect(failures.length).toBeLessThanOrEqual(2 * CALLERS);
    expect(answered).toBeGreaterThan(50);
  });

  it('another worker gets a connection that a killed worker had not accepted', async () => {
    const [frozen, other] = await running();
    process.kill(frozen, 'SIGSTOP');
    // Every second one goes to the worker that hangs.
    const asked = Array.from({ length: 10 }, () => cluster.ask(WHO, admin));
    await delay(200);
    await kill(frozen);
    const answers = await Promise.all(asked);
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(new Set(await Promise.all(answers.map((answer) => cluster.servedBy(answer))))).toContain(other);
  });

  it('the next worker responds to requests that arrive while no worker is running', async () => {
    const before = await cluster.workers(3);
    await Promise.all((await running()).map(kill));
    const answers: Asked[] = await Promise.all(Array.from({ length: 20 }, () => cluster.ask(WHO, admin)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(await cluster.workers(before.length + 2)).toHaveLength(before.length + 2);
    expect(cluster.child.process.exitCode).toBeNull();
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
