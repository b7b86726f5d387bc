import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRaw } from '../../support/rawConnection.js';
import { documentOf } from '../../support/session.js';
import { until } from '../../support/until.js';
import { freePort } from '../../support/freePort.js';

/** A request that arrived at the service behind a proxy. */
export interface Arrived {
  readonly method: string | undefined;
  readonly url: string | undefined;
  /** All header fields as sent: names and values in turns. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

/** The service behind a proxy, which responds to everything with `ok`. */
export interface Orders {
  readonly port: number;
  readonly arrived: Arrived[];
  close(): Promise<void>;
}

export async function startOrders(): Promise<Orders> {
  const arrived: Arrived[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { method, url, rawHeaders } = request;
      arrived.push({ method, url, rawHeaders, body: Buffer.concat(chunks).toString('latin1') });
      response.end('ok');
    })().catch(() => response.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    arrived,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The values of a header field, in every spelling that servers may read as the same name. */
export function fieldsOf({ rawHeaders }: Arrived, name: string): string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase().replaceAll('_', '-') === name);
}

export type ProxyName = 'nginx' | 'caddy';

const FILES: Readonly<Record<ProxyName, string>> = {
  nginx: 'examples/nginx/nginx.conf',
  caddy: 'examples/caddy/Caddyfile',
};

export interface Proxy {
  readonly port: number;
  readonly origin: string;
  stop(): Promise<void>;
}

/** Starts a proxy with the file of the example. Only its ports are replaced. @param given its port. Default: a free one */
export async function startProxy(
  name: ProxyName,
  latchkey: string,
  orders: Pick<Orders, 'port'>,
  given?: number,
): Promise<Proxy> {
  const directory = mkdtempSync(join(tmpdir(), `latchkey-${name}-`));
  const port = given ?? (await freePort());
  const file = join(directory, 'configuration');
  const text = documentOf(FILES[name]);
  for (const address of ['127.0.0.1:4000', '127.0.0.1:8000', ':8080']) expect(text).toContain(address);
  writeFileSync(
    file,
    text
      .replaceAll('127.0.0.1:4000', new URL(latchkey).host)
      .replaceAll('127.0.0.1:8000', `127.0.0.1:${orders.port}`)
      .replaceAll(':8080', `:${port}`),
  );
  const args = {
    nginx: ['-p', directory, '-c', file, '-e', join(directory, 'error.log'), '-g', 'daemon off;'],
    caddy: ['run', '--config', file, '--adapter', 'caddyfile'],
  }[name];
  const child = spawn(name, args, {
    env: { PATH: process.env.PATH, HOME: directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += String(chunk)));
  const isOpen = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`${name} ended:\n${output}\n${logOf(directory)}`);
    return openRaw(port).then(
      ({ socket }) => {
        socket.destroy();
        return true;
      },
      () => false,
    );
  };
  await until(isOpen, `${name} listens`);
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    async stop() {
      await ended(child);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function logOf(directory: string): string {
  try {
    return readFileSync(join(directory, 'error.log'), 'utf8');
  } catch {
    return '';
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  // Caddy waits for connections that a failed test has left open.
  const late = setTimeout(() => child.kill('SIGKILL'), 2_000);
  await exit;
  clearTimeout(late);
}
