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
  /** The arguments of the program. */
  readonly args: readonly string[];
  child: Child;
  isReady: boolean;
}

/** Servers on one store, and clients that send each request to the next server that is ready, without retries. */
export class Deployment {
  readonly servers: Server[] = [];
  readonly failures: string[] = [];
  answered = 0;
  readonly #dir = mkdtempSync(join(tmpdir(), 'latchkey-rolling-'));
  readonly #children: Child[] = [];
  readonly #env: Record<string, string>;
  readonly #args: readonly string[];
  readonly #clients: readonly Caller[];
  #turn = 0;
  #isLoaded = false;
  #isOver = false;

  /** @param args of each server that is started without its own */
  constructor(
    clients: Caller | readonly Caller[],
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ) {
    const configuration = join(this.#dir, 'latchkey.yaml');
    // Limits are tested elsewhere.
    writeFileSync(configuration, 'tiers: { ENTERPRISE: { per_minute: 1000000, per_second: 100000 } }');
    const uri = freshMongoUri();
    this.#clients = [clients].flat();
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
    await this.startWith(Array.from({ length: size }, () => this.#args));
  }

  /** Starts a server with each list of arguments. */
  async startWith(lists: readonly (readonly string[])[]): Promise<void> {
    for (const args of lists) this.servers.push({ ...(await this.#start(args)), args, isReady: false });
    for (const server of this.servers) void this.#probe(server);
    await until(() => this.servers.every(({ isReady }) => isReady));
  }

  /**
   * Sends requests from several callers until `work` is done. Each client gets an equal share of the callers.
   *
   * @param pause of a caller between two requests, in ms
   */
  async during(callers: number, work: () => Promise<void>, pause = 2): Promise<void> {
    this.#isLoaded = true;
    const loads = Array.from({ length: callers }, (_, i) => this.#load(i % this.#clients.length, pause));
    try {
      await work();
    } finally {
      this.#isLoaded = false;
      await Promise.all(loads);
    }
  }

  async restart(server: Server): Promise<void> {
    const code = await server.child.stop('SIGTERM');
    expect({ code, stderr: server.child.output().stderr }).toEqual({ code: 0, stderr: '' });
    server.isReady = false;
    server.child = (await this.#start(server.args, server.port)).child;
    await until(() => server.isReady);
  }

  /** Ends all that was started. */
  close(): void {
    this.#isOver = true;
    for (const client of this.#clients) client.close();
    for (const child of this.#children) child.process.kill('SIGKILL');
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async #start(args: readonly string[], port = 0): Promise<{ child: Child; port: number }> {
    const child = runFile(MAIN, { ...this.#env, PORT: String(port) }, [], args);
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

  async #load(client: number, pause: number): Promise<void> {
    while (this.#isLoaded) {
      const ready = this.servers.filter(({ isReady }) => isReady);
      // As load balancers do, since a probe can fail with the worker that answers it.
      const used = ready.length > 0 ? ready : this.servers;
      this.#turn += 1;
      const server = used[this.#turn % used.length];
      if (server !== undefined) await this.#send(client, server);
      await delay(pause);
    }
  }

  async #send(client: number, { port, args }: Server): Promise<void> {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${OPERATOR_KEY}` };
    const who = `client ${client} of main.js ${args.join(' ')}`;
    try {
      const status = await this.#clients[client]?.post(port, '/graphql', headers, BODY);
      if (status === 200) this.answered += 1;
      else this.failures.push(`${who}: ${status}`);
    } catch (error) {
      this.failures.push(`${who}: ${String(error)}`);
    }
  }
}
