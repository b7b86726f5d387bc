import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory, writeFaultOf } from '../../../shared/files/makeDirectory.js';
import { stateDirectory } from '../../../server/settings/commandLine.js';
import { FileFault, readTextFile } from '../../../shared/files/wholeFile.js';

/** The maximum number of stored servers and workspaces; the least recently written ones are dropped first. */
const MAX_NAMES = 1_000;
const MAX_BYTES = 1_000_000;

interface StateFileOptions<T> {
  /** The name of the file in the state directory. */
  readonly file: string;
  readonly isValue: (value: unknown) => value is T;
  /** Called if the file can't be read. @param what the path and the reason */
  readonly unreadable: (what: string) => void;
  /** Called if the file can't be written. @param fault the path, the reason and what to do, as sentences */
  readonly unwritable: (fault: string) => void;
}

/**
 * Remembers a value for each server and workspace, in a file that only its owner can read. It is optional: if it can't
 * be read or written, the command continues.
 */
export class StateFile<T> {
  readonly path: string;
  readonly #options: StateFileOptions<T>;

  constructor(options: StateFileOptions<T>) {
    this.path = join(stateDirectory(), options.file);
    this.#options = options;
  }

  /** Returns null if there is none. */
  read(name: string): T | null {
    return this.#all().get(name) ?? null;
  }

  write(name: string, value: T): void {
    const all = this.#all();
    // Moves the name to the end, so that the first one is the oldest.
    all.delete(name);
    all.set(name, value);
    for (const oldest of all.keys()) {
      if (all.size <= MAX_NAMES) break;
      all.delete(oldest);
    }
    this.#save(all);
  }

  remove(name: string): void {
    const all = this.#all();
    if (all.delete(name)) this.#save(all);
  }

  #save(all: ReadonlyMap<string, T>): void {
    const next = `${this.path}.${process.pid}`;
    try {
      makeDirectory(stateDirectory(), 0o700);
      writeFileSync(next, `${JSON.stringify([...all])}\n`, { mode: 0o600 });
      renameSync(next, this.path);
    } catch (error) {
      const { message, remedy } = writeFaultOf(error);
      const advice = remedy.replace('give another path', 'set XDG_STATE_HOME to another directory');
      this.#options.unwritable(`${this.path} ${message}. ${advice}`);
    }
  }

  #all(): Map<string, T> {
    try {
      const entries: unknown = JSON.parse(readTextFile(this.path, MAX_BYTES));
      if (!Array.isArray(entries)) throw new FileFault('is not what this command wrote', 'Remove it.');
      return new Map(entries.filter((entry) => this.#isEntry(entry)));
    } catch (error) {
      if (!(error instanceof FileFault && error.code === 'ENOENT')) {
        const reason = error instanceof FileFault ? error.message : 'is not JSON';
        this.#options.unreadable(`${this.path} ${reason}`);
      }
      return new Map();
    }
  }

  #isEntry(entry: unknown): entry is [string, T] {
    return Array.isArray(entry) && typeof entry[0] === 'string' && this.#options.isValue(entry[1]);
  }
}
