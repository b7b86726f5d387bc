import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export interface ThreadClient {
  /** Resolves once the connection has closed. */
  readonly seen: Promise<Seen>;
}

/** The end of a connection, as the client saw it. */
export interface Seen {
  readonly text: string;
  /** The error code, such as ECONNRESET; null if the server closed the connection in the regular way. */
  readonly fault: string | null;
}

const CLIENT = `
const { connect } = require('node:net');
const { parentPort, workerData: { port, host, request, state } } = require('node:worker_threads');
const socket = connect(port, host);
let text = '';
let fault = null;
socket.on('connect', () => socket.write(request, () => {
  Atomics.store(state, 0, 1);
  Atomics.notify(state, 0);
}));
socket.on('data', (chunk) => (text += chunk.toString('latin1')));
socket.on('end', () => socket.end());
socket.on('error', (error) => (fault = error.code));
socket.on('close', () => parentPort.postMessage({ text, fault }));
`;

/**
 * Connects and sends a request from another thread, while this thread's event loop doesn't run. When this function returns,
 * the connection waits in the queue of the listening socket.
 */
export function connectWhileBlocked(port: number, request: string, host = '127.0.0.1'): ThreadClient {
  const state = new Int32Array(new SharedArrayBuffer(4));
  const thread = new Worker(CLIENT, { eval: true, workerData: { port, host, request, state } });
  const seen = once(thread, 'message').then(async ([message]) => {
    await thread.terminate();
    return message as Seen;
  });
  if (Atomics.wait(state, 0, 0, 60_000) === 'timed-out') throw new Error('The client did not connect within a minute.');
  return { seen };
}
