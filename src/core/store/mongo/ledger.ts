import { chained, type AuditDraft, type AuditEntry, type AuditHead, type Author, type Details } from '../audit.js';
import { afterFirstWrite, Duplicate } from '../storeErrors.js';
import { AUDIT_FIELDS, pick } from '../fields.js';
import { eq, where, type Documents } from './documents.js';
import type { AuditDocument, AuditHeadDocument, EntryDocument } from './schemas.js';

export const AUDIT_UNIQUE = { _id: 'audit.id', 'workspaceId,seq': 'audit.seq' };

/** A document with a change that may not be in the audit log yet. */
interface Entered {
  readonly _id: string;
  readonly entry?: EntryDocument;
}

export const entryUnderWay = () => ({ 'entry._id': where({ $exists: true }) });
export const withoutEntry = () => ({ 'entry._id': eq(null) });

/** Maximum number of entries added to a chain with one command. */
const MAX_GROUP = 100;

/** The entries of one workspace that wait to be added. */
interface Line {
  readonly waiting: Waiting[];
  /** Waiting entries and entries that are being added, by ID. */
  readonly added: Map<string, Promise<void>>;
  /** The newest entry known to this process. This saves a read; the unique index detects if it is outdated. */
  last: AuditHead | null | undefined;
}

interface Waiting {
  readonly draft: AuditDraft;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * The chains of the audit log, without transactions: a change stores its entry in the document that it changes, with
 * one write, which commits both. Then the entry is added to the chain and removed from the document. A process that finds an
 * entry in a document does the rest. Positions in a chain and entries are unique by index, so that processes that add
 * at the same time take turns, and adding an existing entry does nothing.
 *
 * Within a process, entries of a workspace are added in groups: while one group is being written, the next one
 * collects. So with more callers, there are fewer commands per entry.
 */
export class Ledger {
  readonly #entries: Documents<AuditDocument>;
  readonly #heads: Documents<AuditHeadDocument>;
  /** By workspace, while entries wait there. */
  readonly #lines = new Map<string, Line>();

  constructor(entries: Documents<AuditDocument>, heads: Documents<AuditHeadDocument>) {
    this.#entries = entries;
    this.#heads = heads;
  }

  /** Resolves when the entry is in the chain. Concurrent calls for one entry add it once. */
  append(draft: AuditDraft): Promise<void> {
    const { id, workspaceId } = draft;
    let line = this.#lines.get(workspaceId);
    const isFirst = line === undefined;
    line ??= { waiting: [], added: new Map(), last: undefined };
    const { waiting, added } = line;
    let adding = added.get(id);
    if (adding === undefined) {
      adding = new Promise((done, failed) => waiting.push({ draft, done, failed }));
      added.set(id, adding);
    }
    if (isFirst) {
      this.#lines.set(workspaceId, line);
      void this.#work(workspaceId, line);
    }
    return adding;
  }

  /** Adds the entry in a document, if there is one, and removes it from the document. */
  async settle<T extends Entered>(documents: Documents<T>, { _id, entry }: T): Promise<void> {
    if (entry === undefined) return;
    await afterFirstWrite(async () => {
      await this.append(fromDocument(entry));
      await documents.update({ _id: eq(_id), 'entry._id': eq(entry._id) }, { $unset: { entry: '' } });
    });
  }

  /** Adds the waiting entries, group by group. */
  async #work(workspaceId: string, line: Line): Promise<void> {
    while (line.waiting.length > 0) {
      const group = line.waiting.splice(0, MAX_GROUP);
      try {
        await this.#add(
          workspaceId,
          line,
          group.map(({ draft }) => draft),
        );
        for (const { done } of group) done();
      } catch (error) {
        line.last = undefined;
        for (const { failed } of group) failed(error);
      }
      for (const { draft } of group) line.added.delete(draft.id);
    }
    this.#lines.delete(workspaceId);
  }

  async #add(workspaceId: string, line: Line, drafts: readonly AuditDraft[]): Promise<void> {
    let left = drafts;
    while (left.length > 0) {
      line.last ??= await this.#last(workspaceId);
      const entries = chain(left, line.last);
      const added = await this.#entries.insertInOrder(entries.map(inChain));
      line.last = entries[added - 1] ?? line.last;
      const [refused] = (left = left.slice(added));
      if (refused === undefined) break;
      // Another process has taken this position in the chain, or has added this entry.
      line.last = undefined;
      if ((await this.#entries.findOne({ _id: eq(refused.id) })) !== null) left = left.slice(1);
    }
    // Even if all of them existed: the process that added them may have crashed before it moved the head.
    line.last ??= await this.#last(workspaceId);
    if (line.last !== null) await this.#moveHead(workspaceId, line.last);
  }

  async #last(workspaceId: string): Promise<AuditHead | null> {
    const [last] = await this.#entries.find({ workspaceId: eq(workspaceId) }, { sort: { seq: -1 }, limit: 1 });
    return last === undefined ? null : { seq: last.seq, hash: last.hash };
  }

  /** Moves the head forward, never back. A head that is behind still refers to an entry of the chain. */
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

function chain(drafts: readonly AuditDraft[], last: AuditHead | null): AuditEntry[] {
  const entries: AuditEntry[] = [];
  for (const draft of drafts) entries.push(chained(draft, entries.at(-1) ?? last));
  return entries;
}

function inChain(entry: AuditEntry): AuditDocument {
  const { seq, previousHash, hash } = entry;
  return { ...toDocument(entry), seq, previousHash, hash };
}

/** Stores details as text, because the hashed text must be returned unchanged. */
export function toDocument(draft: AuditDraft): EntryDocument {
  const { id, before, after, ...fields } = pick(draft, DRAFT_FIELDS);
  return { _id: id, ...fields, before: before && JSON.stringify(before), after: after && JSON.stringify(after) };
}

/** Returns the entry of a change that is only confirmed after its author was checked again. */
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
