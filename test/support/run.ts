import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PROJECT } from './project.js';

/** The exit and the output of a program. */
export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Its variables in addition to PATH, the only one that it inherits. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: the project's directory. */
  readonly cwd?: string;
  /** In ms. Default: 60,000. */
  readonly timeout?: number;
}

/**
 * Runs a program to its end, while this process continues to serve. A program that hangs is killed, and its status is
 * null.
 */
export async function run(
  command: string,
  args: readonly string[],
  { env = {}, cwd = PROJECT, timeout = 60_000 }: RunOptions = {},
): Promise<Ran> {
  const child = spawn(command, args, {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stdout, stderr };
}

/** Runs a script of the examples with Node. */
export function runExample(file: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ran> {
  return run(process.execPath, [`examples/${file}`, ...args], { env });
}
