import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import mongoose from 'mongoose';
import { openMongoStore } from '../../../src/core/store/mongo/open.js';
import type { Store } from '../../../src/core/store/store.js';
import { startProxy, type TestProxy } from '../../support/proxy.js';
import { until } from '../../support/until.js';
import { unique } from './fixtures.js';

const { MONGODB_URI } = process.env;
if (MONGODB_URI === undefined) throw new Error('These tests need a MongoDB: set MONGODB_URI.');

const sockets: Socket[] = [];
const noteSocket = (message: unknown): void => void sockets.push((message as { readonly socket: Socket }).socket);

let proxy: TestProxy;
let store: Store;
beforeEach(async () => {
  subscribe('net.client.socket', noteSocket);
  const uri = new URL(MONGODB_URI);
  proxy = await startProxy(Number(uri.port));
  uri.port = String(proxy.port);
  uri.pathname = `/${unique('latchkey_test')}`;
  uri.searchParams.set('heartbeatFrequencyMS', '500');
  store = await openMongoStore({ uri: uri.href, timeout: 1_000 });
});
afterEach(async () => {
  proxy.cut(false);
  await store.close();
  await proxy.close();
  unsubscribe('net.client.socket', noteSocket);
  sockets.length = 0;
});

const isThere = (): Promise<boolean> =>
  store.ping().then(
    () => true,
    () => false,
  );

const connection = (): mongoose.Connection => {
  const newest = mongoose.connections.at(-1);
  if (newest === undefined) throw new Error('No store is open.');
  return newest;
};

const isDisconnected = (): boolean => connection().readyState === mongoose.ConnectionStates.disconnected;

/** Destroys the socket of the checks just before the driver writes a check into it. The check then never ends. */
async function stopChecks(): Promise<void> {
  // The driver's first connection is that of the checks.
  const socket = sockets.find(({ remotePort }) => remotePort === proxy.port);
  await new Promise<void>((resolve) => {
    connection()
      .getClient()
      .once('serverHeartbeatStarted', () => {
        socket?.destroy();
        resolve();
      });
  });
}

/**
 * Makes the store unreachable while it waits for a response. After that, the driver sends nothing before a check has
 * succeeded.
 */
async function cutOff(): Promise<void> {
  proxy.hold(true);
  const asked = isThere();
  await delay(50);
  proxy.cut(true);
  await asked;
  await until(isDisconnected);
  proxy.hold(false);
}

test('X10: a store whose driver has stopped checking the server answers after the next outage', async () => {
  await stopChecks();
  await cutOff();
  proxy.cut(false);
  await until(isThere);
});

test('X10: it can be closed while it connects again', async () => {
  await stopChecks();
  await cutOff();
  await delay(4_000);
  await store.close();
  await expect(store.ping()).rejects.toThrow('The store did not answer.');
});
