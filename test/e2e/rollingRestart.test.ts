import { setTimeout as delay } from 'node:timers/promises';
import { nodeCaller, socketCaller, type Caller } from '../support/callers.js';
import { Deployment } from '../support/deployment.js';

/** The pause of each caller in ms. 200 requests a second are enough, and leave the other tests a core. */
const PAUSE = 40;

// `npm run test:chaos -- rolling` does the same with three processes, ten times, and more clients.

let deployment: Deployment;
afterEach(() => deployment.close());

describe('X2: a rolling restart under load fails no request', () => {
  test.each<[string, () => Caller, string[]]>([
    ['on kept connections', () => nodeCaller(true), []],
    ['on a connection for each request', () => nodeCaller(false), []],
    ['on kept connections, with workers', () => socketCaller(), ['--workers', '2']],
  ])('%s', async (_, caller, args) => {
    deployment = new Deployment(caller(), args);
    await deployment.startAll(2);
    await deployment.during(
      8,
      async () => {
        for (const server of deployment.servers) await deployment.restart(server);
      },
      PAUSE,
    );
    expect(deployment.failures).toEqual([]);
    expect(deployment.answered).toBeGreaterThan(100);
  });

  test('of one process that reloads its configuration on SIGHUP', async () => {
    deployment = new Deployment(nodeCaller(true), ['--workers', '2']);
    await deployment.startAll(1);
    await deployment.during(
      8,
      async () => {
        for (let i = 0; i < 10; i += 1) {
          deployment.servers[0]?.child.process.kill('SIGHUP');
          await delay(50);
        }
      },
      PAUSE,
    );
    expect(deployment.failures).toEqual([]);
  });
});
