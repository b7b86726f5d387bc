import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseExposition } from '../metrics/exposition.js';
import { selfSigned } from '../../support/certificate.js';
import { startService } from '../../support/service.js';
import { until } from '../../support/until.js';

/** MAX_CONNECTIONS, with sockets whose bytes the test writes. */

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

interface Opened {
  readonly socket: Socket;
  readonly text: () => string;
  readonly isClosed: () => boolean;
}

async function open(port: number): Promise<Opened> {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  let [text, closed] = ['', false];
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  socket.on('close', () => (closed = true));
  await once(socket, 'connect');
  return { socket, text: () => text, isClosed: () => closed };
}

const HEALTH = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';

test('X12: beyond MAX_CONNECTIONS new connections are closed, open ones continue, and each that ends makes room for one', async () => {
  const service = await startService({ env: { MAX_CONNECTIONS: '3' } });
  const port = Number(new URL(service.origin).port);
  const { metrics, connections } = service.service;
  // Connections of the test's setup may still be open.
  await until(() => connections.size === 0);
  const kept = await Promise.all([open(port), open(port), open(port)]);
  for (const { socket } of kept) socket.write(HEALTH);
  await until(() => kept.every(({ text }) => text().startsWith('HTTP/1.1 200')));

  for (let i = 1; i <= 5; i += 1) {
    const refused = await open(port);
    refused.socket.write(HEALTH);
    await until(refused.isClosed);
    expect(refused.text()).toBe('');
  }
  const counted = parseExposition(await metrics.text());
  expect(counted.value('latchkey_connections_open')).toBe(3);
  expect(counted.value('latchkey_connections_refused_total')).toBe(5);
  expect(service.logs.filter((line) => line.includes('MAX_CONNECTIONS'))).toEqual([
    expect.stringContaining('3 connections are open, the maximum of MAX_CONNECTIONS'),
  ]);

  kept[0].socket.write(HEALTH);
  await until(() => kept[0].text().match(/HTTP\/1\.1 200/g)?.length === 2);
  kept[0].socket.destroy();
  await until(() => connections.size === 2);
  const next = await open(port);
  next.socket.write(HEALTH);
  await until(() => next.text().startsWith('HTTP/1.1 200'));
  await service.close();
});

test('X12: connections count before their TLS handshake', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-connections-'));
  const { cert, key } = selfSigned();
  writeFileSync(join(dir, 'cert.pem'), cert);
  writeFileSync(join(dir, 'key.pem'), key);
  const service = await startService({
    env: { MAX_CONNECTIONS: '2', TLS_CERT: join(dir, 'cert.pem'), TLS_KEY: join(dir, 'key.pem') },
  });
  const port = Number(new URL(service.origin).port);
  await until(() => service.service.connections.size === 0);
  const silent = [await open(port), await open(port)];
  await until(() => service.service.connections.size === 2);
  const refused = await open(port);
  await until(refused.isClosed);
  expect(silent.some(({ isClosed }) => isClosed())).toBe(false);
  await service.close();
  rmSync(dir, { recursive: true });
});
