import { fork } from 'node:child_process';
import { once } from 'node:events';
import { clearTimeout, setTimeout } from 'node:timers';
import { fileURLToPath } from 'node:url';

/** @type {Set<Child>} */
const running = new Set();

/** How long a child may take to end by itself, in ms. It writes its CPU profile in this time. */
const PATIENCE = 10_000;

/**
 * A process that a row measures. It ends with this process, even if this process crashes, because its channel closes.
 */
export class Child {
  #process;
  #calls = new Map();
  #last = 0;

  /**
   * Starts a module of bench/servers.
   * @param {string} name of the module
   * @param {{ name?: string } & Record<string, unknown>} options handed to it; `name` is the name of a CPU profile
   * @param {readonly string[]} [flags] of Node
   * @returns {Promise<Child>} once it is ready
   */
  static async start(name, options, flags = []) {
    const child = new Child(name, options, flags);
    running.add(child);
    child.ready = await child.#wait('ready');
    return child;
  }

  constructor(name, options, flags) {
    const profiles = process.env.BENCH_PROF_DIR;
    const profile = `${options.name ?? name}.${Date.now()}.cpuprofile`;
    this.#process = fork(fileURLToPath(new URL(`../servers/${name}.js`, import.meta.url)), {
      execArgv: [
        ...flags,
        ...(profiles === undefined
          ? []
          : ['--cpu-prof', `--cpu-prof-dir=${profiles}`, `--cpu-prof-name=${profile.replaceAll(/[^\w.-]+/g, '-')}`]),
      ],
      env: { ...process.env, NODE_ENV: 'production' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    // Not as an argument: thousands of tokens do not fit into one.
    this.#process.send(options);
    this.#process.on('message', ({ id, result, error }) => {
      const call = this.#calls.get(id);
      this.#calls.delete(id);
      if (error === undefined) call?.resolve(result);
      else call?.reject(new Error(error));
    });
    this.#process.once('exit', (code, signal) => {
      running.delete(this);
      for (const { reject } of this.#calls.values()) reject(new Error(`${name} ended: ${signal ?? code}`));
    });
  }

  get pid() {
    return this.#process.pid;
  }

  /** Has the child run one of its functions. @param {string} call @param {...unknown} args */
  call(call, ...args) {
    const id = (this.#last += 1);
    this.#process.send({ id, call, args });
    return this.#wait(id);
  }

  async stop() {
    if (!running.has(this)) return;
    const ended = once(this.#process, 'exit');
    this.#process.disconnect();
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), PATIENCE);
    await ended;
    clearTimeout(timer);
  }

  #wait(id) {
    return new Promise((resolve, reject) => this.#calls.set(id, { resolve, reject }));
  }
}

export async function stopChildren() {
  await Promise.all([...running].map((child) => child.stop()));
}
