import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { atEnd } from './atEnd.js';
import { memoryOf, peakMemoryOf, processorTimeOf } from './processOf.js';
import { temporaryDirectory } from './temporary.js';

/** The operator's key of a measured program. */
export const OPERATOR = 'operator-key-of-a-bench-0123456789';

/** The built program, started like `npm start`, with SQLite in a new directory. */
export class Program {
  #process;
  #printed = '';

  /** @type {string} `http://127.0.0.1:<port>` */
  origin = '';

  /**
   * @param {Record<string, string>} [env] settings
   * @param {readonly string[]} [flags] of Node
   */
  static async start(env = {}, flags = []) {
    const program = new Program(env, flags);
    // Otherwise it would keep a run that has failed from ending.
    atEnd(() => program.stop());
    await program.#listens();
    return program;
  }

  constructor(env, flags) {
    this.#process = spawn(process.execPath, [...flags, 'dist/main.js'], {
      env: {
        PATH: process.env.PATH,
        PORT: '0',
        DATA_DIR: temporaryDirectory(),
        ADMIN_API_KEY: OPERATOR,
        LOG_LEVEL: 'warn',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream.on('data', (chunk) => (this.#printed = (this.#printed + String(chunk)).slice(-20_000)));
  }

  async #listens() {
    const address = /http:\/\/127\.0\.0\.1:\d+/;
    while (!address.test(this.#printed)) {
      if (!this.isAlive) throw new Error(this.#printed);
      await pause(50);
    }
    this.origin = address.exec(this.#printed)?.[0] ?? '';
  }

  get isAlive() {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  get pid() {
    return this.#process.pid;
  }

  /** CPU time so far, in ms. */
  get cpu() {
    return processorTimeOf(this.#process.pid);
  }

  /** Resident memory, in MB. */
  get memory() {
    return memoryOf(this.#process.pid);
  }

  /** The most resident memory so far, in MB. */
  get peak() {
    return peakMemoryOf(this.#process.pid);
  }

  /** Returns status, text and time in ms of one request; status -1 if the connection broke. */
  async ask(path, { token, address, body, headers = {}, method = 'POST' } = {}) {
    const began = performance.now();
    try {
      const response = await fetch(this.origin + path, {
        method,
        headers: {
          'content-type': 'application/json',
          ...(token && { authorization: `Bearer ${token}` }),
          ...(address && { 'x-forwarded-for': address }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(60_000),
      });
      const text = await response.text();
      return { status: response.status, ms: performance.now() - began, text };
    } catch (error) {
      return { status: -1, ms: performance.now() - began, text: String(error) };
    }
  }

  query(source, options, variables) {
    return this.ask('/graphql', { ...options, body: { query: source, variables } });
  }

  /** Runs a mutation that has one input, and returns its payload. */
  async mutate(name, input, token, fields) {
    const type = `${name[0].toUpperCase()}${name.slice(1)}Input`;
    const { text } = await this.query(
      `mutation ($input: ${type}!) { ${name}(input: $input) { ${fields} } }`,
      { token },
      {
        input,
      },
    );
    const { data } = JSON.parse(text);
    if (data?.[name] == null) throw new Error(text);
    return data[name];
  }

  /** The admin key of a new workspace. */
  async tenant(tier) {
    const input = { name: `${tier} ${Math.random()}`, tier };
    return (await this.mutate('createWorkspace', input, OPERATOR, 'token')).token;
  }

  async stop() {
    if (!this.isAlive) return;
    this.#process.kill('SIGTERM');
    await once(this.#process, 'exit');
  }
}

/** A selection of one field under many names. */
export function aliases(count, field) {
  return Array.from({ length: count }, (_, i) => `a${i}: ${field}`).join(' ');
}
