import { chained, type AuditDraft, type AuditEntry, type AuditHead, type Author, type Details } from '../audit.js';
import { afterFirstWrite } from '../storeErrors.js';
import { AUDIT_FIELDS, pick } from '../fields.js';
import { ChainLock } from './chainLock.js';
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
/** Maximum number of groups that a process adds before it lets other processes add theirs. */
const MAX_GROUPS = 8;

/** The entries of one workspace that wait to be added. */
interface Line {
  readonly waiting: Waiting[];
  /** Waiting entries and entries that are being added, by ID. */
  readonly added: Map<string, Promise<void>>;
}

interface Waiting {
  readonly draft: AuditDraft;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * The chains of the audit log, without transactions: a change stores its entry in the document that it changes, with
 * one write, which commits both. Then the entry is added to the chain and removed from the document. A process that finds an
 * entry in a document does the rest. Positions in a chain and entries are unique by index, so a chain has no second entry
 * at a position, and adding an existing entry does nothing.
 *
 * Within a process, entries of a workspace are added in groups: while one group is being written, the next one
 * collects. The more callers, the fewer commands per entry. Between processes, a lock ensures that only one
 * of them adds entries to a chain (chainLock.ts).
 */
export class Ledger {
  readonly #entries: Documents<AuditDocument>;
  readonly #lock: ChainLock;
  /** By workspace, while entries wait there. */
  readonly #lines = new Map<string, Line>();

  constructor(entries: Documents<AuditDocument>, heads: Documents<AuditHeadDocument>) {
    this.#entries = entries;
    this.#lock = new ChainLock(heads);
  }

  /** Resolves when the entry is in the chain. Concurrent calls for one entry add it once. */
  append(draft: AuditDraft): Promise<void> {
    const { id, workspaceId } = draft;
    let line = this.#lines.get(workspaceId);
    const isFirst = line === undefined;
    line ??= { waiting: [], added: new Map() };
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

  /** Like {@link settle} for several documents of one workspace, with a number of commands that doesn't depend on theirs. */
  async settleMany<T extends Entered>(documents: Documents<T>, entered: readonly T[]): Promise<void> {
    const entries = entered.flatMap(({ _id, entry }) => (entry === undefined ? [] : { _id, entry }));
    if (entries.length === 0) return;
    await afterFirstWrite(async () => {
      await Promise.all(entries.map(({ entry }) => this.append(fromDocument(entry))));
      await documents.bulkWrite(
        entries.map(({ _id, entry }) => ({
          updateOne: { filter: { _id: eq(_id), 'entry._id': eq(entry._id) }, update: { $unset: { entry: '' } } },
        })),
      );
    });
  }

  /** Adds the waiting entries, turn by turn. */
  async #work(workspaceId: string, line: Line): Promise<void> {
    while (line.waiting.length > 0) await this.#turn(workspaceId, line);
    this.#lines.delete(workspaceId);
  }

  /** Adds groups of waiting entries under one lock. Never rejects. */
  async #turn(workspaceId: string, line: Line): Promise<void> {
    let last: AuditHead;
    try {
      last = await this.#lock.take(workspaceId);
    } catch (error) {
      settled(line, nextGroup(line), ({ failed }) => failed(error));
      return;
    }
    for (let groups = 1; ; groups++) {
      // Taken only now, so that the group contains all entries that arrived while this process waited.
      const group = nextGroup(line);
      try {
        const drafts = group.map(({ draft }) => draft);
        last = await this.#add(workspaceId, drafts, last);
        const isDone = line.waiting.length === 0 || groups === MAX_GROUPS;
        await (isDone ? this.#lock.release(workspaceId, last) : this.#lock.moveHead(workspaceId, last));
        settled(line, group, ({ done }) => done());
        if (isDone) return;
      } catch (error) {
        settled(line, group, ({ failed }) => failed(error));
        // The next turn of this process takes its own lock again. For other processes, it becomes stale.
        if (line.waiting.length === 0) await this.#lock.abandon(workspaceId).catch(() => undefined);
        return;
      }
    }
  }

  /** @returns the newest entry of the chain afterwards */
  async #add(workspaceId: string, drafts: readonly AuditDraft[], head: AuditHead): Promise<AuditHead> {
    let last = head;
    for (let left = drafts; ;) {
      const entries = chain(left, last);
      const added = await this.#entries.insertInOrder(entries.map(inChain));
      last = entries[added - 1] ?? last;
      left = left.slice(added);
      if (left.length === 0) return last;
      // The head is behind the chain, or another process has added this entry.
      const existing = await this.#existing(left);
      left = left.filter(({ id }) => !existing.has(id));
      last = later(last, await this.#last(workspaceId));
      // The process that added them may have crashed before it moved the head.
      if (left.length === 0) return last;
    }
  }

  async #existing(drafts: readonly AuditDraft[]): Promise<ReadonlySet<string>> {
    const ids = drafts.map(({ id }) => id);
    const found = await this.#entries.find({ _id: where({ $in: ids }) }, { fields: ['_id'] });
    return new Set(found.map(({ _id }) => _id));
  }

  async #last(workspaceId: string): Promise<AuditHead | null> {
    const [last] = await this.#entries.find({ workspaceId: eq(workspaceId) }, { sort: { seq: -1 }, limit: 1 });
    return last === undefined ? null : { seq: last.seq, hash: last.hash };
  }
}

function nextGroup({ waiting }: Line): readonly Waiting[] {
  return waiting.splice(0, MAX_GROUP);
}

function settled({ added }: Line, group: readonly Waiting[], settle: (one: Waiting) => void): void {
  for (const one of group) {
    added.delete(one.draft.id);
    settle(one);
  }
}

function later(one: AuditHead, other: AuditHead | null): AuditHead {
  return other !== null && other.seq > one.seq ? other : one;
}

function chain(drafts: readonly AuditDraft[], last: AuditHead): AuditEntry[] {
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
