import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import type { BesidesStart, FromPrimary, FromWorker } from './messages.js';

/** The delay before an ended worker is replaced, in ms. Doubles with each worker that ended soon after its start. */
const MIN_DELAY = 100;
const MAX_DELAY = 5_000;

/** The time that a worker must be ready to count as one that lasted, in ms. */
const LASTED = 60_000;

interface FleetOptions {
  readonly size: number;
  /** Variables for all workers, in addition to those of the primary. */
  readonly env: Readonly<Record<string, string>>;
  readonly logger: Logger;
  readonly onMessage: (message: BesidesStart, worker: Worker) => void;
  /** Called when a worker can take connections. */
  readonly onReady: (worker: Worker) => void;
  /** Called when a worker sends no more messages. */
  readonly onEnd: (worker: Worker) => void;
}

/** The error of a start that is stopped before it is complete. */
const NEVER = new Promise<never>(() => undefined);

/** One worker, from its fork to its end. */
interface Life {
  readonly worker: Worker;
  /** When it became ready, in ms of the process; null if it is not ready yet. */
  since: number | null;
  /** Resolves when it can take connections. Never settles if it ends before that. */
  readonly ready: Promise<void>;
  /** Resolves when it has asked its callers to reconnect elsewhere. */
  readonly left: Promise<void>;
  /** Resolves when it has ended and all its messages were handled. */
  readonly ended: Promise<End>;
}

interface End {
  /** A description. */
  readonly how: string;
  readonly clean: boolean;
  /** A signal ended it, for example from the kernel because of low memory. */
  readonly killed: boolean;
}

/**
 * The worker processes of one primary: forks them, replaces each worker that ends, and ends them all.
 *
 * Messages are sent as JSON, the default of node:cluster: for small messages, which are nearly all of the traffic, it takes a fifth less
 * time than structured clones, which are only faster from a hundred questions per message.
 */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #lives = new Set<Life>();
  #draining = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    cluster.setupPrimary({ exec: fileURLToPath(import.meta.resolve('./worker.js')), args: [] });
  }

  /**
   * Starts all workers. The first one initializes an empty store. The others start when it is ready.
   *
   * @throws Error if a worker can't start. A worker that is killed during its start is started again.
   */
  async start(): Promise<void> {
    await this.#startOne();
    await Promise.all(Array.from({ length: this.#options.size - 1 }, () => this.#startOne()));
  }

  /** The running workers, including those that are still starting. */
  get workers(): readonly Worker[] {
    return [...this.#lives].map(({ worker }) => worker);
  }

  /** Sends a message to all workers but one. */
  tellOthers(message: FromPrimary, one: Worker | null = null): void {
    for (const { worker } of this.#lives) if (worker !== one) tell(worker, message);
  }

  /**
   * Lets all workers ask their callers to reconnect elsewhere. They continue to serve.
   *
   * @param delay the maximum time, in ms
   */
  async leave(delay: number): Promise<void> {
    this.#draining = true;
    this.tellOthers({ kind: 'leave', delay });
    await Promise.all([...this.#lives].map(({ left, ended }) => Promise.race([left, ended])));
  }

  /**
   * Lets all workers finish their requests and end. They must get no more connections after this call.
   *
   * @throws Error if one of them didn't end cleanly
   */
  async drain(): Promise<void> {
    this.#draining = true;
    this.tellOthers({ kind: 'drain' });
    const ends = await Promise.all([...this.#lives].map(({ ended }) => ended));
    const unclean = ends.find(({ clean }) => !clean);
    if (unclean !== undefined) throw new Error(unclean.how);
  }

  /** Ends all workers immediately. Uses SIGKILL, because a worker that hangs handles no other signal. */
  kill(): void {
    this.#draining = true;
    for (const { worker } of this.#lives) worker.process.kill('SIGKILL');
  }

  /** Resolves when a worker is ready, and replaces it whenever it ends. */
  async #startOne(): Promise<void> {
    for (let wait = MIN_DELAY; ; wait = Math.min(2 * wait, MAX_DELAY)) {
      const life = this.#fork();
      const end = await Promise.race([life.ready, life.ended]);
      if (this.#isDraining()) return NEVER;
      if (end === undefined) {
        void this.#keep(life);
        return;
      }
      if (!end.killed) throw new Error(end.how);
      await this.#pause(life, end, wait);
      if (this.#isDraining()) return NEVER;
    }
  }

  /** Replaces a worker when it ends. */
  async #keep(life: Life): Promise<void> {
    let wait = MIN_DELAY;
    for (;;) {
      const end = await life.ended;
      if (this.#isDraining()) return;
      const lasted = life.since !== null && performance.now() - life.since >= LASTED;
      wait = lasted ? MIN_DELAY : Math.min(2 * wait, MAX_DELAY);
      await this.#pause(life, end, wait);
      if (this.#isDraining()) return;
      life = this.#fork();
    }
  }

  async #pause({ worker }: Life, { how }: End, wait: number): Promise<void> {
    this.#options.logger.error({ worker: worker.process.pid, how, wait }, 'a worker ended; another takes its place');
    await delay(wait);
  }

  /** Not the field itself, because the compiler assumes that it doesn't change during an await. */
  #isDraining(): boolean {
    return this.#draining;
  }

  #fork(): Life {
    const worker = cluster.fork(this.#options.env);
    worker.on('error', () => undefined);
    let reason: string | null = null;
    const [ready, isReady] = signal();
    const [left, hasLeft] = signal();
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'ready') {
        life.since = performance.now();
        this.#options.onReady(worker);
        isReady();
      } else if (message.kind === 'failed') reason = message.reason;
      else if (message.kind === 'left') hasLeft();
      else if (message.kind === 'stopped') tell(worker, { kind: 'end' });
      else this.#options.onMessage(message, worker);
    });
    const ended = endOf(worker).then((end) => {
      this.#lives.delete(life);
      this.#options.onEnd(worker);
      return reason === null ? end : { ...end, how: reason };
    });
    const life: Life = { worker, since: null, ready, left, ended };
    this.#lives.add(life);
    return life;
  }
}

/**
 * Sends a message to a worker. A worker that is ending may not receive it, which is not an error.
 *
 * @param socket a connection to send with it. It stays open here.
 */
export function tell(worker: Worker, message: FromPrimary, socket?: Socket): void {
  if (worker.isConnected()) worker.send(message, socket, { keepOpen: true }, () => undefined);
}

/** A promise and the function that resolves it. */
function signal(): [Promise<void>, () => void] {
  let give = (): void => undefined;
  const given = new Promise<void>((resolve) => (give = resolve));
  return [given, () => give()];
}

async function endOf(worker: Worker): Promise<End> {
  try {
    const [code, signal] = (await once(worker, 'exit')) as [number | null, string | null];
    // The exit event can arrive before the last message. The event `disconnect` can't be used: it waits for queued messages, and behind a
    // connection that was being passed to the worker it would wait forever.
    while (worker.isConnected()) await delay(MIN_DELAY / 10);
    return {
      how: `A worker ended ${signal === null ? `with code ${code ?? 'unknown'}` : `by ${signal}`}.`,
      clean: code === 0,
      killed: signal !== null,
    };
  } catch (error) {
    return {
      how: `A worker could not be started: ${error instanceof Error ? error.message : 'unknown'}.`,
      clean: false,
      killed: false,
    };
  }
}
