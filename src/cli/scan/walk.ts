import { lstat, opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What others put there, or what git keeps compressed: to look at it costs much and finds nothing of one's own. */
const PASSED_OVER = new Set(['node_modules', '.git']);

/** Directories within each other, more than any tree that people make. */
const MAX_DEPTH = 100;

/** A file to be read, or a place that cannot be. */
export type Place =
  { readonly kind: 'file'; readonly path: string } | { readonly kind: 'unreadable'; readonly path: string };

/**
 * The files under a path, each directory in the order of names. Links are followed where they are named and nowhere
 * below: they could lead out of the tree, or round in it. What is neither a file nor a directory is passed over, for a
 * pipe that nobody writes to would be waited for.
 */
export async function* filesUnder(path: string): AsyncGenerator<Place> {
  yield* under(path, MAX_DEPTH, stat);
}

async function* under(path: string, depth: number, look: typeof stat): AsyncGenerator<Place> {
  const entries = await entriesOf(path, look);
  if (entries === 'file') yield { kind: 'file', path };
  else if (entries === 'other') return;
  else if (entries === 'unreadable' || depth === 0) yield { kind: 'unreadable', path };
  else for (const name of entries) yield* under(join(path, name), depth - 1, lstat);
}

async function entriesOf(
  path: string,
  look: typeof stat,
): Promise<readonly string[] | 'file' | 'other' | 'unreadable'> {
  try {
    const found = await look(path);
    if (found.isFile()) return 'file';
    if (!found.isDirectory()) return 'other';
    const names: string[] = [];
    for await (const { name } of await opendir(path)) if (!PASSED_OVER.has(name)) names.push(name);
    return names.sort();
  } catch {
    return 'unreadable';
  }
}
