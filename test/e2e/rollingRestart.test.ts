import { setTimeout as delay } from 'node:timers/promises';
import { nodeCaller, socketCaller } from '../support/callers.js';
import { Deployment } from '../support/deployment.js';

/** Two callers of each client. */
const CALLERS = 6;
/** The pause of each caller in ms. 150 requests a second are enough, and leave one core for other tests. */
const PAUSE = 40;

// `npm run test:chaos -- rolling` does the same with three processes, ten times, and more clients.

/** A server of one process and one with workers. Each serves clients of each kind. */
let deployment: Deployment;
beforeAll(async () => {
  const onKeptConnections = [nodeCaller(true), socketCaller()];
  const onNewConnections = [nodeCaller(false)];
  deployment = new Deployment([...onKeptConnections, ...onNewConnections]);
  await deployment.startWith([[], ['--workers', '2']]);
});
afterAll(() => deployment.close());

test('X2: a reload of the configuration on SIGHUP under load fails no request', async () => {
  await deployment.during(
    CALLERS,
    async () => {
      for (let i = 0; i < 10; i += 1) {
        for (const { child } of deployment.servers) child.process.kill('SIGHUP');
        await delay(50);
      }
    },
    PAUSE,
  );
  expect(deployment.failures).toEqual([]);
});

test('X2: a rolling restart under load fails no request', async () => {
  const before = deployment.answered;
  await deployment.during(
    CALLERS,
    async () => {
      for (const server of deployment.servers) await deployment.restart(server);
    },
    PAUSE,
  );
  expect(deployment.failures).toEqual([]);
  expect(deployment.answered - before).toBeGreaterThan(100);
});
