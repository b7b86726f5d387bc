import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { once } from 'node:events';
import { join } from 'node:path';
import { isBuilt } from '../support/built.js';
import { PROJECT } from '../support/project.js';
import type { Ran } from '../support/run.js';

if (!isBuilt)
  throw new Error('dist/ is older than src/, and the command line is tested as it is installed. Run: npm run build');

/** A directory for the state of the command line, separate from the developer's. */
export const STATE = mkdtempSync(join(tmpdir(), 'latchkey-state-'));
process.on('exit', () => rmSync(STATE, { recursive: true, force: true }));

/** The installed program. */
export const PROGRAM = join(PROJECT, 'dist/cli/main.js');

export interface LatchkeyOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input. Default: empty. */
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
}

/** Runs `latchkey` until it ends, with only PATH from this process' environment. */
export async function latchkey(
  args: readonly string[],
  { env = {}, input = '', cwd = PROJECT }: LatchkeyOptions = {},
): Promise<Ran> {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd,
    env: { PATH: process.env.PATH, XDG_STATE_HOME: STATE, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: 150_000,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // It may end before it has read everything.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stdout, stderr };
}
