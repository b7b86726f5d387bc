import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { Connections } from '../../../src/server/http/connections.js';
import type { UnreadOptions, UnreadReason } from '../../../src/server/http/unreadResponses.js';
import { tierTable } from '../../../src/core/limits/tierTable.js';
import { selfSigned } from '../../support/certificate.js';
import { startService } from '../../support/service.js';
import { until } from '../../support/until.js';
import { parseExposition } from '../metrics/exposition.js';

const MIB = 2 ** 20;

/** More than the buffers of the operating system take. */
const BODY = Buffer.alloc(32 * MIB, 'x');

/** The interval of the looks at all connections. */
const INTERVAL = 5;

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

interface Tested {
  readonly connections: Connections;
  readonly reasons: UnreadReason[];
  /** Lets time pass for the bounds, after a look at the current state. */
  readonly pass: (ms: number) => Promise<void>;
  /** Sends a request, reads nothing, and resolves with both ends of the connection once the response waits. */
  readonly ask: () => Promise<{ readonly client: Socket; readonly server: Socket }>;
}

async function start({ tls = false, ...options }: UnreadOptions & { readonly tls?: boolean } = {}): Promise<Tested> {
  let time = 0;
  const reasons: UnreadReason[] = [];
  const unread = { interval: INTERVAL, now: () => time, onClosed: (reason: UnreadReason) => void reasons.push(reason) };
  const connections = new Connections({ unread: { ...unread, ...options } });
  const server: Server = tls ? createTlsServer(selfSigned()) : createServer();
  server.on('request', (_, response) => response.end(BODY));
  connections.watch(server);
  const accepted: Socket[] = [];
  server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => accepted.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return {
    connections,
    reasons,
    async pass(ms) {
      await delay(10 * INTERVAL);
      time += ms;
      await delay(10 * INTERVAL);
    },
    async ask() {
      const client = tls
        ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
        : connect(port, '127.0.0.1');
      client.on('error', () => undefined);
      closing.push(() => client.destroy());
      const count = accepted.length;
      await once(client, tls ? 'secureConnect' : 'connect');
      client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      const socket = await until(() => accepted[count]);
      await until(() => socket.writableLength > 0);
      return { client, server: socket };
    },
  };
}

/** Returns how much of the response the operating system has not accepted. */
function left(socket: Socket): number {
  const { _handle: handle } = socket as unknown as {
    _handle: { writeQueueSize: number; _parent?: { writeQueueSize: number } };
  };
  return handle._parent?.writeQueueSize ?? handle.writeQueueSize;
}

/** Reads this much, and then pauses. Otherwise, the whole response could arrive in one turn of the event loop. */
async function read(client: Socket, bytes: number): Promise<void> {
  const end = client.bytesRead + bytes;
  const stop = (): void => void (client.bytesRead >= end && client.pause());
  client.on('data', stop).resume();
  await until(() => client.isPaused());
  client.off('data', stop);
}

test.each([
  ['HTTP', false],
  ['HTTPS', true],
])('closes a connection whose client accepts nothing for 30 s, but none that reads slowly (%s)', async (_, tls) => {
  const { connections, reasons, pass, ask } = await start({ tls });
  const silent = await ask();
  const slow = await ask();
  for (let i = 1; i <= 4; i += 1) {
    const before = left(slow.server);
    while (left(slow.server) > before - MIB) await read(slow.client, MIB);
    await pass(16_000);
    expect(silent.server.destroyed).toBe(i >= 2);
  }
  expect(slow.server.destroyed).toBe(false);
  expect([connections.unread.closed, reasons]).toEqual([1, ['stalled']]);
  // All of the body arrives.
  slow.client.resume();
  await until(() => slow.server.writableLength === 0 && connections.unread.bytes === 0);
  await pass(60_000);
  expect(slow.server.destroyed).toBe(false);
});

test('closes the connection that has waited longest if too many bytes wait for all clients', async () => {
  const { connections, reasons, pass, ask } = await start({ maxBytes: 66 * MIB });
  const first = await ask();
  await pass(1_000);
  const second = await ask();
  await pass(1_000);
  expect([connections.unread.closed, reasons]).toEqual([0, []]);
  const third = await ask();
  await until(() => first.server.destroyed);
  await pass(1_000);
  expect([second.server.destroyed, third.server.destroyed]).toEqual([false, false]);
  expect([connections.unread.closed, reasons]).toEqual([1, ['crowded']]);
  expect(connections.unread.bytes).toBeLessThanOrEqual(66 * MIB);
});

test('leaves connections of streams to the bounds of streams', async () => {
  const { connections, pass, ask } = await start();
  const stream = await ask();
  connections.unread.isStream(stream.server);
  await pass(0);
  await pass(60_000);
  expect(stream.server.destroyed).toBe(false);
});

test.each<[string, UnreadOptions, string]>([
  ['accepts nothing', { stallTime: 200 }, 'accepted no byte of a response'],
  ['leaves too much unread', { maxBytes: 2 * MIB }, 'More than 128 MiB of responses'],
])(
  'closes a connection whose client sends requests without a pause and %s, and logs and counts it',
  async (_, bounds, message) => {
    // The key's own limits must leave enough responses.
    const tiers = tierTable({ ENTERPRISE: { rate: 1e6, burst: 1e6 } });
    const env = { DEFAULT_TIER: 'ENTERPRISE' };
    const service = await startService({ env, tiers, unread: { interval: INTERVAL, ...bounds } });
    const { connections, metrics } = service.service;
    await until(() => connections.size === 0);
    const client = connect(Number(new URL(service.origin).port), '127.0.0.1');
    client.on('error', () => undefined);
    await once(client, 'connect');
    const request = `GET /schema.graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${service.adminToken}\r\n\r\n`;
    client.write(request.repeat(300));
    await until(() => connections.unread.closed === 1 && connections.size === 0);
    expect(service.logs.filter((line) => line.includes(message))).toHaveLength(1);
    expect(parseExposition(await metrics.text()).value('latchkey_connections_stalled_total')).toBe(1);
    client.destroy();
    await service.close();
  },
);
