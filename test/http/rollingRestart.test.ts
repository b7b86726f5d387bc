import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MAIN, runFile, type Child } from '../support/child.js';
import { freshMongoUri, OPERATOR_KEY } from '../support/service.js';
import { until } from '../support/until.js';

/** How often a load balancer asks /readyz, in ms. */
const PROBE_EVERY = 100;

const BODY = JSON.stringify({ query: '{ viewer { scopes } }' });

interface Server {
  readonly port: number;
  child: Child;
  isReady: boolean;
}

const dirs: string[] = [];
const children: Child[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.process.kill('SIGKILL');
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

/** Servers on one store, and a client that sends each request to the next one that is ready, without retries. */
class Deployment {
  readonly servers: Server[] = [];
  readonly failures: string[] = [];
  answered = 0;
  readonly #env: Record<string, string>;
  readonly #args: readonly string[];
  readonly #agent: Agent;
  #turn = 0;
  #isOver = false;

  constructor(agent: Agent, args: readonly string[] = []) {
    const dir = mkdtempSync(join(tmpdir(), 'latchkey-rolling-'));
    dirs.push(dir);
    const configuration = join(dir, 'latchkey.yaml');
    // Limits are tested elsewhere.
    writeFileSync(configuration, 'tiers: { ENTERPRISE: { per_minute: 1000000, per_second: 100000 } }');
    const uri = freshMongoUri();
    this.#agent = agent;
    this.#args = args;
    this.#env = {
      DATA_DIR: dir,
      LATCHKEY_CONFIG: configuration,
      DEFAULT_TIER: 'ENTERPRISE',
      ADMIN_API_KEY: OPERATOR_KEY,
      BCRYPT_COST: '4',
      LOG_LEVEL: 'silent',
      SHUTDOWN_DELAY: '3000',
      ...(uri !== undefined && { MONGODB_URI: uri }),
    };
  }

  async start(port = 0): Promise<{ child: Child; port: number }> {
    const child = runFile(MAIN, { ...this.#env, PORT: String(port) }, [], this.#args);
    children.push(child);
    const [, url = ''] = await child.waitFor(/listens on (\S+)/);
    return { child, port: Number(new URL(url).port) };
  }

  async startAll(size: number): Promise<void> {
    for (let i = 0; i < size; i += 1) this.servers.push({ ...(await this.start()), isReady: false });
    for (const server of this.servers) void this.#probe(server);
    await until(() => this.servers.every(({ isReady }) => isReady));
  }

  /** Sends requests from so many callers until `work` is done. */
  async during(callers: number, work: () => Promise<void>): Promise<void> {
    const loads = Array.from({ length: callers }, () => this.#load());
    await work();
    this.#isOver = true;
    await Promise.all(loads);
    this.#agent.destroy();
  }

  async restart(server: Server): Promise<void> {
    const code = await server.child.stop('SIGTERM');
    expect({ code, stderr: server.child.output().stderr }).toEqual({ code: 0, stderr: '' });
    server.isReady = false;
    server.child = (await this.start(server.port)).child;
    await until(() => server.isReady);
  }

  async #probe(server: Server): Promise<void> {
    while (!this.#isOver) {
      server.isReady = await fetch(`http://127.0.0.1:${server.port}/readyz`).then(
        async (response) => (await response.text(), response.ok),
        () => false,
      );
      await delay(PROBE_EVERY);
    }
  }

  async #load(): Promise<void> {
    while (!this.#isOver) {
      const ready = this.servers.filter(({ isReady }) => isReady);
      this.#turn += 1;
      const server = ready[this.#turn % ready.length];
      if (server === undefined) this.failures.push('no server is ready');
      else await this.#send(server.port);
      await delay(2);
    }
  }

  #send(port: number): Promise<void> {
    return new Promise((resolve) => {
      const fail = (error: Error): void => {
        this.failures.push(String(error));
        resolve();
      };
      const sent = request({
        ...{ port, host: '127.0.0.1', path: '/graphql', method: 'POST', agent: this.#agent },
        headers: { 'content-type': 'application/json', authorization: `Bearer ${OPERATOR_KEY}` },
      });
      sent.on('error', fail);
      sent.on('response', (response) => {
        response.on('error', fail).resume();
        response.on('end', () => {
          if (response.statusCode === 200) this.answered += 1;
          else this.failures.push(String(response.statusCode));
          resolve();
        });
      });
      sent.end(BODY);
    });
  }
}

describe('X2: a rolling restart under load fails no request', () => {
  test.each([
    ['on kept connections', true, []],
    ['on a connection for each request', false, []],
    ['on kept connections, with workers', true, ['--workers', '2']],
  ])('%s', async (_, keepAlive, args) => {
    const deployment = new Deployment(new Agent({ keepAlive }), args);
    await deployment.startAll(2);
    await deployment.during(8, async () => {
      for (const server of deployment.servers) await deployment.restart(server);
    });
    expect(deployment.failures).toEqual([]);
    expect(deployment.answered).toBeGreaterThan(100);
  });

  test('of one process that rereads its configuration on SIGHUP', async () => {
    const deployment = new Deployment(new Agent({ keepAlive: true }), ['--workers', '2']);
    await deployment.startAll(1);
    await deployment.during(8, async () => {
      for (let i = 0; i < 10; i += 1) {
        deployment.servers[0]?.child.process.kill('SIGHUP');
        await delay(50);
      }
    });
    expect(deployment.failures).toEqual([]);
  });
});
