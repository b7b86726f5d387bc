import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT } from './project.js';
import type { Ran } from './run.js';

/**
 * Runs a shell command with the environment of this process, until the shell ends. The command may leave programs running,
 * even with its output: the output is a file, because a pipe would only end with the last of them.
 *
 * @param timeout in ms; a shell that takes longer is killed, and its status is null
 */
export async function shell(command: string, timeout: number): Promise<Ran> {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-shell-'));
  const [stdout, stderr] = [join(dir, 'stdout'), join(dir, 'stderr')];
  const files = [openSync(stdout, 'w'), openSync(stderr, 'w')];
  try {
    const child = spawn('sh', ['-c', command], { cwd: PROJECT, stdio: ['ignore', ...files], timeout });
    const [status] = (await once(child, 'exit')) as [number | null];
    return { status, stdout: readFileSync(stdout, 'utf8'), stderr: readFileSync(stderr, 'utf8') };
  } finally {
    for (const file of files) closeSync(file);
    rmSync(dir, { recursive: true, force: true });
  }
}
