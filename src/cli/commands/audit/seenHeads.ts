import type { AuditHead } from '../../../core/store/audit.js';
import { StateFile } from './stateFile.js';

/** A head, and when it was seen, as ISO 8601. */
export interface SeenHead extends AuditHead {
  readonly at: string;
}

/** Stores the last head of a workspace that was seen on a server. */
export class SeenHeads {
  readonly #file: StateFile<SeenHead>;
  readonly #name: string;

  constructor(url: string, workspaceId: string, note: (text: string) => void) {
    this.#name = `${url} ${workspaceId}`;
    this.#file = new StateFile({
      file: 'audit-heads.json',
      isValue: isSeenHead,
      unreadable: (what) => note(`No earlier head was compared: ${what}.`),
      unwritable: (fault) => note(`The next run can't compare with this head: ${fault}`),
    });
  }

  /** Says what to do if the log is a new one on purpose, such as after the database was deleted. */
  get advice(): string {
    return `If this server has a new database on purpose, remove "${this.#name}" from ${this.#file.path}, and run the command again.`;
  }

  /** Returns null if none was seen. */
  read(): SeenHead | null {
    return this.#file.read(this.#name);
  }

  write({ seq, hash }: AuditHead): void {
    this.#file.write(this.#name, { seq, hash, at: new Date().toISOString() });
  }
}

export function isSeenHead(value: unknown): value is SeenHead {
  const { seq, hash, at } = (value ?? {}) as Record<string, unknown>;
  return Number.isSafeInteger(seq) && typeof hash === 'string' && /^[0-9a-f]{64}$/.test(hash) && typeof at === 'string';
}
