import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { PROJECT } from '../support/project.js';
import type { Ran } from '../support/run.js';
import { PROGRAM, STATE, type LatchkeyOptions } from './latchkey.js';

const HOST = fileURLToPath(new URL('./commandHost.mjs', import.meta.url));
/** In ms. */
const TIMEOUT = 150_000;

interface Command {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** In base64. */
  readonly input: string;
  readonly cwd: string;
}

/** A process that runs commands of a program, one after another. */
export class CommandHost {
  readonly #args: readonly string[];
  #child: ChildProcess | null = null;
  /** The last command. The next one waits for it. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param patience how long a command may keep the process alive after it has returned, in ms */
  constructor(program: string, patience = 10_000) {
    this.#args = [program, String(patience)];
  }

  run(command: Command): Promise<Ran> {
    const ran = this.#last.then(() => this.#run(command));
    this.#last = ran.catch(() => undefined);
    return ran;
  }

  close(): void {
    this.#child?.kill('SIGKILL');
  }

  async #run(command: Command): Promise<Ran> {
    if (this.#child?.connected !== true)
      this.#child = fork(HOST, this.#args, { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    const child = this.#child;
    let stderr = '';
    const read = (text: string): void => void (stderr += text);
    child.stderr?.setEncoding('utf8').on('data', read);
    const done = new AbortController();
    const limit = setTimeout(() => child.kill('SIGKILL'), TIMEOUT);
    try {
      child.send(command);
      return await Promise.race([
        once(child, 'message', { signal: done.signal }).then(([answer]) => answer as Ran),
        // The command failed like a program with an uncaught error.
        once(child, 'close', { signal: done.signal }).then(([status]) => ({
          status: status as number | null,
          stdout: '',
          stderr,
        })),
      ]);
    } finally {
      done.abort();
      clearTimeout(limit);
      child.stderr?.off('data', read);
    }
  }
}

const host = new CommandHost(PROGRAM);
afterAll(() => host.close());

/**
 * Works like `latchkey`, but runs all commands of a test file in one process, one after another. Starting a process takes ten times as long as
 * most commands. Use it to test the requests and the output of commands. Tests of a process itself, such as its signals and pipes, use
 * `latchkey`.
 *
 * A command that leaves something open, and so would not end, has the status null.
 */
export function latchkeyInOneProcess(
  args: readonly string[],
  { env = {}, input = '', cwd = PROJECT }: LatchkeyOptions = {},
): Promise<Ran> {
  return host.run({
    args,
    env: { PATH: process.env.PATH, XDG_STATE_HOME: STATE, ...env },
    input: Buffer.from(input).toString('base64'),
    cwd,
  });
}
