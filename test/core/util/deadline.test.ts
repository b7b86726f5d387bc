import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { deadline } from '../../../src/core/util/deadline.js';

test('reads data that arrived while the process was busy before the time is up', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  await once(server, 'listening');
  // Responds from another thread while this one is blocked: `written` is 1 when the response has been sent.
  const written = new Int32Array(new SharedArrayBuffer(4));
  const answerer = new Worker(ANSWERER, {
    eval: true,
    workerData: { written, port: (server.address() as AddressInfo).port },
  });
  const [socket] = await accepted;
  const order: string[] = [];
  const answered = new Promise<void>((resolve) => {
    socket.on('data', () => resolve(void order.push('answer')));
  });
  const timeUp = new Promise<void>((resolve) => {
    deadline(1, () => resolve(void order.push('late')));
  });
  answerer.postMessage('ask');
  Atomics.wait(written, 0, 0);
  Atomics.wait(written, 0, 1, 20);
  await Promise.all([answered, timeUp]);
  expect(order).toEqual(['answer', 'late']);
  await answerer.terminate();
  server.close();
});

test('expires if no data arrived, and never if the timer was cleared', async () => {
  const order: string[] = [];
  clearTimeout(deadline(1, () => order.push('cleared')));
  await new Promise<void>((resolve) => {
    deadline(2, () => resolve(void order.push('late')));
  });
  expect(order).toEqual(['late']);
});

const ANSWERER = `
const { connect } = require('node:net');
const { parentPort, workerData } = require('node:worker_threads');
const socket = connect(workerData.port, '127.0.0.1');
parentPort.on('message', () => socket.write('answer', () => {
  Atomics.store(workerData.written, 0, 1);
  Atomics.notify(workerData.written, 0);
}));`;
