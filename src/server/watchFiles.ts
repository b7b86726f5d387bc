import { createHash } from 'node:crypto';
import { constants, watch, type FSWatcher } from 'node:fs';
import { lstat, open, readlink, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

export interface WatchOptions {
  /** How long files must stay unchanged before a change is reported, in milliseconds. Default: 200. */
  readonly settle?: number;
  /** The time between two checks without an event, in milliseconds. Default: 10,000. */
  readonly interval?: number;
}

export interface FileWatch {
  /** Resolves when the files were read for the first time. Only later changes are reported. */
  readonly begun: Promise<void>;
  /** Stops watching. Idempotent. */
  close(): void;
}

/** The maximum size of files whose content is compared. For larger files, the size and modification time are compared. */
const MAX_BYTES = 2_000_000;
/** The maximum number of links on the way to a file, such as `latchkey.yaml`, `..data`, and those that an operator adds. */
const MAX_LINKS = 10;

/**
 * Calls a function when the content of files changes, whether they are renamed, written in place, or behind links that change, as
 * Kubernetes does for a mounted ConfigMap or Secret.
 *
 * Events of directories trigger a check, which compares digests of the contents: an editor causes several events for one change,
 * network file systems cause none, and touching a file is not a change. A check every `interval` replaces missing events. A change is
 * reported after the contents have stayed the same for `settle`, so that a file that is emptied and then written is not read too early.
 *
 * @param paths called at each check, because a configuration may name other files after a reload
 * @param changed called once for each new content, and if a file is removed. Must not throw
 */
export function watchFiles(
  paths: () => readonly string[],
  changed: () => void,
  { settle = 200, interval = 10_000 }: WatchOptions = {},
): FileWatch {
  let known: Contents | null = null;
  let candidate: Contents | null = null;
  let closed = false;
  let looking = false;
  let again = false;
  let timer: NodeJS.Timeout | null = null;
  /** Whether the timer was set by an event or a recent change, not by `interval`. */
  let soon = false;
  const directories = new Directories(() => {
    if (looking) again = true;
    // Further events don't postpone the check. Otherwise a busy file in the directory would postpone it forever.
    else if (!soon) lookIn(settle);
  });

  const lookIn = (ms: number): void => {
    if (closed) return;
    if (timer !== null) clearTimeout(timer);
    soon = ms === settle;
    timer = setTimeout(() => void look(), ms).unref();
  };
  const look = async (): Promise<void> => {
    looking = true;
    soon = false;
    again = false;
    const now = paths();
    await directories.follow(now);
    const seen = await digestsOf(now);
    looking = false;
    if (isClosed()) return;
    const isNew = known !== null && !sayTheSame(known, seen);
    const isSettled = candidate !== null && sayTheSame(candidate, seen);
    candidate = isNew ? seen : null;
    if (!isNew || isSettled) known = seen;
    if (isNew && isSettled) changed();
    // Also check soon after a change, because there may be other files to watch.
    lookIn(isNew || isAskedAgain() ? settle : interval);
  };
  // Functions, because the compiler assumes that a variable does not change during an await.
  const isClosed = (): boolean => closed;
  const isAskedAgain = (): boolean => again;
  return {
    begun: look(),
    close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      directories.close();
    },
  };
}

/** Watches the directories of the files, and of the links that lead to them. */
class Directories {
  readonly #open = new Map<string, { readonly id: string; readonly watcher: FSWatcher }>();
  readonly #event: () => void;
  #closed = false;

  constructor(event: () => void) {
    this.#event = event;
  }

  async follow(paths: readonly string[]): Promise<void> {
    const wanted = new Set((await Promise.all(paths.map(directoriesOf))).flat());
    for (const [directory, { watcher }] of this.#open) {
      if (wanted.has(directory)) continue;
      watcher.close();
      this.#open.delete(directory);
    }
    for (const directory of wanted) await this.#watch(directory);
  }

  close(): void {
    this.#closed = true;
    for (const { watcher } of this.#open.values()) watcher.close();
    this.#open.clear();
  }

  async #watch(directory: string): Promise<void> {
    // The watcher of a removed directory gets no events of a new directory with the same path.
    const id = await identityOf(directory);
    const known = this.#open.get(directory);
    if (known?.id === id || this.#closed) return;
    known?.watcher.close();
    this.#open.delete(directory);
    if (id === null) return;
    try {
      const watcher = watch(directory, { persistent: false }, this.#event);
      // For example because the system has no more watches. The checks every `interval` continue.
      watcher.on('error', () => watcher.close());
      this.#open.set(directory, { id, watcher });
    } catch {
      // The regular checks continue in this case too.
    }
  }
}

async function identityOf(directory: string): Promise<string | null> {
  try {
    const { dev, ino } = await stat(directory);
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}

/** Returns the directory of a file, and those of the links on the way to it. */
async function directoriesOf(path: string): Promise<string[]> {
  const found: string[] = [];
  let next = resolve(path);
  for (let links = 0; links < MAX_LINKS; links += 1) {
    const directory = dirname(next);
    found.push(directory);
    try {
      if (!(await lstat(next)).isSymbolicLink()) break;
      next = resolve(directory, await readlink(next));
    } catch {
      break;
    }
  }
  return found;
}

/** Digests of the contents by path. Contents may be secret. */
type Contents = ReadonlyMap<string, string>;

async function digestsOf(paths: readonly string[]): Promise<Contents> {
  const unique = [...new Set(paths)];
  return new Map(await Promise.all(unique.map(async (path) => [path, await digestOf(path)] as const)));
}

/** Compares paths that both have. A reload that adds or removes a path also reads the files. */
function sayTheSame(one: Contents, other: Contents): boolean {
  return [...one].every(([path, digest]) => (other.get(path) ?? digest) === digest);
}

async function digestOf(path: string): Promise<string> {
  try {
    // Opening a device may have effects, and opening a pipe may block forever. O_NONBLOCK: a pipe may have just replaced the file.
    if (!(await stat(path)).isFile()) return 'no file';
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const found = await file.stat();
      if (!found.isFile()) return 'no file';
      if (found.size > MAX_BYTES) return `${found.size} ${found.mtimeMs}`;
      return createHash('sha256')
        .update(await file.readFile())
        .digest('base64');
    } finally {
      await file.close();
    }
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}
