import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { pino } from 'pino';
import { composeService, type Service } from '../../src/server/compose.js';
import { listen } from '../../src/server/net/listen.js';
import { readSettings } from '../../src/server/settings/settings.js';
import { connectWhileBlocked } from '../support/clientThread.js';
import { freshMongoUri } from '../support/service.js';
import { until } from '../support/until.js';

/** A listening service, on a store that survives it. */
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

const QUERY = JSON.stringify({ query: '{ apiKeys { totalCount } }' });

/** A complete request as text. */
const postOf = (): string =>
  `POST /graphql HTTP/1.1\r\nHost: x\r\nX-API-Key: ${token}\r\nContent-Type: application/json\r\nContent-Length: ${QUERY.length}\r\n\r\n${QUERY}`;

/** A connection whose bytes the test writes. */
function connectTo(port: number, host = '127.0.0.1'): { readonly socket: Socket; readonly received: () => string } {
  const socket = connect(port, host);
  sockets.push(socket);
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return { socket, received: () => text };
}

/** Sends requests over one kept connection, and returns the responses. */
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

/** Delays every response to `{ apiKeys }` until the test continues. */
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

/** When the latest keys were used, as the next start reads it. */
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

test('finishes running requests, closes idle connections, refuses new ones, and writes usage', async () => {
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

test('X2: responds to a request whose first half arrived before the close', async () => {
  const { service, port } = await start(60_000);
  const arriving = once(service.server.server, 'connection') as Promise<[Socket]>;
  const { socket, received } = connectTo(port);
  socket.write(`POST /graphql HTTP/1.1\r\nHost: x\r\nX-API-Key: ${token}\r\nContent-`);
  const [arrived] = await arriving;
  await until(() => arrived.bytesRead > 0);

  const closed = service.close();
  socket.write(`Type: application/json\r\nContent-Length: ${QUERY.length}\r\n\r\n${QUERY}`);
  await once(socket, 'close');
  expect(received()).toMatch(/^HTTP\/1\.1 200 /);
  expect(received()).toMatch(/\r\nconnection: close\r\n/i);
  await closed;
});

test('X2: while it leaves, /readyz fails, new connections work, and each response closes its connection', async () => {
  const { service, port } = await start(60_000);
  const before = kept();
  expect(await ask(port, before)).toMatchObject({ status: 200, connection: 'keep-alive' });
  const left = service.leave(60_000);
  expect(await ask(port, before)).toMatchObject({ status: 200, connection: 'close' });
  const after = kept();
  expect(await ask(port, after)).toMatchObject({ status: 200, connection: 'close' });
  const probe = await ask(port, after, '/readyz');
  expect(probe).toMatchObject({ status: 503, connection: 'close', retryAfter: '1', body: '{"status":"stopping"}' });
  expect((await ask(port, after, '/healthz')).status).toBe(200);
  // Long before the minute, because there are no connections any more.
  await left;
  await service.close();
  for (const agent of [before, after]) agent.destroy();
});

test('X2: while it leaves, responds to all pipelined requests, and closes the connection after the last', async () => {
  const { service, port } = await start(60_000);
  const hold = holdAnswers(service);
  const { socket, received } = connectTo(port);
  const one = `POST /graphql HTTP/1.1\r\nHost: x\r\nX-API-Key: ${token}\r\nContent-Type: application/json\r\nContent-Length: ${QUERY.length}\r\n\r\n${QUERY}`;
  socket.write(one.repeat(3));
  await hold.begun;
  const left = service.leave(60_000);
  hold.letGo();
  await once(socket, 'close');
  expect(received().match(/HTTP\/1\.1 200 /g)).toHaveLength(3);
  expect(received().match(/\r\nconnection: close\r\n/gi)).toHaveLength(1);
  await left;
  await service.close();
});

test('X12: does not run a request that follows a response with `Connection: close`, and closes kept connections', async () => {
  const { service, port } = await start(60_000);
  const hold = holdAnswers(service);
  const held = service.store.keys.list.bind(service.store.keys);
  let lists = 0;
  Object.assign(service.store.keys, {
    list: (...given: Parameters<typeof held>) => {
      lists += 1;
      return held(...given);
    },
  });
  const one = `POST /graphql HTTP/1.1\r\nHost: x\r\nX-API-Key: ${token}\r\nContent-Type: application/json\r\nContent-Length: ${QUERY.length}\r\n\r\n${QUERY}`;
  const { socket, received } = connectTo(port);
  socket.on('error', () => undefined);
  socket.write(one);
  await hold.begun;
  const left = service.leave(60_000);
  // As soon as the response arrives, a client that ignores its `Connection: close` could send the next request.
  socket.once('data', () => socket.write(one));
  hold.letGo();
  await once(socket, 'close');
  expect(received().match(/HTTP\/1\.1 200 /g)).toHaveLength(1);
  expect(received()).toMatch(/\r\nconnection: close\r\n/i);
  expect(lists).toBe(1);
  await left;
  await service.close();
});

test('X2: responds on a connection that was accepted just before the close, if its request arrives within the grace time', async () => {
  const { service, port } = await start(60_000);
  const arriving = once(service.server.server, 'connection');
  const { socket, received } = connectTo(port);
  await arriving;
  const closed = service.close();
  await until(() => !service.server.server.listening);
  socket.write(postOf());
  await once(socket, 'close');
  expect(received()).toMatch(/^HTTP\/1\.1 200 /);
  expect(received()).toMatch(/\r\nconnection: close\r\n/i);
  await closed;
});

test('X2: responds on a connection that waits in the queue when the server closes', async () => {
  const { service, port } = await start(60_000);
  const { seen } = connectWhileBlocked(port, postOf());
  const closed = service.close();
  expect(await seen).toMatchObject({ fault: null, text: expect.stringMatching(/^HTTP\/1\.1 200 /) });
  await closed;
});

test('X2: counts and closes connections of another address like all others', async () => {
  const { service, port } = await start(60_000);
  const other = await listen(port, '127.0.0.2', false);
  service.connections.alsoAccept([other]);
  const { socket, received } = connectTo(port, '127.0.0.2');
  socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  await until(() => received().startsWith('HTTP/1.1 200'));
  expect(service.connections.size).toBe(1);
  const idle = once(socket, 'close');
  const { seen } = connectWhileBlocked(port, postOf(), '127.0.0.2');
  const closed = service.close();
  expect(await seen).toMatchObject({ fault: null, text: expect.stringMatching(/^HTTP\/1\.1 200 /) });
  await Promise.all([idle, closed]);
  expect(other.listening).toBe(false);
});

test('X2: without a delay, a kept connection can still send a request, and its response closes it', async () => {
  const { service, port } = await start(60_000);
  const agent = kept();
  expect(await ask(port, agent)).toMatchObject({ status: 200, connection: 'keep-alive' });
  const closed = service.leave(0).then(() => service.close());
  // Well after the time when the server would have closed an idle connection.
  await delay(100);
  expect(await ask(port, agent)).toMatchObject({ status: 200, connection: 'close' });
  await closed;
  agent.destroy();
});

test('X2: without a delay, the server stops at once if nobody is connected', async () => {
  const { service } = await start(60_000);
  const timers = jest.spyOn(globalThis, 'setTimeout');
  await service.leave(0);
  expect(timers).not.toHaveBeenCalled();
  timers.mockRestore();
  await service.close();
});

test('X2: while it leaves, a refusal before the body has arrived waits for the body, so that the connection is not reset', async () => {
  const { service, port } = await start(60_000);
  const left = service.leave(60_000);
  const { socket, received } = connectTo(port);
  let fault: unknown = null;
  socket.on('error', (error) => (fault = error));
  const arrived = once(service.server.server, 'request');
  const head = `POST /graphql HTTP/1.1\r\nHost: x\r\nX-API-Key: ${token}x\r\nContent-Type: application/json\r\nContent-Length: ${QUERY.length}\r\n`;
  socket.write(`${head}\r\n${QUERY.slice(0, 5)}`);
  await arrived;
  // The refusal is known by now.
  await delay(50);
  expect(received()).toBe('');
  socket.write(QUERY.slice(5));
  await once(socket, 'close');
  expect(received()).toMatch(/^HTTP\/1\.1 401 /);
  expect(received()).toMatch(/\r\nconnection: close\r\n/i);
  expect(fault).toBeNull();

  // Without the body, a caller that waits for 100 Continue gets the refusal.
  const waiting = connectTo(port);
  waiting.socket.write(`${head}Expect: 100-continue\r\n\r\n`);
  await once(waiting.socket, 'close');
  expect(waiting.received()).toMatch(/HTTP\/1\.1 401 /);
  await left;
  await service.close();
});

test('does not wait for a connection without a request', async () => {
  const { service, port } = await start(60_000);
  const arriving = once(service.server.server, 'connection');
  const socket = connect(port, '127.0.0.1').resume();
  sockets.push(socket);
  const ended = once(socket, 'close');
  await arriving;
  await service.close();
  await ended;
});

test('aborts a request that hangs at the deadline, and writes all usage', async () => {
  const { service, port } = await start(200);
  const agent = kept();
  expect((await ask(port, agent)).status).toBe(200);
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  socket.write(
    `POST /graphql HTTP/1.1\r\nHost: x\r\nX-API-Key: ${token}\r\nContent-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n`,
  );
  // It is running once the server has its header and waits for its body, which never comes.
  await once(socket, 'data');
  const cut = once(socket, 'close');
  await expect(service.close()).rejects.toThrow('Requests that still ran after 0.2 s were cut off.');
  await cut;
  await expect(service.close()).rejects.toThrow('cut off');
  agent.destroy();
  expect(await lastUsedLater()).toEqual(expect.any(String));
});
