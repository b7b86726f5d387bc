import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { GENESIS, type AuditHead } from '../audit.js';
import { Duplicate } from '../storeErrors.js';
import { eq, where, type Documents, type Filter } from './documents.js';
import { LockHolder } from './lockHolder.js';
import type { AuditHeadDocument } from './schemas.js';

/** Longest pauses between two attempts to lock, in ms: the first one, doubled with each attempt, and the upper limit. */
const [FIRST_PAUSE, LONGEST_PAUSE] = [8, 128];

/**
 * Lets processes take turns at the end of a chain. The lock is a field of the chain's head, taken and released by
 * conditional updates of this one document. Its holder adds entries without colliding with another process at the unique
 * index of positions. A collision is harmless, but some engines need a second to resolve it.
 *
 * The lock only saves time; the unique index guarantees the chain. So a lock can be taken from a process that died or
 * stopped, even if that process continues later. A lock reserves no position: a position is taken when its entry is
 * written.
 *
 * Acquiring the lock is a majority write. Its result therefore contains no head that an election may roll back.
 */
export class ChainLock {
  readonly #heads: Documents<AuditHeadDocument>;
  /** The value of this process's locks. If it could not release a lock, it still owns the lock. */
  readonly #id = randomBytes(9).toString('base64url');

  constructor(heads: Documents<AuditHeadDocument>) {
    this.#heads = heads;
  }

  /**
   * Waits for the lock of a chain.
   *
   * @returns the head of the chain. It may be behind, if its last writer died before it moved the head.
   */
  async take(workspaceId: string): Promise<AuditHead> {
    const holder = new LockHolder();
    for (let longest = FIRST_PAUSE; ; longest = Math.min(2 * longest, LONGEST_PAUSE)) {
      const free = [null, this.#id, ...holder.stale()];
      const isFree = { _id: eq(workspaceId), lockedBy: where({ $in: free }) };
      const taken = await this.#heads.update(isFree, { $set: { lockedBy: this.#id } });
      if (taken !== null) return taken;
      if (holder.isLookDue()) {
        const head = await this.#heads.findOne({ _id: eq(workspaceId) });
        const first = head ?? (await this.#begin(workspaceId));
        if (head === null && first !== null) return first;
        if (head !== null) holder.look({ lockedBy: head.lockedBy, progress: head.seq });
      }
      await delay((longest * (1 + Math.random())) / 2);
    }
  }

  /** Moves the head to the last entry that was added, and keeps the lock. */
  async moveHead(workspaceId: string, { seq, hash }: AuditHead): Promise<void> {
    for (;;) {
      // It never decreases. A head that is behind still refers to an entry of the chain.
      const behind = { _id: eq(workspaceId), seq: where({ $lt: seq }) };
      const moved = await this.#heads.update(behind, { $set: { seq, hash } });
      if (moved !== null || (await this.#heads.findOne({ _id: eq(workspaceId) })) !== null) return;
      try {
        await this.#heads.insert({ _id: workspaceId, seq, hash });
        return;
      } catch (error) {
        if (!(error instanceof Duplicate)) throw error;
      }
    }
  }

  /** Moves the head to the last entry that was added, and releases the lock. */
  async release(workspaceId: string, { seq, hash }: AuditHead): Promise<void> {
    const notAhead = { ...this.#held(workspaceId), seq: where({ $lte: seq }) };
    const released = await this.#heads.update(notAhead, { $set: { seq, hash }, ...UNLOCK });
    if (released !== null) return;
    // This process was so slow that another one took the lock.
    await this.moveHead(workspaceId, { seq, hash });
    await this.abandon(workspaceId);
  }

  /** Releases the lock without moving the head. */
  async abandon(workspaceId: string): Promise<void> {
    await this.#heads.update(this.#held(workspaceId), UNLOCK);
  }

  /** Creates the head of a new chain, locked. @returns null if another process created it first */
  async #begin(workspaceId: string): Promise<AuditHead | null> {
    try {
      await this.#heads.insert({ _id: workspaceId, ...BEFORE_FIRST, lockedBy: this.#id });
      return BEFORE_FIRST;
    } catch (error) {
      if (!(error instanceof Duplicate)) throw error;
      return null;
    }
  }

  #held(workspaceId: string): Filter {
    return { _id: eq(workspaceId), lockedBy: eq(this.#id) };
  }
}

const UNLOCK = { $unset: { lockedBy: '' } } as const;

/** The head of a chain whose first entry is being added. */
const BEFORE_FIRST: AuditHead = { seq: 0, hash: GENESIS };
