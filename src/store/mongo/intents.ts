import type { Author, JudgedAuthor } from '../audit.js';
import { isOwner, isRetired, keyOf, type Forfeit } from '../changes.js';
import { keyChanged } from '../entries.js';
import { Duplicate } from '../errors.js';
import { KEY_FIELDS, pick, USER_FIELDS } from '../fields.js';
import type { KeyRecord, UserRecord } from '../records.js';
import { fold } from '../../text/fold.js';
import { eq, where, type Documents } from './documents.js';
import { endsOf, isSettled, settleFamily } from './families.js';
import { entryUnderWay, toDocument as toEntry, withoutEntry, type Ledger } from './ledger.js';
import {
  FOLDING,
  UNDER_WAY,
  type EntryDocument,
  type KeyDocument,
  type ProjectDocument,
  type UserDocument,
  type WorkspaceDocument,
} from './schemas.js';

const keyUnderWay = () => ({ $or: where([{ 'successor._id': where({ $exists: true }) }, entryUnderWay()]) });
const workspaceUnderWay = () => ({ $or: where([{ 'firstKey._id': where({ $exists: true }) }, entryUnderWay()]) });

export interface IntentDocuments {
  readonly keys: Documents<KeyDocument>;
  readonly workspaces: Documents<WorkspaceDocument>;
  readonly projects: Documents<ProjectDocument>;
  readonly users: Documents<UserDocument>;
}

/**
 * Two writes that belong together, on a standalone server that has no transactions: the first embeds the key of the
 * second, and with it the whole is decided; then the key is inserted and the embedded copy dropped. Whoever meets an
 * embedded copy does the rest, so a process that died in between left nothing undone. Doing it twice is harmless: keys
 * that were handed out are never deleted, so an insertion that comes late finds the key there and brings nothing back.
 *
 * What is true of other documents (the owner has not left, the author's key is not revoked, the tier is the one that gave the
 * place) can change between its reading and the write. So it is read again after the write, and where it no longer holds,
 * the key is withdrawn before anybody is given it. Whoever removes a user first marks the user and then revokes the user's
 * keys: a key that was written before the mark is found and revoked, and one written after it finds the mark.
 */
export class Intents {
  readonly #keys: Documents<KeyDocument>;
  readonly #workspaces: Documents<WorkspaceDocument>;
  readonly #projects: Documents<ProjectDocument>;
  readonly #users: Documents<UserDocument>;
  readonly #ledger: Ledger;
  /** Changes of keys that this process is finishing, by the id of their entry and the tier of an insertion. */
  readonly #finishing = new Map<string, Promise<boolean>>();

  constructor(documents: IntentDocuments, ledger: Ledger) {
    this.#keys = documents.keys;
    this.#workspaces = documents.workspaces;
    this.#projects = documents.projects;
    this.#users = documents.users;
    this.#ledger = ledger;
  }

  /** Finishes everything that was decided. */
  async finishAll(): Promise<void> {
    for (const key of await this.#keys.find(keyUnderWay())) await this.finishKey(key);
    for (const workspace of await this.#workspaces.find(workspaceUnderWay())) await this.finishWorkspace(workspace);
    for (const project of await this.#projects.find(entryUnderWay())) await this.finishProject(project);
    for (const user of await this.#users.find(entryUnderWay())) await this.finishUser(user);
  }

  /** Returns the workspace, with what was decided about it finished; null: there is none. */
  async workspace(id: string): Promise<WorkspaceDocument | null> {
    const workspace = await this.#workspaces.findOne({ _id: eq(id) });
    return workspace !== null && (await this.finishWorkspace(workspace)) ? workspace : null;
  }

  /**
   * The same as {@link finishAll} in one workspace.
   * @returns null where there is no such workspace.
   */
  async finishIn(workspaceId: string): Promise<WorkspaceDocument | null> {
    // A key that carries a successor carries the entry of its rotation too.
    const underWay = { workspaceId: eq(workspaceId), ...entryUnderWay() };
    const [keys, workspace, projects, users] = await Promise.all([
      this.#keys.find(underWay, { hint: UNDER_WAY }),
      this.#workspaces.findOne({ _id: eq(workspaceId) }),
      this.#projects.find(underWay, { hint: UNDER_WAY }),
      this.#users.find(underWay, { hint: UNDER_WAY }),
    ]);
    await Promise.all(keys.map((key) => this.finishKey(key)));
    const there = workspace !== null && (await this.finishWorkspace(workspace));
    for (const project of projects) await this.finishProject(project);
    for (const user of users) await this.finishUser(user);
    return there ? workspace : null;
  }

  /**
   * Finishes what was decided about a key. What this process is finishing already isn't done a second time.
   *
   * @returns false where the key, or the successor that it carries, may not be handed out
   */
  finishKey(document: KeyDocument): Promise<boolean> {
    const { entry } = document;
    if (entry === undefined) return this.#finishKey(document);
    // A key that was withdrawn is inserted again with the same entry, and under another tier.
    const change = `${entry._id} ${document.unconfirmed ?? ''}`;
    let finishing = this.#finishing.get(change);
    if (finishing === undefined) {
      finishing = this.#finishKey(document).finally(() => this.#finishing.delete(change));
      this.#finishing.set(change, finishing);
    }
    return finishing;
  }

  async #finishKey(document: KeyDocument): Promise<boolean> {
    const { _id, successor } = document;
    if (!(await this.#confirm(document))) return false;
    let holds = true;
    if (successor !== undefined) {
      await this.#insertOnce(successor);
      holds = await this.#keepHeir(document, successor);
      await this.#keys.update({ _id: eq(_id), 'successor._id': eq(successor._id) }, { $unset: { successor: '' } });
    }
    if (!holds || !isSettled(document)) await this.#settleFamily(document);
    await this.#ledger.settle(this.#keys, document);
    return holds;
  }

  /** What forbids to hand out a key of that owner by that author; null: nothing. */
  async forfeitOf(
    key: Pick<KeyRecord, 'id' | 'workspaceId' | 'userId'>,
    author: Pick<Author, 'kind' | 'id' | 'judged'> | undefined,
  ): Promise<Forfeit | null> {
    if (key.userId !== null && !isOwner(await this.#user(key.userId), key)) return 'userLeft';
    return this.authorForfeit(author, key.id);
  }

  /** What forbids that author to change anything; null: nothing. */
  async authorForfeit(
    author: Pick<Author, 'kind' | 'id' | 'judged'> | undefined,
    heir?: string,
  ): Promise<'authorEnded' | null> {
    const keyId = keyOf(author);
    const document = keyId === null ? null : await this.#keys.findOne({ _id: eq(keyId) });
    if (document === null) return null;
    const makes = toRecord(document);
    const user = makes.userId === null ? null : await this.#user(makes.userId);
    return isRetired(makes, user, author?.judged, heir) ? 'authorEnded' : null;
  }

  /** As {@link authorForfeit}, of a change that hands out no key: only where the author was judged by what their key may do. */
  async judgedForfeit(author: Author | undefined): Promise<'authorEnded' | null> {
    return author?.judged === undefined ? null : this.authorForfeit(author);
  }

  /** Looks again at the conditions of an insertion. @returns false where the key was withdrawn. */
  async #confirm(document: KeyDocument): Promise<boolean> {
    const { _id, unconfirmed, entry } = document;
    // Of a key whose entry is in the log it was decided that it stays.
    if (unconfirmed === undefined || entry === undefined) return true;
    const undecided = { _id: eq(_id), unconfirmed: eq(unconfirmed), 'entry._id': eq(entry._id) };
    const workspace = await this.#workspaces.findOne({ _id: eq(document.workspaceId) });
    const holds =
      workspace?.tier === unconfirmed && (await this.forfeitOf(toRecord(document), authorOf(entry))) === null;
    if (holds && (await this.#keys.update(undecided, { $unset: { unconfirmed: '' } })) !== null) return true;
    if (!holds && (await this.#keys.remove(undecided))) return false;
    // Another process has decided it. If it was withdrawn, its creation may have inserted it again.
    const now = await this.#keys.findOne({ _id: eq(_id) });
    return now !== null && this.#confirm(now);
  }

  /** As {@link #confirm}, of a successor: the old key names it, so that it is revoked and not deleted. */
  async #keepHeir({ entry }: KeyDocument, successor: KeyDocument): Promise<boolean> {
    const forfeit = await this.forfeitOf(toRecord(successor), entry && authorOf(entry));
    if (forfeit === null) return true;
    const at = entry?.at ?? successor.createdAt;
    const revoked = { revokedAt: at, revokedReason: WITHDRAWN[forfeit] };
    for (;;) {
      const document = await this.#keys.findOne({ _id: eq(successor._id) });
      if (document?.revokedAt !== null) return false;
      if (!isSettled(document)) await this.#settleFamily(document);
      await this.#ledger.settle(this.#keys, document);
      const heir = toRecord(document);
      const draft = keyChanged('key.revoked', heir, { ...heir, ...revoked }, { at, author: undefined });
      const written = await this.#keys.update(
        { _id: eq(heir.id), revokedAt: eq(null), ...withoutEntry() },
        { $set: { ...revoked, entry: toEntry(draft) } },
      );
      if (written === null) continue;
      await this.#settleFamily(written);
      await this.#ledger.settle(this.#keys, written);
    }
  }

  async #settleFamily({ workspaceId, familyId, entry }: KeyDocument): Promise<void> {
    await settleFamily(this.#keys, workspaceId, familyId, entry?.at ?? 0);
  }

  async #user(id: string): Promise<UserRecord | null> {
    const document = await this.#users.findOne({ _id: eq(id) });
    return document && toUser(document);
  }

  /** @returns false where the workspace was withdrawn: it is not there. */
  async finishWorkspace(document: WorkspaceDocument): Promise<boolean> {
    const { _id, firstKey } = document;
    if (!(await this.#confirmWorkspace(document))) return false;
    if (firstKey !== undefined) {
      // One that an earlier release embedded has no ends.
      await this.#insertOnce({ ...endsOf([firstKey]), turn: 0, ...firstKey });
      await this.#workspaces.update({ _id: eq(_id) }, { $unset: { firstKey: '' } });
    }
    await this.#ledger.settle(this.#workspaces, document);
    return true;
  }

  /** As {@link #confirm}, of a workspace and its first key. */
  async #confirmWorkspace({ _id, unconfirmed, firstKey, entry }: WorkspaceDocument): Promise<boolean> {
    if (unconfirmed !== true || firstKey === undefined || entry === undefined) return true;
    const undecided = { _id: eq(_id), unconfirmed: eq(true), 'firstKey._id': eq(firstKey._id) };
    const holds = (await this.forfeitOf(toRecord(firstKey), authorOf(entry))) === null;
    if (holds && (await this.#workspaces.update(undecided, { $unset: { unconfirmed: '' } })) !== null) return true;
    if (!holds && (await this.#workspaces.remove(undecided))) return false;
    // Another process has decided it.
    return (await this.#workspaces.findOne({ _id: eq(_id) })) !== null;
  }

  finishProject(document: ProjectDocument): Promise<void> {
    return this.#ledger.settle(this.#projects, document);
  }

  finishUser(document: UserDocument): Promise<void> {
    return this.#ledger.settle(this.#users, document);
  }

  /**
   * Has to come before the write that decides, for after it there is no way back.
   * @returns which of the key's unique values is taken.
   */
  async taken(key: KeyRecord): Promise<'key.id' | 'key.lookupId' | null> {
    const [other] = await this.#keys.find(
      { $or: where([{ _id: eq(key.id) }, { lookupId: eq(key.lookupId) }]) },
      { limit: 1, fields: ['_id'] },
    );
    if (other === undefined) return null;
    return other._id === key.id ? 'key.id' : 'key.lookupId';
  }

  async #insertOnce(key: KeyDocument): Promise<void> {
    try {
      await this.#keys.insert(key);
    } catch (error) {
      if (!(error instanceof Duplicate)) throw error;
      // Which of its unique values collided says nothing: a second copy of one key collides on all of them.
      if ((await this.#keys.findOne({ _id: eq(key._id) })) === null) throw error;
    }
  }
}

/** Reasons of revocation, for people. */
const WITHDRAWN: Readonly<Record<Forfeit, string>> = {
  userLeft: 'The user left the workspace while the key was made.',
  authorEnded: 'The key that made it was revoked at the same time.',
};

function authorOf({ actorKind, actor, judged }: EntryDocument): Pick<Author, 'kind' | 'id' | 'judged'> {
  const seen = judged == null ? {} : { judged: JSON.parse(judged) as JudgedAuthor };
  return { kind: actorKind, id: actor, ...seen };
}

/** @param slot of the first key of a family, which keeps the family's ends with it */
export function toDocument(key: KeyRecord, slot?: number, entry?: EntryDocument): KeyDocument {
  const { id, ...fields } = pick(key, KEY_FIELDS);
  return {
    _id: id,
    ...fields,
    nameFolded: fold(key.name),
    folding: FOLDING,
    ...(slot !== undefined && { slot, ...endsOf([key]), turn: 0 }),
    ...(entry !== undefined && { entry }),
  };
}

export function toRecord(document: KeyDocument): KeyRecord {
  return pick({ ...BEFORE_PROJECTS, ...document, id: document._id }, KEY_FIELDS);
}

/** What keys have that were written before there were projects, users and lists of what they may run and where. */
const BEFORE_PROJECTS = { projectId: null, userId: null, allowedAddresses: [], trustedDocuments: null };

export function toUser(document: UserDocument): UserRecord {
  return pick({ ...document, id: document._id }, USER_FIELDS);
}
