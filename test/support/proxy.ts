import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy on loopback that can fail, between one process and a server. */
export interface TestProxy {
  readonly port: number;
  /** Ends all connections and refuses new ones, or lets them through again. */
  cut(isCut: boolean): void;
  /** Drops all data in both directions without ending a connection, or forwards data again. Dropped data is lost. */
  swallow(isSwallowing: boolean): void;
  /**
   * Delays all data in both directions, like a network outage after which TCP retransmits: false delivers the delayed
   * data. New connections are accepted in the meantime, but get no response.
   */
  hold(isHolding: boolean): void;
  /** Delays each response by this number of ms. */
  slow(ms: number): void;
  /** Ends all connections, and forwards new ones to this port. */
  lead(port: number): void;
  close(): Promise<void>;
}

export async function startProxy(target: number): Promise<TestProxy> {
  let [port, isCut, swallows, delay] = [target, false, false, 0];
  const sockets = new Set<Socket>();
  let held: (() => void)[] | null = null;
  const server = createServer((caller) => {
    if (isCut) return void caller.destroy();
    const answerer = connect(port, '127.0.0.1');
    for (const [from, to, isAnswer] of [
      [caller, answerer, false],
      [answerer, caller, true],
    ] as const) {
      let due = 0;
      const waiting: Buffer[] = [];
      sockets.add(from);
      from.setNoDelay(true);
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on('data', (data) => {
        if (swallows) return;
        if (held !== null) return void held.push(() => to.write(data));
        const at = isAnswer ? Math.max(due, performance.now() + delay) : 0;
        due = at;
        if (at <= performance.now() && waiting.length === 0) return void to.write(data);
        waiting.push(data);
        // Writes the oldest data, which another timer may have queued: timers of different lengths can fire in another
        // order than they are due.
        setTimeout(() => void to.write(waiting.shift() ?? ''), Math.max(1, at - performance.now())).unref();
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const end = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut(value) {
      isCut = value;
      if (value) end();
    },
    swallow: (value) => void (swallows = value),
    hold(isHolding) {
      const late = held ?? [];
      held = isHolding ? late : null;
      if (!isHolding) for (const deliver of late) deliver();
    },
    slow: (ms) => void (delay = ms),
    lead(to) {
      port = to;
      end();
    },
    async close() {
      end();
      server.close();
      await once(server, 'close');
    },
  };
}
