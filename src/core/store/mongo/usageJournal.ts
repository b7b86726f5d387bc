import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Schema } from 'mongoose';
import { BATCHES_KEPT } from '../periods.js';
import type { UsageAddition, UsageBatch } from '../records.js';
import { Duplicate } from '../storeErrors.js';
import { eq, where, type Documents, type Filter } from './documents.js';
import { LockHolder } from './lockHolder.js';
import { OPTIONS } from './schemas.js';

/** The ID of the only document with the state. */
const STATE = 'usage';

/** The number of batches that are added together. Each can have two megabytes. */
const TOGETHER = 8;

/** Longest pauses between two attempts to lock, in ms: the first one, doubled with each attempt, and the upper limit. */
const [FIRST_PAUSE, LONGEST_PAUSE] = [8, 128];

/**
 * A batch of usage. The record stays for some time after the batch was added, without its content, so that the batch is not added again.
 */
export interface UsageBatchDocument {
  readonly _id: string;
  readonly at: Date;
  /** Present until the batch was added. */
  readonly waiting?: true;
  /** JSON. Absent if the batch was added. */
  readonly additions?: string;
}

/** The batches that are being added to the counts. */
export interface UsageStateDocument {
  readonly _id: string;
  /** The number of the last addition. */
  readonly addition: number;
  /** The IDs of the batches of this addition; empty if it is complete. */
  readonly batches: readonly string[];
  readonly lockedBy?: string;
  /** Changes while the process that has the lock makes progress. */
  readonly progress: number;
}

const WAITING = 'waiting';

export const usageBatchSchema: Schema = new Schema(
  { _id: String, at: Date, waiting: Boolean, additions: String },
  { ...OPTIONS, collection: 'latchkey_usage_batches' },
)
  .index({ at: 1 }, { expireAfterSeconds: BATCHES_KEPT / 1000 })
  // Nearly always empty.
  .index({ waiting: 1, _id: 1 }, { name: WAITING, partialFilterExpression: { waiting: { $exists: true } } });

export const usageStateSchema: Schema = new Schema(
  {
    _id: String,
    addition: Number,
    batches: { type: [String], default: undefined },
    lockedBy: String,
    progress: Number,
  },
  { ...OPTIONS, collection: 'latchkey_usage_state' },
);

export const USAGE_BATCH_UNIQUE = { _id: 'usageBatch.id' };
export const USAGE_STATE_UNIQUE = { _id: 'usageState.id' };

/**
 * Adds to the counts, each of which has the number of the last addition that changed it. Changes only those with a lower
 * number, so that an addition that was interrupted can be repeated.
 */
type AddUsage = (additions: readonly UsageAddition[], addition: Addition) => Promise<void>;

export interface Addition {
  readonly number: number;
  /** Call it at least every second: another process takes over otherwise. */
  readonly progress: () => Promise<void>;
}

interface UsageJournalOptions {
  readonly batches: Documents<UsageBatchDocument>;
  readonly state: Documents<UsageStateDocument>;
  readonly add: AddUsage;
}

/**
 * Batches of usage, which are stored completely and then added to the counts once. A batch changes thousands of records,
 * and the server may have no transactions.
 *
 * Processes take turns: one adds all waiting batches, with those of other processes, as one numbered addition. If it is
 * interrupted, the next process repeats the addition with the same number, and records that have this number stay as they
 * are. The lock only saves work: a process that continues after it lost the lock finds a number that is not lower.
 */
export class UsageJournal {
  readonly #options: UsageJournalOptions;
  readonly #id = randomBytes(9).toString('base64url');
  #progress = 0;
  #settling: Promise<void> = Promise.resolve();

  constructor(options: UsageJournalOptions) {
    this.#options = options;
  }

  /** Stores a batch, unless one with this ID was stored. The batch will be added to the counts, even if this process ends now. */
  async store({ id, additions }: UsageBatch): Promise<void> {
    try {
      // The real time, because the server expires documents by its own clock.
      const document = { _id: id, at: new Date(), waiting: true, additions: packed(additions) } as const;
      await this.#options.batches.insert(document);
    } catch (error) {
      if (!(error instanceof Duplicate)) throw error;
    }
  }

  /** Adds all stored batches to the counts. */
  settle(): Promise<void> {
    const settled = this.#settling.then(() => this.#settle());
    this.#settling = settled.catch(() => undefined);
    return settled;
  }

  async #settle(): Promise<void> {
    const state = await this.#lock();
    try {
      await this.#addAll(state);
    } finally {
      await this.#options.state.update(this.#held(), { $unset: { lockedBy: '' } });
    }
  }

  async #addAll(state: UsageStateDocument): Promise<void> {
    let { addition: number, batches } = state;
    for (;;) {
      if (batches.length === 0) {
        batches = await this.#waiting();
        if (batches.length === 0) return;
        number += 1;
        if (!(await this.#move(number - 1, { addition: number, batches }))) return;
      }
      await this.#complete(number, batches);
      batches = [];
      if (!(await this.#move(number, { batches }))) return;
    }
  }

  async #waiting(): Promise<readonly string[]> {
    const selection = { sort: { _id: 1 }, limit: TOGETHER, fields: ['_id'], hint: WAITING } as const;
    return (await this.#options.batches.find({ waiting: eq(true) }, selection)).map(({ _id }) => _id);
  }

  async #complete(number: number, ids: readonly string[]): Promise<void> {
    const { batches, add } = this.#options;
    const found = await batches.find({ _id: where({ $in: ids }) });
    const additions = found.flatMap((batch) => unpacked(batch.additions ?? '[]'));
    await add(additions, { number, progress: () => this.#report() });
    await batches.updateMany({ _id: where({ $in: ids }) }, { $unset: { waiting: '', additions: '' } });
  }

  async #report(): Promise<void> {
    await this.#options.state.update(this.#held(), { $set: { progress: (this.#progress += 1) } });
  }

  /** @returns whether this process still has the lock, and changed the state */
  async #move(
    from: number,
    to: Partial<Pick<UsageStateDocument, 'addition' | 'batches'>>,
  ): Promise<UsageStateDocument | null> {
    return this.#options.state.update({ ...this.#held(), addition: eq(from) }, { $set: to });
  }

  #held(): Filter {
    return { _id: eq(STATE), lockedBy: eq(this.#id) };
  }

  async #lock(): Promise<UsageStateDocument> {
    const { state } = this.#options;
    const holder = new LockHolder();
    for (let longest = FIRST_PAUSE; ; longest = Math.min(2 * longest, LONGEST_PAUSE)) {
      const free = [null, this.#id, ...holder.stale()];
      const isFree = { _id: eq(STATE), lockedBy: where({ $in: free }) };
      const taken = await state.update(isFree, { $set: { lockedBy: this.#id } });
      if (taken !== null) return taken;
      if (holder.isLookDue()) {
        const found = await state.findOne({ _id: eq(STATE) });
        if (found === null) await this.#begin();
        else holder.look({ lockedBy: found.lockedBy, progress: found.progress });
      }
      await delay((longest * (1 + Math.random())) / 2);
    }
  }

  async #begin(): Promise<void> {
    try {
      await this.#options.state.insert({ _id: STATE, addition: 0, batches: [], progress: 0 });
    } catch (error) {
      if (!(error instanceof Duplicate)) throw error;
    }
  }
}

/** Maps become lists of entries. */
function packed(additions: readonly UsageAddition[]): string {
  return JSON.stringify(additions, (_, value: unknown) =>
    value instanceof Map ? { entries: [...(value as Map<string, unknown>)] } : value,
  );
}

function unpacked(text: string): UsageAddition[] {
  return JSON.parse(text, (_, value: unknown) =>
    hasEntries(value) ? new Map(value.entries) : value,
  ) as UsageAddition[];
}

function hasEntries(value: unknown): value is { readonly entries: readonly (readonly [string, unknown])[] } {
  return typeof value === 'object' && value !== null && Array.isArray((value as { entries?: unknown }).entries);
}
