import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import type { BesidesStart, FromPrimary, FromWorker } from './messages.js';

/** How long a place stays empty after its worker ended, in ms: doubled with each worker that did not last. */
const MIN_DELAY = 100;
const MAX_DELAY = 5_000;

/** How long a worker must have listened to count as one that lasted, in ms. */
const LASTED = 60_000;

export interface FleetOptions {
  readonly size: number;
  readonly logger: Logger;
  readonly onMessage: (message: BesidesStart, worker: Worker) => void;
  /** Called once nothing more comes from a worker. */
  readonly onEnd: (worker: Worker) => void;
}

/** The start of a fleet that is told to end: whoever told it decides what comes. */
const NEVER = new Promise<never>(() => undefined);

/** One worker, from its fork to its end. */
interface Life {
  readonly worker: Worker;
  /** When it listened, in ms of the process; null: not yet. */
  since: number | null;
  /** Its address. Never settles where it ends before it listens. */
  readonly listening: Promise<string>;
  /** Resolves when it has ended and everything that it said was heard. */
  readonly ended: Promise<End>;
}

interface End {
  /** In words. */
  readonly how: string;
  readonly clean: boolean;
}

/**
 * The worker processes of one primary: forks them, puts another into the place of each that ends, and ends them all.
 *
 * Messages travel as JSON, node:cluster's default: for the small ones that make up nearly all of the traffic it takes a
 * fifth less than structured clones, which win only from a hundred questions a message on.
 */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #lives = new Set<Life>();
  #address: string | null = null;
  /** Of the workers, beside the primary's own. */
  #environment: { readonly PORT?: string } = {};
  #draining = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    cluster.setupPrimary({ exec: fileURLToPath(import.meta.resolve('./worker.js')), args: [] });
  }

  /**
   * The first worker makes what an empty store lacks; the others follow once it listens.
   * @returns the address @throws Error where a worker ends before it listens
   */
  async start(): Promise<string> {
    const first = this.#fork();
    this.#address = await this.#started(first);
    if (this.#draining) return NEVER;
    const others = Array.from({ length: this.#options.size - 1 }, () => this.#fork());
    await Promise.all(others.map((life) => this.#started(life)));
    for (const life of [first, ...others]) void this.#keep(life);
    return this.#address;
  }

  /** Those that live, the ones that do not listen yet among them. */
  get workers(): readonly Worker[] {
    return [...this.#lives].map(({ worker }) => worker);
  }

  /** To all workers but one. */
  tellOthers(message: FromPrimary, one: Worker | null = null): void {
    for (const { worker } of this.#lives) if (worker !== one) tell(worker, message);
  }

  /**
   * Has all workers finish their requests and end.
   *
   * @param delay for how long they go on serving at most, in ms
   * @throws Error if one of them didn't end cleanly
   */
  async drain(delay: number): Promise<void> {
    this.#draining = true;
    this.tellOthers({ kind: 'drain', delay });
    const ends = await Promise.all([...this.#lives].map(({ ended }) => ended));
    const unclean = ends.find(({ clean }) => !clean);
    if (unclean !== undefined) throw new Error(unclean.how);
  }

  /** Ends all workers at once. SIGKILL: one that hangs would hear nothing else. */
  kill(): void {
    this.#draining = true;
    for (const { worker } of this.#lives) worker.process.kill('SIGKILL');
  }

  async #started({ listening, ended }: Life): Promise<string> {
    const end = await Promise.race([listening, ended]);
    if (typeof end === 'string') return end;
    if (this.#draining) return NEVER;
    throw new Error(end.how);
  }

  /** Sees that the place of a worker stays taken. */
  async #keep(life: Life): Promise<void> {
    let wait = MIN_DELAY;
    for (;;) {
      const { how } = await life.ended;
      if (this.#isDraining()) return;
      const lasted = life.since !== null && performance.now() - life.since >= LASTED;
      wait = lasted ? MIN_DELAY : Math.min(2 * wait, MAX_DELAY);
      this.#options.logger.error(
        { worker: life.worker.process.pid, how, wait },
        'a worker ended; another takes its place',
      );
      await delay(wait);
      if (this.#isDraining()) return;
      life = this.#fork();
    }
  }

  /** Not the field itself, which a compiler takes for unchanged over an await. */
  #isDraining(): boolean {
    return this.#draining;
  }

  #fork(): Life {
    // With its last worker the primary lets go of the port: one that was picked has to be asked for by its number then.
    if (this.#address !== null && this.#lives.size === 0) {
      // Empty for a scheme's own port, which nobody picks.
      const { port } = new URL(this.#address);
      if (port !== '') this.#environment = { PORT: port };
    }
    const worker = cluster.fork(this.#environment);
    worker.on('error', () => undefined);
    let reason: string | null = null;
    const listening = new Promise<string>((resolve) => {
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'listening') {
          life.since = performance.now();
          resolve(message.address);
        } else if (message.kind === 'failed') reason = message.reason;
        else if (message.kind === 'stopped') tell(worker, { kind: 'end' });
        else this.#options.onMessage(message, worker);
      });
    });
    const ended = endOf(worker).then((end) => {
      this.#lives.delete(life);
      this.#options.onEnd(worker);
      return reason === null ? end : { ...end, how: reason };
    });
    const life: Life = { worker, since: null, listening, ended };
    this.#lives.add(life);
    return life;
  }
}

/** A worker that is just ending hears nothing, and that is no fault of the primary's. */
export function tell(worker: Worker, message: FromPrimary): void {
  if (worker.isConnected()) worker.send(message, () => undefined);
}

async function endOf(worker: Worker): Promise<End> {
  try {
    const [code, signal] = (await once(worker, 'exit')) as [number | null, string | null];
    // The exit may be heard of before the last message is. Not the event `disconnect`, which waits for what is queued:
    // behind a connection that was just being handed over it waits for ever.
    while (worker.isConnected()) await delay(MIN_DELAY / 10);
    return {
      how: `A worker ended ${signal === null ? `with code ${code ?? 'unknown'}` : `by ${signal}`}.`,
      clean: code === 0,
    };
  } catch (error) {
    return {
      how: `A worker could not be started: ${error instanceof Error ? error.message : 'unknown'}.`,
      clean: false,
    };
  }
}
