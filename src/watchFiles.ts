import { createHash } from 'node:crypto';
import { constants, watch, type FSWatcher } from 'node:fs';
import { lstat, open, readlink, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

export interface WatchOptions {
  /** How long files must stay the same before a change counts, in ms. Default: 200. */
  readonly settle?: number;
  /** Between two looks where no event comes, in ms. Default: 10,000. */
  readonly interval?: number;
}

export interface FileWatch {
  /** Ends it. Idempotent. */
  close(): void;
}

/** Files are read up to this size; of larger ones size and time of the last change count. */
const MAX_BYTES = 2_000_000;
/** Links that lead to a file: `latchkey.yaml`, `..data`, and what an operator adds. */
const MAX_LINKS = 10;

/**
 * Calls back when the content of files changes: whatever replaces them, be it a rename, a writing in place, or links that are
 * pointed elsewhere, as Kubernetes does for a mounted ConfigMap or Secret.
 *
 * Events of directories say when to look, and the digest of the contents says whether something changed: an editor causes several
 * events for one change, network file systems cause none, and a touched file is no change. A look each `interval` makes up for events
 * that do not come. Contents count once they stayed the same for `settle`, so that a file that is emptied and then written is read
 * whole.
 *
 * @param paths asked at each look, as a configuration may name other files after a reload
 * @param changed called once for each new content, a file that is gone included. Must not throw
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
  /** Whether the timer is one that an event or an unsettled file set. */
  let soon = false;
  const directories = new Directories(() => {
    if (looking) again = true;
    // Not put off by each further event: beside a busy file there would never be a look.
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
    // Again soon after a change as well: there may be other files to follow.
    lookIn(isNew || isAskedAgain() ? settle : interval);
  };
  // Functions, for a compiler takes a variable for unchanged over an await.
  const isClosed = (): boolean => closed;
  const isAskedAgain = (): boolean => again;
  void look();
  return {
    close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      directories.close();
    },
  };
}

/** The watched directories: of the files, and of the links that lead to them. */
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
    // A directory that was removed and made again is another one, of which the old watcher hears nothing.
    const id = await identityOf(directory);
    const known = this.#open.get(directory);
    if (known?.id === id || this.#closed) return;
    known?.watcher.close();
    this.#open.delete(directory);
    if (id === null) return;
    try {
      const watcher = watch(directory, { persistent: false }, this.#event);
      // As where the system has no watches left: looks at intervals go on.
      watcher.on('error', () => watcher.close());
      this.#open.set(directory, { id, watcher });
    } catch {
      // The same.
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

/** The directory of a file, and those of the links on the way to it. */
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

/** What each file holds, as a digest: contents may be secret. */
type Contents = ReadonlyMap<string, string>;

async function digestsOf(paths: readonly string[]): Promise<Contents> {
  const unique = [...new Set(paths)];
  return new Map(await Promise.all(unique.map(async (path) => [path, await digestOf(path)] as const)));
}

/** A path that only one of them has was added or removed by a reload, which read it. */
function sayTheSame(one: Contents, other: Contents): boolean {
  return [...one].every(([path, digest]) => (other.get(path) ?? digest) === digest);
}

async function digestOf(path: string): Promise<string> {
  try {
    // To open a device may act on it, and to open a pipe could wait for ever, also one that replaced the file since the first look.
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
