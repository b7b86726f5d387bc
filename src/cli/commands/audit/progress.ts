import { hash } from 'node:crypto';
import type { Checkpoint } from '../../../management/audit/verifyAudit.js';
import type { AuditHead } from '../../../core/store/audit.js';
import { usage } from '../../exit.js';
import { isSeenHead, type SeenHead } from './seenHeads.js';
import { StateFile } from './stateFile.js';

interface Reached extends SeenHead, Checkpoint {
  /** A digest of the heads that the entries up to here were compared with. */
  readonly compared: string;
}

/** Stores the progress of `audit verify`, so that an interrupted run can be resumed. */
export class Progress {
  readonly #file: StateFile<Reached>;
  readonly #name: string;
  readonly #noted: readonly AuditHead[];

  /** @param noted the heads that this run compares */
  constructor(url: string, workspaceId: string, noted: readonly AuditHead[], note: (text: string) => void) {
    this.#name = `${url} ${workspaceId}`;
    this.#noted = noted;
    let isToldOf = false;
    this.#file = new StateFile({
      file: 'audit-progress.json',
      isValue: isReached,
      unreadable: (what) => note(`No interrupted run was found: ${what}.`),
      unwritable: (fault) => {
        // It is written after each 1,000 entries.
        if (!isToldOf) note(`This run can't be resumed: ${fault}`);
        isToldOf = true;
      },
    });
  }

  /**
   * Returns the progress of the interrupted run; null if there is none.
   *
   * @throws Failure if that run compared other heads: entries before the checkpoint are not read again
   */
  read(): (Checkpoint & { readonly at: string }) | null {
    const reached = this.#file.read(this.#name);
    if (reached === null) return null;
    if (reached.compared === this.#compared(reached.seq)) return reached;
    throw usage(
      'The interrupted run compared other heads (--head, --heads or --archive). Give the same ones, or leave out --resume.',
    );
  }

  write({ seq, hash, base, isNamed }: Checkpoint): void {
    const [at, compared] = [new Date().toISOString(), this.#compared(seq)];
    this.#file.write(this.#name, { seq, hash, base, isNamed, at, compared });
  }

  remove(): void {
    this.#file.remove(this.#name);
  }

  #compared(until: number): string {
    const heads = this.#noted.filter(({ seq }) => seq <= until).map((head) => `${head.seq}:${head.hash}`);
    return hash('sha256', [...new Set(heads)].sort().join('\n'), 'hex');
  }
}

function isReached(value: unknown): value is Reached {
  if (!isSeenHead(value)) return false;
  const { base, isNamed, compared } = value as Partial<Reached>;
  return isSeenHead({ ...base, at: '' }) && typeof isNamed === 'boolean' && typeof compared === 'string';
}
