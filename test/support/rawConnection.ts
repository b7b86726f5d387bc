import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection on which the test writes the bytes. */
export interface RawConnection {
  readonly socket: Socket;
  /** Everything received so far. */
  readonly text: () => string;
  readonly isClosed: () => boolean;
  /** The error code, such as ECONNRESET; null: none so far. */
  readonly fault: () => string | null;
  /** Resolves when the connection has closed. */
  readonly closed: Promise<unknown>;
}

/** Connects to a port on loopback. Resolves when the connection is established. */
export async function openRaw(port: number): Promise<RawConnection> {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  let text = '';
  let closed = false;
  let fault: string | null = null;
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('error', (error: NodeJS.ErrnoException) => (fault = error.code ?? error.message));
  socket.on('close', () => (closed = true));
  const whenClosed = new Promise((resolve) => socket.once('close', resolve));
  await once(socket, 'connect');
  return { socket, text: () => text, isClosed: () => closed, fault: () => fault, closed: whenClosed };
}
