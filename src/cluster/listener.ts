import type { Worker } from 'node:cluster';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tell } from './fleet.js';

/** Connections that one worker has been given and has not taken yet. A worker with more of them is busy or hangs. */
const MAX_GIVEN = 64;

/** Connections that wait while no worker can take one. Later ones are closed. */
const MAX_WAITING = 1_024;

/** How long a connection waits for a worker, in ms. */
const MAX_WAIT = 15_000;

/**
 * The listening socket of a service with several workers. It belongs to the primary, so that connections are accepted while
 * workers end and start.
 *
 * A connection is given to the worker that has the fewest untaken ones. It stays open here until that worker has taken it:
 * if the worker ends before that, another worker gets the connection, and the caller sees nothing of it.
 */
export class Listener {
  readonly #servers: readonly Server[];
  /** The workers that take connections, and what each was given and has not taken. In the order of their next turns. */
  readonly #given = new Map<Worker, Map<number, Socket>>();
  readonly #waiting: Socket[] = [];
  #lastId = 0;

  private constructor(servers: readonly Server[]) {
    this.#servers = servers;
    for (const server of servers) server.on('connection', (socket) => this.#accept(socket));
  }

  /**
   * Listens at once. Connections wait for the first worker.
   *
   * @param host a host name or address; `localhost` means each of its addresses
   * @throws Error EADDRINUSE and others, as of `net.Server.listen`
   */
  static async open(port: number, host: string): Promise<Listener> {
    const first = await listen(port, host);
    const servers = [first];
    if (host === 'localhost') {
      const { address, port: bound } = addressOf(first);
      for (const other of await lookup(host, { all: true })) {
        if (other.address === address) continue;
        // A machine may name an address that it doesn't have, such as ::1 where IPv6 is switched off.
        const server = await listen(bound, other.address).catch(() => null);
        if (server !== null) servers.push(server);
      }
    }
    return new Listener(servers);
  }

  /** The URL for callers on this machine. */
  urlOf(scheme: 'http' | 'https'): string {
    const [server] = this.#servers;
    const { address, family, port } = addressOf(server);
    const host = ANY_ADDRESS[address] ?? address;
    return new URL(`${scheme}://${family === 'IPv6' && host === address ? `[${host}]` : host}:${port}`).origin;
  }

  /** Gives connections to this worker from now on. */
  add(worker: Worker): void {
    this.#given.set(worker, new Map());
    this.#giveWaiting();
  }

  /** Gives connections that this worker has not taken to others. Call it when the worker has ended. */
  remove(worker: Worker): void {
    const untaken = this.#given.get(worker);
    if (untaken === undefined) return;
    this.#given.delete(worker);
    for (const socket of untaken.values()) this.#give(socket);
  }

  /** The worker has taken the connection of this number. */
  taken(worker: Worker, id: number): void {
    const untaken = this.#given.get(worker);
    // Only this process' copy: the worker holds the connection.
    untaken?.get(id)?.destroy();
    untaken?.delete(id);
    this.#giveWaiting();
  }

  /** Accepts no more connections. Those that wait are still given away. */
  close(): void {
    for (const server of this.#servers) server.close();
  }

  #accept(socket: Socket): void {
    // Nothing is read or written here. A caller who has gone is noticed by the worker.
    socket.on('error', () => undefined);
    this.#give(socket);
  }

  #give(socket: Socket): void {
    const worker = this.#next();
    if (worker === null) this.#wait(socket);
    else this.#handOver(socket, worker);
  }

  #handOver(socket: Socket, worker: Worker): void {
    const id = (this.#lastId += 1);
    const untaken = this.#given.get(worker) ?? new Map<number, Socket>();
    // Behind the others, so that workers with equally many take turns.
    this.#given.delete(worker);
    this.#given.set(worker, untaken.set(id, socket));
    tell(worker, { kind: 'connection', id }, socket);
  }

  #next(): Worker | null {
    let best: Worker | null = null;
    let fewest = MAX_GIVEN;
    for (const [worker, { size }] of this.#given) {
      if (size < fewest && worker.isConnected()) [best, fewest] = [worker, size];
    }
    return best;
  }

  #wait(socket: Socket): void {
    if (this.#waiting.length >= MAX_WAITING) {
      socket.destroy();
      return;
    }
    socket.setTimeout(MAX_WAIT, () => socket.destroy());
    this.#waiting.push(socket);
  }

  #giveWaiting(): void {
    while (this.#waiting.length > 0) {
      const worker = this.#next();
      if (worker === null) return;
      const socket = this.#waiting.shift();
      if (socket === undefined || socket.destroyed) continue;
      socket.setTimeout(0);
      this.#handOver(socket, worker);
    }
  }
}

/** What a caller on this machine connects to where a server listens on all addresses. */
const ANY_ADDRESS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' };

async function listen(port: number, host: string): Promise<Server> {
  // What node:http sets for its own connections. Paused: whatever arrives is for the worker to read.
  const server = createServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: true });
  server.listen({ port, host });
  await once(server, 'listening');
  return server;
}

function addressOf(server: Server | undefined): AddressInfo {
  const address = server?.address() ?? null;
  if (address === null || typeof address === 'string') throw new Error('The server does not listen on a port.');
  return address;
}
