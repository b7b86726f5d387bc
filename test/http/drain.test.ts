import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { composeService, type Service } from '../../src/compose.js';
import { readSettings } from '../../src/settings/settings.js';
import { freshMongoUri } from '../support/service.js';
import { until } from '../support/until.js';

/** The service listening, on a store that outlives it. */
interface Running {
  readonly service: Service;
  readonly port: number;
}

let dir: string;
let uri: string | undefined;
let token: string;
const sockets: Socket[] = [];

async function start(drainTime: number): Promise<Running> {
  const settings = readSettings({
    DATA_DIR: dir,
    BCRYPT_COST: '4',
    KEY_PEPPER: 'x'.repeat(32),
    ...(uri !== undefined && { MONGODB_URI: uri }),
  });
  const logger = pino({ base: null }, { write: () => undefined });
  const service = await composeService(settings, logger, { drainTime });
  token = service.latchkey.firstKey?.token ?? token;
  return { service, port: Number(new URL(await service.server.listen({ port: 0, host: '127.0.0.1' })).port) };
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-drain-'));
  uri = freshMongoUri();
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  rmSync(dir, { recursive: true, force: true });
});

/** Asks over one kept connection, and answers what came. */
async function ask(
  port: number,
  agent: Agent,
  path = '/graphql',
): Promise<{
  status: number | undefined;
  connection: string | undefined;
  body: string;
  retryAfter: string | undefined;
}> {
  const body = path === '/graphql' ? JSON.stringify({ query: '{ apiKeys { totalCount nodes { lastUsedAt } } }' }) : '';
  const asking = request({
    port,
    host: '127.0.0.1',
    path,
    agent,
    method: path === '/graphql' ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  }).end(body);
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of answer) text += String(chunk);
  const { connection, 'retry-after': retryAfter } = answer.headers;
  return { status: answer.statusCode, connection, body: text, retryAfter };
}

/** Holds every answer to `{ apiKeys }` until it is let go. */
function holdAnswers({ store }: Service): { readonly begun: Promise<void>; letGo(): void } {
  const list = store.keys.list.bind(store.keys);
  let begin = (): void => undefined;
  let letGo = (): void => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const gate = new Promise<void>((resolve) => (letGo = resolve));
  Object.assign(store.keys, {
    list: async (...given: Parameters<typeof list>) => {
      begin();
      await gate;
      return list(...given);
    },
  });
  return { begun, letGo };
}

const kept = (): Agent => new Agent({ keepAlive: true, maxSockets: 1 });

/** When the latest keys were used, as the next start finds it. */
async function lastUsedLater(): Promise<unknown> {
  const { service, port } = await start(1_000);
  const agent = kept();
  try {
    return JSON.parse((await ask(port, agent)).body).data.apiKeys.nodes[0].lastUsedAt;
  } finally {
    agent.destroy();
    await service.close();
  }
}

test('what runs is finished, idle connections end, new ones are refused, and uses are written', async () => {
  const { service, port } = await start(60_000);
  const hold = holdAnswers(service);
  const [busy, idle] = [kept(), kept()];
  const slow = ask(port, busy);
  await hold.begun;
  expect((await ask(port, idle, '/readyz')).status).toBe(200);
  const free = (): Socket[] => Object.values(idle.freeSockets).flatMap((sockets = []) => sockets);
  await until(() => free().length === 1);
  const idleEnded = Promise.all(free().map((socket) => once(socket, 'close')));

  const closed = service.close();
  await idleEnded;
  await expect(fetch(`http://127.0.0.1:${port}/readyz`)).rejects.toThrow();
  hold.letGo();
  expect(await slow).toMatchObject({ status: 200, connection: 'close' });
  await closed;
  // Idempotent.
  await service.close();
  expect(await lastUsedLater()).toEqual(expect.any(String));
  for (const agent of [busy, idle]) agent.destroy();
});

test('what comes during the close on a connection from before is refused, with a word on what to do', async () => {
  const { service, port } = await start(60_000);
  const hold = holdAnswers(service);
  const busy = kept();
  const slow = ask(port, busy);
  await hold.begun;
  // The first half of a request before the close, so that its connection is not idle then.
  const arriving = once(service.server.server, 'connection') as Promise<[Socket]>;
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
  socket.write('GET /readyz HTTP/1.1\r\nHost: ');
  const [arrived] = await arriving;
  await until(() => arrived.bytesRead > 0);

  const closed = service.close();
  socket.write('x\r\n\r\n');
  await once(socket, 'close');
  expect(answer).toMatch(/^HTTP\/1\.1 503 /);
  expect(answer).toMatch(/\r\nretry-after: 1\r\n/);
  expect(answer).toMatch(/\r\nconnection: close\r\n/i);
  expect(answer).toContain('"code":"UNAVAILABLE"');
  hold.letGo();
  expect((await slow).status).toBe(200);
  await closed;
  busy.destroy();
});

test('a connection on which nothing has come yet holds up nothing', async () => {
  const { service, port } = await start(60_000);
  const arriving = once(service.server.server, 'connection');
  const socket = connect(port, '127.0.0.1').resume();
  sockets.push(socket);
  const ended = once(socket, 'close');
  await arriving;
  await service.close();
  await ended;
});

test('a request that hangs is cut off when the time is up, and the uses of all are written', async () => {
  const { service, port } = await start(200);
  const agent = kept();
  expect((await ask(port, agent)).status).toBe(200);
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  socket.write(
    `POST /graphql HTTP/1.1\r\nHost: x\r\nX-API-Key: ${token}\r\nContent-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n`,
  );
  // It is under way once the server has its header, and asks for its body, which never comes.
  await once(socket, 'data');
  const cut = once(socket, 'close');
  await expect(service.close()).rejects.toThrow('Requests that still ran after 0.2 s were cut off.');
  await cut;
  await expect(service.close()).rejects.toThrow('cut off');
  agent.destroy();
  expect(await lastUsedLater()).toEqual(expect.any(String));
});
