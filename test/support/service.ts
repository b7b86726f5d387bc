import { setTimeout } from 'node:timers/promises';
import { mkdtempSync, rmSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection } from 'mongoose';
import { pino } from 'pino';
import type { UnreadOptions } from '../../src/server/http/unreadResponses.js';
import { composeService, type Service } from '../../src/server/compose.js';
import type { Demo } from '../../src/demo/demo.js';
import type { TierTable } from '../../src/core/limits/tiers.js';
import { readSettings } from '../../src/server/settings/settings.js';
import { send, type Sent } from './send.js';
import { openServiceStore, openServiceStoreHere } from './storeHere.js';

/** A parsed GraphQL response over HTTP. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // Tests read any property of a response; a missing one fails the test.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

export interface TestService {
  /** `http://127.0.0.1:<port>`, without a slash. */
  readonly origin: string;
  readonly url: string;
  readonly service: Service;
  /** The first admin key's token; empty if the service was started with ADMIN_API_KEY. */
  readonly adminToken: string;
  /** All log lines. */
  readonly logs: readonly string[];
  /** Sends an operation by POST. With `token` null, sends no credential. */
  query(
    query: string,
    options?: { variables?: object; token?: string | null; headers?: Record<string, string> },
  ): Promise<Answer>;
  close(): Promise<void>;
}

export interface TestServiceOptions {
  /** As in the environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly now?: () => number;
  /** How long running requests may take when the service closes, in ms. */
  readonly drainTime?: number;
  /** The bounds of responses that clients don't read. */
  readonly unread?: UnreadOptions;
  /** Default: the published table. */
  readonly tiers?: TierTable;
  /** Uses the directory of an earlier service, and doesn't delete it. */
  readonly dataDir?: string;
  /**
   * Whether SQLite runs in threads, as in every service, for tests of concurrent operations and of faults of the store. The threads take
   * more CPU time to start than the service itself. Default: only with `dataDir`, because several services may use it at the same time.
   */
  readonly storeThreads?: boolean;
}

/** Returns the built-in domain of a service. @throws Error if the service was started without it */
export function demoOf({ service }: Pick<TestService, 'service'>): Demo {
  if (service.demo === null) throw new Error('The service has no built-in domain.');
  return service.demo;
}

/** Returns a MongoDB address with a new database if MONGODB_URI is set; else undefined, for SQLite. */
export function freshMongoUri(): string | undefined {
  const base = process.env.MONGODB_URI;
  if (base === undefined) return undefined;
  const uri = new URL(base);
  uri.pathname = `/latchkey_test_${randomBytes(6).toString('hex')}`;
  return uri.toString();
}

/**
 * The databases of services that were closed, without documents, for the next services of this file. Creating the
 * collections and indexes takes an engine much longer than emptying them.
 */
const emptied: string[] = [];
/** Forget the closed services. The modules of a test file stay in memory, and would keep the schema and the caches of each. */
const forgetting: (() => void)[] = [];
/** Whether the tests of this file have ended. Its own afterAll follows. */
let isOver = false;
afterAll(async () => {
  isOver = true;
  for (const forget of forgetting.splice(0)) forget();
  for (const uri of emptied.splice(0)) await onDatabase(uri, (connection) => connection.dropDatabase());
});

/**
 * Starts the whole service on a free port of loopback, with SQLite in a new directory (see `storeThreads`) or, with MONGODB_URI, an empty
 * database. bcrypt has its lowest cost, so that tests are fast.
 */
export async function startService(options: TestServiceOptions = {}): Promise<TestService> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'latchkey-'));
  const mongodbUri = emptied.pop() ?? freshMongoUri();
  const logs: string[] = [];
  const read = readSettings({
    PORT: '0',
    DATA_DIR: dataDir,
    BCRYPT_COST: '4',
    LOG_LEVEL: 'debug',
    INTROSPECTION: 'on',
    ...(mongodbUri !== undefined && { MONGODB_URI: mongodbUri }),
    ...options.env,
  });
  // Tests come from one network and create many keys at once. Tests of these limits pass their own table.
  const { ANONYMOUS, KEY_CREATION } = read.configuration.tiers;
  const most = { rate: 1e6, burst: 1e6 };
  const unlimited = { ANONYMOUS: { ...ANONYMOUS, ...most }, KEY_CREATION: { ...KEY_CREATION, ...most } };
  const { tiers = { ...read.configuration.tiers, ...unlimited } } = options;
  const settings = { ...read, configuration: { ...read.configuration, tiers } };
  const logger = pino({ level: settings.logLevel, base: null }, { write: (line: string) => void logs.push(line) });
  const { now, drainTime, unread, storeThreads = options.dataDir !== undefined } = options;
  let service: Service | null = await composeService(settings, logger, {
    ...(now !== undefined && { now }),
    ...(drainTime !== undefined && { drainTime }),
    ...(unread !== undefined && { unread }),
    open: storeThreads ? openServiceStore : openServiceStoreHere,
  });
  const origin = await service.server.listen({ port: 0, host: '127.0.0.1' });
  const url = `${origin}/graphql`;
  const agent = new Agent({ keepAlive: true });
  const adminToken = service.latchkey.firstKey?.token ?? '';
  return {
    origin,
    url,
    get service() {
      if (service === null) throw new Error('The service is closed, and its file has ended.');
      return service;
    },
    adminToken,
    logs,
    query: async (query, { variables, token = adminToken, headers = {} } = {}) =>
      parsed(
        await send(
          url,
          { ...(token !== null && { authorization: `Bearer ${token}` }), ...headers },
          JSON.stringify({ query, ...(variables !== undefined && { variables }) }),
          agent,
        ),
      ),
    async close() {
      await service?.close();
      if (settings.mongodbUri !== null) await leaveDatabase(settings.mongodbUri, settings.mongodbUri === mongodbUri);
      agent.destroy();
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
      const forget = (): void => void (service = null);
      if (isOver) forget();
      else forgetting.push(forget);
    },
  };
}

export async function answerOf(response: Response): Promise<Answer> {
  return parsed({ status: response.status, headers: response.headers, text: await response.text() });
}

function parsed(sent: Sent): Answer {
  let body: unknown = null;
  try {
    body = JSON.parse(sent.text);
  } catch {
    // Not JSON: use `text`.
  }
  return { ...sent, body };
}

/** Creates a key and returns its token and ID. @throws Error if it was refused */
export async function createKey(
  service: TestService,
  input: {
    name?: string;
    scopes?: string[];
    type?: string;
    environment?: string;
    expiresAt?: string;
    workspaceId?: string;
    projectId?: string;
    userId?: string;
    externalId?: string;
    allowedAddresses?: readonly string[];
    trustedDocuments?: readonly string[];
  } = {},
  token = service.adminToken,
): Promise<{ token: string; id: string }> {
  const create = () =>
    service.query('mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { token apiKey { id } } }', {
      variables: { input: { name: 'test', scopes: ['read:assets'], ...input } },
      token,
    });
  let { body } = await create();
  // A fast machine creates many keys faster than the tier of a workspace allows.
  for (let i = 0; i < 3 && body.errors?.[0]?.extensions.code === 'RATE_LIMITED'; i += 1) {
    await setTimeout(body.errors[0].extensions.retryAfter * 1_000);
    ({ body } = await create());
  }
  const created = body.data?.createApiKey;
  if (created == null) throw new Error(`The key was not created: ${JSON.stringify(body)}`);
  return { token: created.token, id: created.apiKey.id };
}

/** An operator's key for tests, which can't be mistaken for a real one. */
export const OPERATOR_KEY = 'test-operator-key-0123456789-not-a-real-one';

/** @param isOwn whether no other service was given the database */
async function leaveDatabase(uri: string, isOwn: boolean): Promise<void> {
  if (!isOwn || isOver) return onDatabase(uri, (connection) => connection.dropDatabase());
  await onDatabase(uri, async ({ db }) => {
    const collections = (await db?.collections()) ?? [];
    await Promise.all(collections.map((collection) => collection.deleteMany({})));
  });
  emptied.push(uri);
}

async function onDatabase(uri: string, work: (connection: Connection) => Promise<void>): Promise<void> {
  const { default: mongoose } = await import('mongoose');
  const connection = await mongoose.createConnection(uri).asPromise();
  await work(connection);
  await connection.close();
}
