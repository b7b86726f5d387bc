import { EventEmitter } from 'node:events';
import { jest } from '@jest/globals';
import type { Connection } from 'mongoose';
import { keepMonitored } from '../../../src/core/store/mongo/monitoring.js';

/** A MongoDB server that streams its state. The engine of the other tests cannot do this. */
class Client extends EventEmitter {
  readonly options = { heartbeatFrequencyMS: 60_000 };
}

let client: Client;
let opened: number;
let end: () => Promise<void>;
beforeEach(() => {
  jest.useFakeTimers();
  client = new Client();
  opened = 0;
  const connection = { getClient: () => client, close: async () => undefined } as unknown as Connection;
  end = keepMonitored(connection, 1_000, async () => void (opened += 1));
});
afterEach(async () => {
  await end();
  jest.useRealTimers();
});

const start = (awaited: boolean) => client.emit('serverHeartbeatStarted', { connectionId: 'db:27017', awaited });

test('X10: a streamed check may take as long as the URI allows', async () => {
  start(true);
  await jest.advanceTimersByTimeAsync(62_000);
  expect(opened).toBe(0);
  await jest.advanceTimersByTimeAsync(3_000);
  expect(opened).toBe(1);
});

test('X10: any other check may take three seconds, and one that ended is forgotten', async () => {
  start(false);
  await jest.advanceTimersByTimeAsync(2_000);
  client.emit('serverHeartbeatSucceeded', { connectionId: 'db:27017' });
  await jest.advanceTimersByTimeAsync(10_000);
  expect(opened).toBe(0);
  start(false);
  await jest.advanceTimersByTimeAsync(5_000);
  expect(opened).toBe(1);
});
