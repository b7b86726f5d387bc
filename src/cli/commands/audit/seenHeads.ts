import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory, writeFaultOf } from '../../../makeDirectory.js';
import { stateDirectory } from '../../../settings/commandLine.js';
import type { AuditHead } from '../../../store/audit.js';
import { FileFault, readTextFile } from '../../../wholeFile.js';

/** Servers and workspaces that are remembered; the ones seen longest ago are forgotten first. */
const MAX_SEEN = 1_000;
const MAX_BYTES = 1_000_000;

/** A head, and when it was seen, as ISO 8601. */
export interface SeenHead extends AuditHead {
  readonly at: string;
}

/**
 * Remembers the last head that was seen of a workspace on a server, in a file that only its owner can read. It is a help and not
 * a proof: what cannot be read or written is noted, and the command goes on.
 */
export class SeenHeads {
  readonly #path: string;
  readonly #name: string;
  readonly #note: (text: string) => void;

  constructor(url: string, workspaceId: string, note: (text: string) => void) {
    this.#path = join(stateDirectory(), 'audit-heads.json');
    this.#name = `${url} ${workspaceId}`;
    this.#note = note;
  }

  /** @returns null where none was seen */
  read(): SeenHead | null {
    return this.#all().get(this.#name) ?? null;
  }

  write(head: AuditHead): void {
    const all = this.#all();
    // To the end, so that the first is the one seen longest ago.
    all.delete(this.#name);
    all.set(this.#name, { ...head, at: new Date().toISOString() });
    for (const oldest of all.keys()) {
      if (all.size <= MAX_SEEN) break;
      all.delete(oldest);
    }
    const next = `${this.#path}.${process.pid}`;
    try {
      makeDirectory(stateDirectory(), 0o700);
      writeFileSync(next, `${JSON.stringify([...all])}\n`, { mode: 0o600 });
      renameSync(next, this.#path);
    } catch (error) {
      const { message, remedy } = writeFaultOf(error);
      const advice = remedy.replace('give another path', 'set XDG_STATE_HOME to another directory');
      this.#note(`The next run can't compare with this head: ${this.#path} ${message}. ${advice}`);
    }
  }

  #all(): Map<string, SeenHead> {
    try {
      const entries: unknown = JSON.parse(readTextFile(this.#path, MAX_BYTES));
      if (!Array.isArray(entries)) throw new FileFault('is not what this command wrote', 'Remove it.');
      return new Map(entries.filter(isEntry));
    } catch (error) {
      if (!(error instanceof FileFault && error.code === 'ENOENT')) {
        const reason = error instanceof FileFault ? error.message : 'is not JSON';
        this.#note(`No earlier head was compared: ${this.#path} ${reason}.`);
      }
      return new Map();
    }
  }
}

function isEntry(entry: unknown): entry is [string, SeenHead] {
  if (!Array.isArray(entry) || typeof entry[0] !== 'string') return false;
  const { seq, hash, at } = (entry[1] ?? {}) as Record<string, unknown>;
  return Number.isSafeInteger(seq) && typeof hash === 'string' && /^[0-9a-f]{64}$/.test(hash) && typeof at === 'string';
}
