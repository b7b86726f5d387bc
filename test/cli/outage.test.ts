import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { latchkey, PROGRAM } from './latchkey.js';
import { latchkeyInOneProcess } from './oneProcess.js';

const LIMIT = { limit: 500, remaining: 499, returnsIn: null, source: 'TIER' };
const VIEWER = {
  credential: { kind: 'API_KEY', id: 'key_1', apiKey: null },
  workspace: { id: 'ws_1', name: 'Data', tier: 'GROWTH' },
  project: null,
  scopes: ['admin'],
  limits: { tier: 'GROWTH', rate: LIMIT, burst: LIMIT, shared: [], quotas: [], credits: null, cost: null },
};

const KEY = {
  ...{
    id: 'key_1',
    workspaceId: 'ws_1',
    name: 'Airflow',
    source: 'CREATED',
    prefix: 'lks_live_Ab12Cd',
    type: 'SECRET',
  },
  ...{
    environment: 'LIVE',
    scopes: [],
    effectiveScopes: [],
    roles: [],
    project: null,
    user: null,
    externalId: null,
    allowedAddresses: [],
  },
  ...{ status: 'ACTIVE', createdAt: null, createdBy: null, createdByName: null, expiresAt: null, revokedAt: null },
  ...{ revokedReason: null, lastUsedAt: null, replaces: null, replacedBy: null, previousTokenLastUsedAt: null },
};

type Respond = (response: ServerResponse) => void;

const status =
  (code: number, fields: Record<string, string> = {}): Respond =>
  (response) =>
    void response.writeHead(code, fields).end();
const data = (value: object): Respond => json({ data: value });
const json =
  (value: object): Respond =>
  (response) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
const reset: Respond = (response) => void response.socket?.destroy();

const VIEWER_DATA = data({ viewer: VIEWER });

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

interface Failing {
  readonly env: Record<string, string>;
  readonly host: string;
  /** The number of requests with the key so far. */
  readonly requests: () => number;
}

/** A server that sends the given responses in order, and repeats the last one. */
async function failing(...responses: readonly Respond[]): Promise<Failing> {
  let requests = 0;
  const server = createServer((request, response) => {
    const respond = responses[Math.min(requests, responses.length - 1)];
    // Requests without a key look for the API at another path of the server.
    if (request.headers.authorization !== undefined) requests += 1;
    // The body is read first: a connection that is closed with unread data can end with a reset before the response.
    request.resume().on('end', () => respond?.(response));
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    env: { LATCHKEY_URL: `http://${host}/graphql`, LATCHKEY_API_KEY: 'lks_live_x' },
    host,
    requests: () => requests,
  };
}

/** A server at an address where nothing listens yet. */
async function stoppedServer(): Promise<Failing> {
  const server = await failing(VIEWER_DATA);
  const stopped = servers.at(-1);
  stopped?.close();
  if (stopped !== undefined) await once(stopped, 'close');
  return server;
}

const waiting = ({ host }: Failing, reason: string, seconds = 90): string =>
  `http://${host}/graphql (from LATCHKEY_URL) is unavailable (${reason}). Retrying for up to ${seconds} s (--max-wait).\n`;

const times = (count: number, respond: Respond): Respond[] => Array.from({ length: count }, () => respond);

describe('a query', () => {
  it('is repeated more than three times while the server is unavailable, and says so once', async () => {
    const errors = [{ message: 'No store.', path: ['viewer'], extensions: { code: 'UNAVAILABLE' } }];
    const failures: [string, Respond][] = [
      ['HTTP 503', status(503)],
      ['HTTP 502', status(502)],
      ['UND_ERR_SOCKET', reset],
      ['UNAVAILABLE', json({ data: { viewer: null }, errors })],
    ];
    const results = failures.map(async ([reason, failure]) => {
      const server = await failing(...times(4, failure), VIEWER_DATA);
      const { status: exit, stdout, stderr } = await latchkey(['whoami'], { env: server.env });
      expect(stderr).toBe(waiting(server, reason));
      expect([exit, stdout]).toEqual([0, expect.stringContaining('Data (ws_1)')]);
      expect(server.requests()).toBe(5);
    });
    await Promise.all(results);
  });

  it('ends at once if no server listens, and names the address, its setting and the next step', async () => {
    const first = await stoppedServer();
    const url = first.env.LATCHKEY_URL ?? '';
    for (const [args, setting] of [
      [['whoami'], 'LATCHKEY_URL'],
      [['whoami', '--url', url], '--url'],
      [['keys', 'create', 'a', '--scopes', 'read-only'], 'LATCHKEY_URL'],
      [['schema', 'print'], 'LATCHKEY_URL'],
    ] as const) {
      const before = performance.now();
      const { status: exit, stdout, stderr } = await latchkeyInOneProcess(args, { env: first.env });
      expect([args, exit, stdout]).toEqual([args, 6, '']);
      expect(stderr).toBe(
        `Connection refused: no server listens on ${first.host}. The address is ${url}, from ${setting}. Start the server ` +
          `(latchkey serve, or npm start in a clone), or set ${setting} to the address of a running server. If the server is ` +
          'still starting, wait for it with --max-wait.\n',
      );
      // The default of --max-wait.
      expect(performance.now() - before).toBeLessThan(60_000);
    }
  });

  it('waits for a server that is restarted between two requests of a command', async () => {
    const page = (hasNextPage: boolean): Respond =>
      data({ apiKeys: { nodes: [KEY], totalCount: 2, pageInfo: { hasNextPage, endCursor: 'c' } } });
    const first = await failing((response) => {
      page(true)(response);
      const [server] = servers as [Server];
      server.close();
      server.closeIdleConnections();
      response.on('close', () => setTimeout(() => server.listen(Number(first.host.split(':')[1]), '127.0.0.1'), 1_000));
    }, page(false));
    const { status: exit } = await latchkey(['keys', 'list'], { env: first.env });
    expect([exit, first.requests()]).toEqual([0, 2]);
  });

  it('reaches a server that starts later with --max-wait', async () => {
    const first = await stoppedServer();
    const [stopped] = servers.splice(0) as [Server];
    const args = [PROGRAM, 'whoami', '--max-wait', '80'];
    const child = spawn(process.execPath, args, { env: { PATH: process.env.PATH, ...first.env } });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      if (stopped.listening) return;
      stopped.listen(Number(first.host.split(':')[1]), '127.0.0.1');
      servers.push(stopped);
    });
    const [exit] = await once(child, 'close');
    expect(stderr).toBe(waiting(first, 'ECONNREFUSED', 80));
    expect([exit, first.requests()]).toEqual([0, 1]);
  });

  it('ends with the last error when --max-wait is used up', async () => {
    const server = await failing(status(503));
    const { status: exit, stdout, stderr } = await latchkey(['whoami', '--max-wait', '4'], { env: server.env });
    expect(stderr).toBe(`${waiting(server, 'HTTP 503', 4)}The server responded with HTTP 503.\n`);
    expect([exit, stdout]).toEqual([6, '']);
    expect(server.requests()).toBeGreaterThan(4);
  });

  it('ends with the failure before an attempt that the end of --max-wait interrupts', async () => {
    const server = await failing(status(503), () => undefined);
    const { status: exit, stderr } = await latchkey(['whoami', '--max-wait', '2'], { env: server.env });
    expect([exit, stderr]).toEqual([6, 'The server responded with HTTP 503.\n']);
  });

  it('looks for the API elsewhere only until --max-wait is used up', async () => {
    let lookUps = 0;
    const server = createServer((request, response) => {
      // The address is wrong, and no other one answers.
      if (request.headers.authorization !== undefined) response.writeHead(404).end('{}');
      else lookUps += 1;
    }).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a/b/graphql/stream`;
    const env = { LATCHKEY_URL: url, LATCHKEY_API_KEY: 'lks_live_x' };
    const { status: exit, stderr } = await latchkey(['whoami', '--max-wait', '5'], { env });
    expect([exit, stderr]).toEqual([2, expect.stringContaining('where there is no API')]);
    // There are more addresses, but no time for them.
    expect([1, 2]).toContain(lookUps);
    server.closeAllConnections();
  });

  it('is sent once if Retry-After is longer than --max-wait', async () => {
    const server = await failing(status(503, { 'retry-after': '30' }));
    const { status: exit, stderr } = await latchkeyInOneProcess(['whoami', '--max-wait', '29'], { env: server.env });
    expect([exit, stderr, server.requests()]).toEqual([6, 'The server responded with HTTP 503.\n', 1]);
  });

  it.each([
    [503, / is unavailable \(HTTP 503\)\. Retrying for up to 120 s/],
    [429, /^The key has reached its rate limit\. Waiting for up to 120 s/],
  ])('waits after %d for a Retry-After of more than a minute if --max-wait allows it', async (code, message) => {
    const server = await failing(status(code, { 'retry-after': '61' }));
    const env = { PATH: process.env.PATH, ...server.env };
    const child = spawn(process.execPath, [PROGRAM, 'whoami', '--max-wait', '120'], { env });
    try {
      const [text] = (await once(child.stderr.setEncoding('utf8'), 'data')) as [string];
      expect(text).toMatch(message);
      expect([child.exitCode, server.requests()]).toEqual([null, 1]);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('prints nothing about waiting with --json, and nothing about a short wait', async () => {
    const [long, short] = await Promise.all([
      failing(...times(4, status(503)), VIEWER_DATA),
      failing(status(503), VIEWER_DATA),
    ]);
    const [quiet, brief] = await Promise.all([
      latchkey(['whoami', '--json'], { env: long.env }),
      latchkey(['whoami'], { env: short.env }),
    ]);
    expect([quiet.status, quiet.stderr, long.requests()]).toEqual([0, '', 5]);
    expect([brief.status, brief.stderr, short.requests()]).toEqual([0, '', 2]);
  });

  it('says once for a whole command that it waits, though each page has to wait', async () => {
    const page = (hasNextPage: boolean): Respond =>
      data({ apiKeys: { nodes: [KEY], totalCount: 2, pageInfo: { hasNextPage, endCursor: 'c' } } });
    const down = status(503, { 'retry-after': '3' });
    const server = await failing(down, page(true), down, page(false));
    const { status: exit, stderr } = await latchkey(['keys', 'list'], { env: server.env });
    expect([exit, server.requests()]).toEqual([0, 4]);
    expect(stderr).toBe(waiting(server, 'HTTP 503'));
  });
});

it('repeats schema print, which is not an operation, after 503 and after 429', async () => {
  const limited = status(429, { 'retry-after': '1' });
  const server = await failing(status(503), limited, limited, (response) => void response.end('type Query { a: Int }'));
  const { status: exit, stdout, stderr } = await latchkey(['schema', 'print'], { env: server.env });
  expect(stderr).not.toContain('429');
  expect([exit, stdout.trim(), server.requests()]).toEqual([0, 'type Query { a: Int }', 4]);
});

it('says that it waits for the limits of the key', async () => {
  const server = await failing(status(429, { 'retry-after': '3' }), VIEWER_DATA);
  const { status: exit, stderr } = await latchkey(['whoami'], { env: server.env });
  expect([exit, server.requests()]).toEqual([0, 2]);
  expect(stderr).toBe('The key has reached its rate limit. Waiting for up to 90 s (--max-wait).\n');
});

it('does not repeat a request after 429 without Retry-After', async () => {
  const server = await failing(status(429));
  for (const args of [['whoami'], ['schema', 'print']]) {
    const before = server.requests();
    expect((await latchkeyInOneProcess(args, { env: server.env })).status).toBe(5);
    expect(server.requests() - before).toBe(1);
  }
});

describe('a mutation', () => {
  const args = ['keys', 'revoke', 'key_1', '--yes'];

  it.each([
    ['503', status(503)],
    ['a lost connection', reset],
  ])('is not repeated after %s, because it may have run', async (_, failure) => {
    const server = await failing(failure);
    const { status: exit, stdout, stderr } = await latchkeyInOneProcess(args, { env: server.env });
    expect([exit, stdout, server.requests()]).toEqual([6, '', 1]);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('is repeated after 429, because it did not run, but not after a 503 that follows', async () => {
    const server = await failing(status(429, { 'retry-after': '1' }), status(503));
    expect((await latchkeyInOneProcess(args, { env: server.env })).status).toBe(6);
    expect(server.requests()).toBe(2);
  });
});
