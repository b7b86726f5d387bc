import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MAIN, runFile, type Child } from './child.js';
import type { Caller } from './callers.js';
import { freshMongoUri, OPERATOR_KEY } from './service.js';
import { until } from './until.js';

/** How often a load balancer asks /readyz, in ms. */
const PROBE_EVERY = 100;

const BODY = JSON.stringify({ query: '{ viewer { scopes } }' });

export interface Server {
  readonly port: number;
  child: Child;
  isReady: boolean;
}

/** Servers on one store, and a client that sends each request to the next one that is ready, without retries. */
export class Deployment {
  readonly servers: Server[] = [];
  readonly failures: string[] = [];
  answered = 0;
  readonly #dir = mkdtempSync(join(tmpdir(), 'latchkey-rolling-'));
  readonly #children: Child[] = [];
  readonly #env: Record<string, string>;
  readonly #args: readonly string[];
  readonly #caller: Caller;
  #turn = 0;
  #isOver = false;

  constructor(caller: Caller, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
    const configuration = join(this.#dir, 'latchkey.yaml');
    // Limits are tested elsewhere.
    writeFileSync(configuration, 'tiers: { ENTERPRISE: { per_minute: 1000000, per_second: 100000 } }');
    const uri = freshMongoUri();
    this.#caller = caller;
    this.#args = args;
    this.#env = {
      DATA_DIR: this.#dir,
      LATCHKEY_CONFIG: configuration,
      DEFAULT_TIER: 'ENTERPRISE',
      ADMIN_API_KEY: OPERATOR_KEY,
      BCRYPT_COST: '4',
      LOG_LEVEL: 'silent',
      SHUTDOWN_DELAY: '3000',
      ...(uri !== undefined && { MONGODB_URI: uri }),
      ...env,
    };
  }

  async startAll(size: number): Promise<void> {
    for (let i = 0; i < size; i += 1) this.servers.push({ ...(await this.#start()), isReady: false });
    for (const server of this.servers) void this.#probe(server);
    await until(() => this.servers.every(({ isReady }) => isReady));
  }

  /**
   * Sends requests from several callers until `work` is done.
   *
   * @param pause of a caller between two requests, in ms
   */
  async during(callers: number, work: () => Promise<void>, pause = 2): Promise<void> {
    const loads = Array.from({ length: callers }, () => this.#load(pause));
    try {
      await work();
    } finally {
      this.#isOver = true;
      await Promise.all(loads);
    }
  }

  async restart(server: Server): Promise<void> {
    const code = await server.child.stop('SIGTERM');
    expect({ code, stderr: server.child.output().stderr }).toEqual({ code: 0, stderr: '' });
    server.isReady = false;
    server.child = (await this.#start(server.port)).child;
    await until(() => server.isReady);
  }

  /** Ends all that was started. */
  close(): void {
    this.#isOver = true;
    this.#caller.close();
    for (const child of this.#children) child.process.kill('SIGKILL');
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async #start(port = 0): Promise<{ child: Child; port: number }> {
    const child = runFile(MAIN, { ...this.#env, PORT: String(port) }, [], this.#args);
    this.#children.push(child);
    const [, url = ''] = await child.waitFor(/listens on (\S+)/);
    return { child, port: Number(new URL(url).port) };
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

  async #load(pause: number): Promise<void> {
    while (!this.#isOver) {
      const ready = this.servers.filter(({ isReady }) => isReady);
      // As load balancers do, since a probe can fail with the worker that answers it.
      const used = ready.length > 0 ? ready : this.servers;
      this.#turn += 1;
      const server = used[this.#turn % used.length];
      if (server !== undefined) await this.#send(server.port);
      await delay(pause);
    }
  }

  async #send(port: number): Promise<void> {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${OPERATOR_KEY}` };
    try {
      const status = await this.#caller.post(port, '/graphql', headers, BODY);
      if (status === 200) this.answered += 1;
      else this.failures.push(String(status));
    } catch (error) {
      this.failures.push(String(error));
    }
  }
}
