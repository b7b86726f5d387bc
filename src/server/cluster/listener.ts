import type { Worker } from 'node:cluster';
import type { AddressInfo, Server, Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { deadline } from '../../core/util/deadline.js';
import { listen, listenOnOthers } from '../net/listen.js';
import { stopAccepting } from '../net/stopAccepting.js';
import { tell } from './fleet.js';

/** Connections that wait while no worker can take one. Later ones are closed. */
const MAX_WAITING = 1_024;

/** How long a connection waits for a worker, in ms. */
const MAX_WAIT = 15_000;

/** How long a worker that could not open a connection (it may have too many open files) gets no more connections, in ms. */
const REST = 1_000;

/** A worker that doesn't take a connection within this time hangs, and is killed. In ms. */
const HANGS = 30_000;

/** How long a stop waits for workers to take connections that were accepted, in ms. */
const CLOSE_TIME = 1_000;

/** A connection that was passed to a worker, which has not accepted it yet. */
interface Given {
  readonly id: number;
  readonly socket: Socket;
  readonly timer: NodeJS.Timeout;
}

/**
 * The listening socket of a service with several workers. It belongs to the primary, so that connections are accepted while
 * workers end and start.
 *
 * A worker gets one connection at a time: Node holds back all other messages to a worker until it has received a connection,
 * and answers about limits must not wait behind a flood of those. A connection stays open here until its worker has taken it.
 * If the worker ends before that, another one gets the connection, without the caller noticing.
 */
export class Listener {
  readonly #servers: readonly Server[];
  /** The workers that can be given a connection, in the order of their turns. */
  readonly #idle = new Set<Worker>();
  readonly #given = new Map<Worker, Given>();
  /** The workers that would refuse a connection, because of MAX_CONNECTIONS. */
  readonly #full = new Set<Worker>();
  readonly #waiting = new Set<Socket>();
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
    const servers = [await listen(port, host, true)];
    if (host === 'localhost') servers.push(...(await listenOnOthers(addressOf(servers[0]), true)));
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
    this.#idle.add(worker);
    this.#giveWaiting();
  }

  /** Gives the connection that this worker has not taken to another. Call it when the worker has ended. */
  remove(worker: Worker): void {
    this.#idle.delete(worker);
    this.#full.delete(worker);
    const given = this.#takeBack(worker);
    if (given !== null) this.#give(given);
  }

  /**
   * The worker has the connection with this number, or has refused it.
   *
   * @param isFull whether the worker would refuse the next one
   */
  taken(worker: Worker, id: number, isFull: boolean): void {
    if (this.#given.get(worker)?.id !== id) return;
    if (isFull) this.#full.add(worker);
    else this.#full.delete(worker);
    // Only this process' copy: the worker holds the connection.
    this.#takeBack(worker)?.destroy();
    this.add(worker);
  }

  /** The worker is no longer full. */
  hasRoom(worker: Worker): void {
    this.#full.delete(worker);
    this.#giveWaiting();
  }

  /** The connection of this number did not reach the worker. Another one gets it. */
  lost(worker: Worker, id: number): void {
    if (this.#given.get(worker)?.id !== id) return;
    const socket = this.#takeBack(worker);
    setTimeout(() => {
      if (worker.isConnected()) this.add(worker);
    }, REST).unref();
    if (socket !== null) this.#give(socket);
  }

  /**
   * Stops accepting connections. Resolves when workers have taken the accepted ones, or after a second. Then it closes the
   * connections that still wait for a worker.
   */
  async close(): Promise<void> {
    await stopAccepting(this.#servers);
    const end = performance.now() + CLOSE_TIME;
    while (this.#waiting.size + this.#given.size > 0 && performance.now() < end) await delay(10);
    for (const socket of this.#waiting) socket.destroy();
  }

  #accept(socket: Socket): void {
    // This process neither reads nor writes. The worker notices if the caller has gone.
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
    const timer = deadline(HANGS, () => {
      if (this.#given.get(worker)?.id === id) worker.process.kill('SIGKILL');
    });
    this.#idle.delete(worker);
    this.#given.set(worker, { id, socket, timer });
    tell(worker, { kind: 'connection', id }, socket);
    // Sent after the connection, because Node doesn't report that the other process could not open it.
    tell(worker, { kind: 'given', id });
  }

  #takeBack(worker: Worker): Socket | null {
    const given = this.#given.get(worker);
    if (given === undefined) return null;
    this.#given.delete(worker);
    clearTimeout(given.timer);
    return given.socket;
  }

  /**
   * The next worker with room; null if the connection has to wait. If all workers are full, it is the next one of them, which
   * refuses the connection and counts that.
   */
  #next(): Worker | null {
    let full: Worker | null = null;
    for (const worker of this.#idle) {
      if (!worker.isConnected()) continue;
      if (!this.#full.has(worker)) return worker;
      full ??= worker;
    }
    const mayHaveRoom = [...this.#given.keys()].some((worker) => !this.#full.has(worker));
    return mayHaveRoom ? null : full;
  }

  #wait(socket: Socket): void {
    if (this.#waiting.size >= MAX_WAITING) {
      socket.destroy();
      return;
    }
    socket.setTimeout(MAX_WAIT, () => socket.destroy());
    socket.once('close', () => this.#waiting.delete(socket));
    this.#waiting.add(socket);
  }

  #giveWaiting(): void {
    for (const socket of this.#waiting) {
      const worker = this.#next();
      if (worker === null) return;
      this.#waiting.delete(socket);
      socket.setTimeout(0);
      this.#handOver(socket, worker);
    }
  }
}

/** The local address to connect to if a server listens on all addresses. */
const ANY_ADDRESS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' };

function addressOf(server: Server | undefined): AddressInfo {
  const address = server?.address() ?? null;
  if (address === null || typeof address === 'string') throw new Error('The server does not listen on a port.');
  return address;
}
