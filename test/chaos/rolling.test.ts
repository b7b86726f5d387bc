import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from '../server/cluster/installation.js';
import { fetchCaller, nodeCaller, socketCaller, type Caller } from '../support/callers.js';
import { Deployment } from '../support/deployment.js';
import { until } from '../support/until.js';

const TIMES = Number(process.env.LATCHKEY_TEST_TIMES ?? 10);
const CALLERS = 8;

let deployment: Deployment;
afterEach(() => deployment.close());

function report(): void {
  const { answered, failures } = deployment;
  process.stdout.write(`${expect.getState().currentTestName}: ${answered} answered, ${failures.length} failed\n`);
}

const CLIENTS: [string, () => Caller][] = [
  ['raw sockets', () => socketCaller()],
  ['kept connections of node:http', () => nodeCaller(true)],
  ['a connection for each request', () => nodeCaller(false)],
  ['fetch', () => fetchCaller()],
];
const WITH: [string, string[]][] = [
  ['of one process each', []],
  ['with three workers each', ['--workers', '3']],
];

describe.each(WITH)('X2: rolling restarts of three servers %s under load fail no request', (_, args) => {
  test.each(CLIENTS)('by %s', async (_caller, caller) => {
    deployment = new Deployment(caller(), args);
    await deployment.startAll(3);
    await deployment.during(CALLERS, async () => {
      for (let i = 0; i < TIMES; i += 1)
        for (const server of deployment.servers) {
          await deployment.restart(server);
          // Waits until the process receives load again.
          const before = deployment.answered;
          await until(() => deployment.answered > before + 30);
        }
    });
    report();
    expect(deployment.failures).toEqual([]);
    expect(deployment.answered).toBeGreaterThan(TIMES * 100);
  });
});

test.each(CLIENTS)(
  'X2: SIGHUP to a primary with three workers under load fails no request by %s',
  async (_, caller) => {
    deployment = new Deployment(caller(), ['--workers', '3']);
    await deployment.startAll(1);
    await deployment.during(CALLERS, async () => {
      for (let i = 0; i < 10 * TIMES; i += 1) {
        deployment.servers[0]?.child.process.kill('SIGHUP');
        await delay(50);
      }
    });
    report();
    expect(deployment.failures).toEqual([]);
    expect(deployment.answered).toBeGreaterThan(TIMES * 10);
  },
);

test.each(CLIENTS)(
  'X3: kill -9 of one of three workers costs at most the requests in flight by %s',
  async (_, caller) => {
    deployment = new Deployment(caller(), ['--workers', '3'], { LOG_LEVEL: 'info' });
    await deployment.startAll(1);
    const workers = (): number[] =>
      (deployment.servers[0]?.child.output().stderr ?? '')
        .split('\n')
        .filter((line) => line.includes('"the worker is ready"'))
        .map((line) => Number(JSON.parse(line).pid));
    await until(() => workers().length === 3);
    await deployment.during(CALLERS, async () => {
      for (let i = 0; i < TIMES; i += 1) {
        const [before, failed] = [deployment.answered, deployment.failures.length];
        await until(() => deployment.answered > before + 30);
        const alive = workers().filter(isAlive);
        process.kill(alive[i % alive.length] ?? 0, 'SIGKILL');
        await until(() => workers().length === 4 + i);
        await delay(200);
        // The connections with a running request.
        expect(deployment.failures.length - failed).toBeLessThanOrEqual(CALLERS);
      }
    });
    report();
    expect(deployment.answered).toBeGreaterThan(TIMES * 30);
  },
);
