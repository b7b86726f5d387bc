import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';

const MEMORY = '/dev/shm';
const PREFIX = 'latchkey-tests-';

/** A run needs about 1 GB. */
const LEAST_BYTES = 6 * 2 ** 30;

/**
 * Puts temporary files in memory, where a sync of SQLite takes no time. No test loses the power, so none needs a
 * disk. The directory of the system stays in use if it was chosen by TMPDIR, or if memory is short or must not contain programs.
 */
export default function useMemory() {
  if (process.env.TMPDIR !== undefined || !isSuitable()) return;
  removeOfEndedRuns();
  const directory = join(MEMORY, `${PREFIX}${process.pid}`);
  mkdirSync(directory, { mode: 0o700 });
  process.env.TMPDIR = directory;
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
}

function isSuitable() {
  if (!existsSync(MEMORY)) return false;
  const { bavail, bsize } = statfsSync(MEMORY);
  if (bavail * bsize < LEAST_BYTES || freemem() < LEAST_BYTES) return false;
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
  const options = mounts.map((line) => line.split(' ')).findLast(([, path]) => path === MEMORY)?.[3] ?? 'noexec';
  return !options.split(',').includes('noexec');
}

/** Runs that were killed leave their files. */
function removeOfEndedRuns() {
  for (const name of readdirSync(MEMORY)) {
    if (!name.startsWith(PREFIX) || existsSync(`/proc/${name.slice(PREFIX.length)}`)) continue;
    rmSync(join(MEMORY, name), { recursive: true, force: true });
  }
}
