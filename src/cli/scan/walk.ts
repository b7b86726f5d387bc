import { lstat, opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FileFault, fileFaultOf, notRegular } from '../../shared/files/wholeFile.js';
import { isOpenPipe } from '../files.js';

/**
 * Skipped directories: code of others, and compressed data of git. Scanning them takes a long time and finds none of
 * your tokens.
 */
const PASSED_OVER = new Set(['node_modules', '.git']);

/** The maximum depth of directories, more than any real tree has. */
const MAX_DEPTH = 100;

/** A file to be read, or a place that is not read: `other` is a pipe, a socket or a device below a directory. */
type Place =
  | { readonly kind: 'file' | 'link' | 'other' | 'too deep'; readonly path: string }
  /** `reason` is printed after the path. */
  | { readonly kind: 'unreadable'; readonly path: string; readonly reason: string };

type Entry = 'file' | 'link' | 'other' | FileFault;

/**
 * Yields the files under a path, sorted by name in each directory. Follows a link only if it is the path itself: other
 * links could lead out of the tree or form a cycle. A pipe is read if the shell opened it, as in `scan <(git log -p)`.
 * Other pipes, sockets and devices are never read, because reading a pipe without a writer never ends. If the command line
 * names one, it counts as unreadable.
 */
export async function* filesUnder(path: string): AsyncGenerator<Place> {
  yield* under(path, MAX_DEPTH, stat);
}

async function* under(path: string, depth: number, look: typeof stat): AsyncGenerator<Place> {
  const entries = await entriesOf(path, look);
  if (typeof entries === 'string') yield { kind: entries, path };
  else if (entries instanceof FileFault) yield { kind: 'unreadable', path, reason: entries.message };
  else if (depth === 0) yield { kind: 'too deep', path };
  else for (const name of entries) yield* under(join(path, name), depth - 1, lstat);
}

async function entriesOf(path: string, look: typeof stat): Promise<readonly string[] | Entry> {
  try {
    const found = await look(path);
    const isNamed = look === stat;
    if (found.isFile() || (isNamed && isOpenPipe(path, found))) return 'file';
    if (found.isSymbolicLink()) return 'link';
    if (!found.isDirectory()) return isNamed ? notRegular(found) : 'other';
    const names: string[] = [];
    for await (const { name } of await opendir(path)) if (!PASSED_OVER.has(name)) names.push(name);
    return names.sort();
  } catch (error) {
    return fileFaultOf(error);
  }
}
