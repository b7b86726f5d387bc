import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { MAIN, runFile, type Child } from '../support/child.js';
import { Closing } from './closing.js';
import { startProxy, type TestProxy } from '../support/proxy.js';
import { OPERATOR_KEY } from '../support/service.js';

/** One request over HTTP. Times are of this machine's monotonic clock. */
export interface Reply {
  readonly sent: number;
  readonly received: number;
  /** 0 if there was no response. */
  readonly status: number;
  readonly retryAfter: string | undefined;
  // oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into answers freely.
  readonly body: any;
}

/** The built program, which reaches Redis and the engine through its own proxies. */
export interface Member {
  readonly origin: string;
  readonly child: Child;
  readonly redis: TestProxy | null;
  readonly engine: TestProxy | null;
  ask(query: string, token?: string): Promise<Reply>;
}

export interface FleetOptions {
  readonly size?: number;
  /** Port of a Redis on loopback. */
  readonly redis?: number;
  /** Address of an engine on loopback, with a database. Default: SQLite. */
  readonly engine?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Tiers in YAML, in addition to those of {@link WINDOWS}. Default: none. */
  readonly tiers?: string;
}

/**
 * The limits of keys in a workspace of each tier. A test reaches both windows of STARTER, and the one-second window of
 * ENTERPRISE.
 */
export const WINDOWS = { STARTER: { rate: 90, burst: 25 }, ENTERPRISE: { rate: 5_000, burst: 100 } };

const CONFIGURATION = `
tiers:
  STARTER: { keys: unlimited, per_minute: 90, per_second: 25 }
  ENTERPRISE: { keys: unlimited, per_minute: 5000, per_second: 100 }
  GROWTH: { keys: unlimited, per_minute: 1000000, per_second: 100000 }
  KEY_CREATION: { per_minute: 1000000, per_second: 100000 }
`;

/** Processes on one store. */
export class Fleet {
  readonly #members: Member[] = [];
  readonly #launch: () => Promise<Member>;
  readonly #closing: Closing;

  private constructor(launch: () => Promise<Member>, closing: Closing) {
    this.#launch = launch;
    this.#closing = closing;
  }

  static async start(options: FleetOptions): Promise<Fleet> {
    const closing = new Closing();
    try {
      const fleet = new Fleet(launcher(options, closing), closing);
      for (let i = 0; i < (options.size ?? 3); i += 1) fleet.#members.push(await fleet.#launch());
      return fleet;
    } catch (error) {
      await closing.close();
      throw error;
    }
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  /** Kills a member (SIGKILL), and starts another process in its place. */
  async replace(i: number): Promise<void> {
    const at = i % this.#members.length;
    await this.member(at).child.stop('SIGKILL');
    this.#members[at] = await this.#launch();
  }

  /** Returns the member with this number, modulo their count. */
  member(i: number): Member {
    const member = this.members[i % this.members.length];
    if (member === undefined) throw new Error('The fleet has no members.');
    return member;
  }

  /** Creates a workspace. @returns its admin key's token */
  async tenant(tier: string): Promise<string> {
    const { body } = await this.member(0).ask(
      `mutation { createWorkspace(input: { name: "${tier}", tier: ${tier} }) { token } }`,
    );
    if (body?.data?.createWorkspace == null) throw new Error(`The workspace was not created: ${JSON.stringify(body)}`);
    return body.data.createWorkspace.token;
  }

  async close(): Promise<void> {
    await this.#closing.close();
  }
}

/** Returns a function that starts a process of the fleet. */
function launcher({ redis, engine, env = {}, tiers = '' }: FleetOptions, closing: Closing): () => Promise<Member> {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-chaos-'));
  closing.add(() => rmSync(dir, { recursive: true, force: true }));
  const configuration = join(dir, 'latchkey.yaml');
  writeFileSync(configuration, `${CONFIGURATION}${tiers}`);
  return async () => {
    const [toRedis, toEngine] = [await proxyTo(redis), await proxyTo(engine && Number(new URL(engine).port))];
    const child = runFile(MAIN, {
      PORT: '0',
      DATA_DIR: dir,
      LATCHKEY_CONFIG: configuration,
      DEFAULT_TIER: 'GROWTH',
      BCRYPT_COST: '4',
      LOG_LEVEL: 'warn',
      ADMIN_API_KEY: OPERATOR_KEY,
      KEY_PEPPER: 'a-pepper-of-tests-which-is-long-enough',
      ...(toRedis && { REDIS_URL: `redis://127.0.0.1:${toRedis.port}` }),
      ...(engine !== undefined && toEngine && { MONGODB_URI: through(engine, toEngine) }),
      ...env,
    });
    closing.add(() => Promise.all([child.stop('SIGKILL'), toRedis?.close(), toEngine?.close()]));
    const [, origin = ''] = await child.waitFor(/listens on (http:\S+)\/graphql/);
    const agent = new Agent({ keepAlive: true });
    closing.add(() => agent.destroy());
    const ask: Member['ask'] = (query, token = OPERATOR_KEY) => send(`${origin}/graphql`, agent, query, token);
    return { origin, child, redis: toRedis, engine: toEngine, ask };
  };
}

async function proxyTo(port: number | undefined | ''): Promise<TestProxy | null> {
  return typeof port === 'number' ? startProxy(port) : null;
}

function through(engine: string, { port }: TestProxy): string {
  const uri = new URL(engine);
  uri.port = String(port);
  uri.searchParams.set('directConnection', 'true');
  return uri.toString();
}

/** Sends an operation by POST. Also resolves if there is no response. */
function send(url: string, agent: Agent, query: string, token: string): Promise<Reply> {
  const sent = performance.now();
  return new Promise((resolve) => {
    const done = (status: number, retryAfter: string | undefined, body: unknown): void =>
      resolve({ sent, received: performance.now(), status, retryAfter, body });
    const broken = (error: Error): void => done(0, undefined, String(error));
    const asking = request(url, {
      method: 'POST',
      agent,
      timeout: 30_000,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    });
    asking.on('timeout', () => asking.destroy(new Error('There was no answer.')));
    asking.on('error', broken);
    asking.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', broken);
      response.on('end', () => done(response.statusCode ?? 0, response.headers['retry-after'], parsed(text)));
    });
    asking.end(JSON.stringify({ query }));
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
