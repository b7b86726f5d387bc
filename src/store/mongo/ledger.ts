import { chained, type AuditDraft, type AuditHead, type Author, type Details } from '../audit.js';
import { Duplicate } from '../errors.js';
import { AUDIT_FIELDS, pick } from '../fields.js';
import { eq, where, type Documents } from './documents.js';
import type { AuditDocument, AuditHeadDocument, EntryDocument } from './schemas.js';

export const AUDIT_UNIQUE = { _id: 'audit.id', 'workspaceId,seq': 'audit.seq' };

/** A document whose change is not known to be in the audit log. */
export interface Entered {
  readonly _id: string;
  readonly entry?: EntryDocument;
}

export const entryUnderWay = () => ({ 'entry._id': where({ $exists: true }) });
export const withoutEntry = () => ({ 'entry._id': eq(null) });

/**
 * The chains of the audit log, without transactions: a change carries its entry in the document that it changes, in one
 * write, and with that the entry is decided; then it is added to the chain and dropped from the document. Whoever meets one
 * that was left behind does the rest. A place in a chain is unique by index, and so is an entry, so that processes which
 * add at once take turns, and one that adds what is there adds nothing.
 */
export class Ledger {
  readonly #entries: Documents<AuditDocument>;
  readonly #heads: Documents<AuditHeadDocument>;
  /** The newest entry of a workspace as far as this process knows: spares a read, and the index has the last word. */
  readonly #known = new Map<string, AuditHead | null>();
  /** One addition at a time in each workspace: those of one process would only take places from each other. */
  readonly #turns = new Map<string, Promise<void>>();

  constructor(entries: Documents<AuditDocument>, heads: Documents<AuditHeadDocument>) {
    this.#entries = entries;
    this.#heads = heads;
  }

  async append(draft: AuditDraft): Promise<void> {
    const { workspaceId } = draft;
    const before = this.#turns.get(workspaceId);
    const turn = (before ?? Promise.resolve()).catch(() => undefined).then(() => this.#append(draft));
    this.#turns.set(workspaceId, turn);
    try {
      await turn;
    } finally {
      if (this.#turns.get(workspaceId) === turn) {
        this.#turns.delete(workspaceId);
        this.#known.delete(workspaceId);
      }
    }
  }

  /** Adds the entry that a document carries, if it does, and drops it there. */
  async settle<T extends Entered>(documents: Documents<T>, { _id, entry }: T): Promise<void> {
    if (entry === undefined) return;
    await this.append(fromDocument(entry));
    await documents.update({ _id: eq(_id), 'entry._id': eq(entry._id) }, { $unset: { entry: '' } });
  }

  async #append(draft: AuditDraft): Promise<void> {
    const { workspaceId } = draft;
    for (;;) {
      const last = this.#known.get(workspaceId) ?? (await this.#last(workspaceId));
      const entry = chained(draft, last);
      try {
        await this.#entries.insert({
          ...toDocument(entry),
          seq: entry.seq,
          previousHash: entry.previousHash,
          hash: entry.hash,
        });
      } catch (error) {
        if (!(error instanceof Duplicate)) throw error;
        this.#known.delete(workspaceId);
        if (error.what !== 'audit.id') continue;
        // Whoever added it may have died before the head was moved.
        const there = await this.#entries.findOne({ _id: eq(draft.id) });
        if (there !== null) await this.#moveHead(workspaceId, there);
        return;
      }
      this.#known.set(workspaceId, entry);
      await this.#moveHead(workspaceId, entry);
      return;
    }
  }

  async #last(workspaceId: string): Promise<AuditHead | null> {
    const [last] = await this.#entries.find({ workspaceId: eq(workspaceId) }, { sort: { seq: -1 }, limit: 1 });
    return last === undefined ? null : { seq: last.seq, hash: last.hash };
  }

  /** Forward, never back. A head that is behind is an entry of the chain all the same. */
  async #moveHead(workspaceId: string, { seq, hash }: AuditHead): Promise<void> {
    for (;;) {
      const moved = await this.#heads.update(
        { _id: eq(workspaceId), seq: where({ $lt: seq }) },
        { $set: { seq, hash } },
      );
      if (moved !== null || (await this.#heads.findOne({ _id: eq(workspaceId) })) !== null) return;
      try {
        await this.#heads.insert({ _id: workspaceId, seq, hash });
        return;
      } catch (error) {
        if (!(error instanceof Duplicate)) throw error;
      }
    }
  }
}

/** Details as text: what is hashed has to come back as it was, to the byte. */
export function toDocument(draft: AuditDraft): EntryDocument {
  const { id, before, after, ...fields } = pick(draft, DRAFT_FIELDS);
  return { _id: id, ...fields, before: before && JSON.stringify(before), after: after && JSON.stringify(after) };
}

/** The entry of a change that is decided only once its author was looked at again. */
export function withJudged(entry: EntryDocument, author: Author | undefined): EntryDocument {
  return author?.judged === undefined ? entry : { ...entry, judged: JSON.stringify(author.judged) };
}

export function fromDocument<T extends EntryDocument>(document: T) {
  const { _id: id, before, after, ...fields } = document;
  return { id, ...fields, before: parsed(before), after: parsed(after) };
}

const DRAFT_FIELDS = AUDIT_FIELDS.filter(
  (field): field is Exclude<(typeof AUDIT_FIELDS)[number], 'seq' | 'previousHash' | 'hash'> =>
    !['seq', 'previousHash', 'hash'].includes(field),
);

function parsed(text: string | null): Details | null {
  return text === null ? null : (JSON.parse(text) as Details);
}
