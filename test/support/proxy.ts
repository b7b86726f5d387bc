import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy on loopback that can fail: what one process has between itself and a server. */
export interface TestProxy {
  readonly port: number;
  /** Ends all connections and refuses new ones, or lets them through again. */
  cut(isCut: boolean): void;
  /** Swallows everything in both directions without ending a connection, or lets it through again: what was swallowed is lost. */
  swallow(isSwallowing: boolean): void;
  /**
   * Delivers nothing in both directions, as a network that is away and comes back, where TCP sends again: false delivers all that
   * was held. New connections are accepted meanwhile, and get no answer either.
   */
  hold(isHolding: boolean): void;
  /** Delays each answer by so many ms. */
  slow(ms: number): void;
  /** Ends all connections, and leads new ones there. */
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
        // Writes the oldest, and not its own: timers of different lengths may fire in another order than they are due.
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
