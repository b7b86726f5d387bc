import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { startProxy, type Proxy, type ProxyName } from '../examples/proxies/proxied.js';
import { freePort } from '../support/freePort.js';
import { PROJECT } from '../support/project.js';
import { expectPage } from './page.js';

test.each<ProxyName>(['nginx', 'caddy'])(
  'each command of docs/how-to/guard-behind-a-proxy.md runs as written, with %s',
  async (name) => {
    const ports = { orders: await freePort(), proxy: await freePort() };
    let proxy: Proxy | null = null;
    try {
      await expectPage('docs/how-to/guard-behind-a-proxy.md', {
        env: { TRUST_PROXY: '127.0.0.1', AUTH_AUDIENCES: 'orders' },
        edit: (text) =>
          text
            .replace('8000', String(ports.orders))
            .replaceAll('127.0.0.1:8080', `127.0.0.1:${ports.proxy}`)
            .replace('ORDERS=$!', "ORDERS=$!; trap 'kill $ORDERS 2>/dev/null || true' EXIT"),
        before: async ({ origin }, directory) => {
          symlinkSync(join(PROJECT, 'node_modules'), join(directory, 'node_modules'));
          proxy = await startProxy(name, origin, { port: ports.orders }, ports.proxy);
          return {};
        },
      });
    } finally {
      await (proxy as Proxy | null)?.stop();
    }
  },
);
