import type { Author, JudgedAuthor } from '../audit.js';
import { isOwner, isRetired, keyOf, type Forfeit } from '../changes.js';
import { keyChanged } from '../entries.js';
import { afterFirstWrite, Duplicate } from '../storeErrors.js';
import { pick, USER_FIELDS } from '../fields.js';
import { INITIAL, KEY_FIELDS, KEY_SUMMARY_FIELDS } from '../keyFields.js';
import type { KeyDocuments, KeyRecord, KeySummary, UserRecord } from '../records.js';
import { fold } from '../../../shared/text/fold.js';
import { eq, parts, where, type Documents } from './documents.js';
import { endsOf, isSettled, settleFamilies, settleFamily } from './families.js';
import type { CreditsDocument } from './quotaSchemas.js';
import { INSERTED } from './places.js';
import { entryUnderWay, toDocument as toEntry, withoutEntry, type Ledger } from './ledger.js';
import {
  FOLDING,
  UNDER_WAY,
  type EntryDocument,
  type KeyDocument,
  type KeySummaryDocument,
  type OverrideDocument,
  type ProjectDocument,
  type UserDocument,
  type WorkspaceDocument,
} from './schemas.js';

const keyUnderWay = () => ({ $or: where([{ 'successor._id': where({ $exists: true }) }, entryUnderWay()]) });
const workspaceUnderWay = () => ({ $or: where([{ 'firstKey._id': where({ $exists: true }) }, entryUnderWay()]) });

interface IntentDocuments {
  readonly keys: Documents<KeyDocument>;
  readonly workspaces: Documents<WorkspaceDocument>;
  readonly projects: Documents<ProjectDocument>;
  readonly users: Documents<UserDocument>;
  readonly credits: Documents<CreditsDocument>;
  readonly overrides: Documents<OverrideDocument>;
}

/**
 * Pairs of writes that belong together, on a standalone server without transactions: the first write embeds the key of
 * the second, which commits both; then the key is inserted and the embedded copy removed. A process that finds an embedded
 * copy does the rest, so a process that crashed in between leaves nothing undone. Doing it twice is harmless: the
 * documents of issued keys are never deleted, so a late insertion finds the ID taken and restores nothing (removal.ts).
 *
 * Conditions on other documents (the owner was not removed, the author's key is not revoked, the tier is the one that
 * provided the place) can change between reading and writing. So they are read again after the write, and if they no
 * longer apply, the key is withdrawn before anyone gets it. The removal of a user first marks the user and then revokes
 * the user's keys: a key that was written before the mark is found and revoked, and one written after it finds the
 * mark.
 */
export class Intents {
  readonly #keys: Documents<KeyDocument>;
  readonly #workspaces: Documents<WorkspaceDocument>;
  readonly #projects: Documents<ProjectDocument>;
  readonly #users: Documents<UserDocument>;
  readonly #credits: Documents<CreditsDocument>;
  readonly #overrides: Documents<OverrideDocument>;
  readonly #ledger: Ledger;
  /** Changes of keys that this process is finishing, by the ID of their entry and the tier of an insertion. */
  readonly #finishing = new Map<string, Promise<boolean>>();

  constructor(documents: IntentDocuments, ledger: Ledger) {
    this.#keys = documents.keys;
    this.#workspaces = documents.workspaces;
    this.#projects = documents.projects;
    this.#users = documents.users;
    this.#credits = documents.credits;
    this.#overrides = documents.overrides;
    this.#ledger = ledger;
  }

  /** Finishes all committed changes. */
  async finishAll(): Promise<void> {
    for (const key of await this.#keys.find(keyUnderWay())) await this.finishKey(key);
    for (const workspace of await this.#workspaces.find(workspaceUnderWay())) await this.finishWorkspace(workspace);
    for (const project of await this.#projects.find(entryUnderWay())) await this.finishProject(project);
    for (const user of await this.#users.find(entryUnderWay())) await this.finishUser(user);
    for (const credits of await this.#credits.find(entryUnderWay())) await this.finishCredits(credits);
    for (const override of await this.#overrides.find(entryUnderWay())) await this.finishOverride(override);
  }

  /** Returns the workspace after finishing its change; null if there is none. */
  async workspace(id: string): Promise<WorkspaceDocument | null> {
    const workspace = await this.#workspaces.findOne({ _id: eq(id) });
    return workspace !== null && (await this.finishWorkspace(workspace)) ? workspace : null;
  }

  /**
   * Like {@link finishAll}, for one workspace.
   *
   * @returns null if there is no such workspace
   */
  async finishIn(workspaceId: string): Promise<WorkspaceDocument | null> {
    // A key with an embedded successor also has the entry of its rotation.
    const underWay = { workspaceId: eq(workspaceId), ...entryUnderWay() };
    const [keys, workspace, projects, users, credits, overrides] = await Promise.all([
      this.#keys.find(underWay, { hint: UNDER_WAY }),
      this.#workspaces.findOne({ _id: eq(workspaceId) }),
      this.#projects.find(underWay, { hint: UNDER_WAY }),
      this.#users.find(underWay, { hint: UNDER_WAY }),
      this.#credits.find(underWay, { hint: UNDER_WAY }),
      this.#overrides.find(underWay, { hint: UNDER_WAY }),
    ]);
    await Promise.all(keys.map((key) => this.finishKey(key)));
    const there = workspace !== null && (await this.finishWorkspace(workspace));
    for (const project of projects) await this.finishProject(project);
    for (const user of users) await this.finishUser(user);
    for (const each of credits) await this.finishCredits(each);
    for (const override of overrides) await this.finishOverride(override);
    return there ? workspace : null;
  }

  /**
   * Finishes the committed change of a key. Concurrent calls for the same change share one run.
   *
   * @returns false if the key, or its embedded successor, must not be issued
   */
  finishKey(document: KeyDocument): Promise<boolean> {
    const { entry } = document;
    if (entry === undefined) return afterFirstWrite(() => this.#finishKey(document));
    // A withdrawn key can be inserted again with the same entry and another tier.
    const change = `${entry._id} ${document.unconfirmed ?? ''}`;
    let finishing = this.#finishing.get(change);
    if (finishing === undefined) {
      finishing = afterFirstWrite(() => this.#finishKey(document)).finally(() => this.#finishing.delete(change));
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

  /**
   * Finishes the committed revocations of keys of one workspace, with a number of commands that doesn't depend on the number of keys.
   */
  async finishRevocations(workspaceId: string, documents: readonly KeyDocument[], now: number): Promise<void> {
    await afterFirstWrite(async () => {
      const families = new Set(documents.filter((key) => !isSettled(key)).map(({ familyId }) => familyId));
      if (families.size > 0) await settleFamilies(this.#keys, workspaceId, [...families], now);
      await this.#ledger.settleMany(this.#keys, documents);
    });
  }

  /**
   * Finishes the pending changes of keys that were read without trusted documents, and returns the keys without those
   * that were withdrawn. A key with a pending change is read again, because its successor is written from that change,
   * including documents.
   */
  async finishSummaries(found: readonly KeySummaryDocument[]): Promise<KeySummary[]> {
    const keys: KeySummary[] = [];
    for (const summary of found) {
      if (summary.entry === undefined && summary.successor === undefined) {
        keys.push(toSummary(summary));
        continue;
      }
      const document = await this.#keys.findOne({ _id: eq(summary._id) });
      if (document === null || document.removed === true) continue;
      const holds = await this.finishKey(document);
      if (holds || document.unconfirmed === undefined) keys.push(toSummary(document));
    }
    return keys;
  }

  /** Returns why a key with this owner must not be issued by this author; null if there is no reason. */
  async forfeitOf(
    key: Pick<KeyRecord, 'id' | 'workspaceId' | 'userId'>,
    author: Pick<Author, 'kind' | 'id' | 'judged'> | undefined,
  ): Promise<Forfeit | null> {
    if (key.userId !== null && !isOwner(await this.#user(key.userId), key)) return 'userLeft';
    return this.authorForfeit(author, key.id);
  }

  /** Like {@link forfeitOf}, for several keys of one workspace. Reads each owner once. */
  async forfeitOfAny(
    keys: readonly Pick<KeyRecord, 'id' | 'workspaceId' | 'userId'>[],
    author: Pick<Author, 'kind' | 'id' | 'judged'> | undefined,
  ): Promise<Forfeit | null> {
    const owned = new Map(keys.map((key) => [key.userId, key]));
    for (const key of owned.values()) {
      const forfeit = await this.forfeitOf(key, author);
      if (forfeit !== null) return forfeit;
    }
    return null;
  }

  /**
   * Finishes the insertion of keys of one workspace, with a number of commands that hardly depends on the number of keys.
   *
   * @returns false if a condition of their insertion has changed, and not all of them were confirmed
   */
  async finishInsertions(
    documents: readonly KeyDocument[],
    keys: readonly KeyRecord[],
    author: Author | undefined,
  ): Promise<boolean> {
    const [first] = documents;
    if (first === undefined) return true;
    return afterFirstWrite(async () => {
      const workspace = await this.#workspaces.findOne({ _id: eq(first.workspaceId) });
      if (workspace?.tier !== first.unconfirmed || (await this.forfeitOfAny(keys, author)) !== null) return false;
      const undecided = documents.map(({ _id, unconfirmed, entry }) => ({
        updateOne: {
          filter: { _id: eq(_id), unconfirmed: eq(unconfirmed ?? ''), 'entry._id': eq(entry?._id ?? '') },
          update: { $unset: { unconfirmed: '' } },
        },
      }));
      let decided = 0;
      for (const part of parts(undecided, INSERTED)) decided += await this.#keys.bulkWrite(part);
      if (decided < documents.length) {
        // Another process has decided on some of them.
        const ids = { _id: where({ $in: documents.map(({ _id }) => _id) }) };
        const confirmed = await this.#keys.count({ ...ids, unconfirmed: eq(null) });
        if (confirmed < documents.length) return false;
      }
      for (const part of parts(documents, INSERTED)) await this.#ledger.settleMany(this.#keys, part);
      return true;
    });
  }

  /** Returns why this author must not change anything; null if there is no reason. */
  async authorForfeit(
    author: Pick<Author, 'kind' | 'id' | 'judged'> | undefined,
    heir?: string,
  ): Promise<'authorEnded' | null> {
    const keyId = keyOf(author);
    if (keyId === null) return null;
    const [document] = await this.#keys.find(
      { _id: eq(keyId) },
      { limit: 1, fields: [...SUMMARY_PROJECTION, 'removed'] },
    );
    if (document === undefined) return null;
    if (document.removed === true) return 'authorEnded';
    const makes = toSummary(document);
    const user = makes.userId === null ? null : await this.#user(makes.userId);
    return isRetired(makes, user, author?.judged, heir) ? 'authorEnded' : null;
  }

  /** Like {@link authorForfeit}, for a change that issues no key: only checks authors with `judged`. */
  async judgedForfeit(author: Author | undefined): Promise<'authorEnded' | null> {
    return author?.judged === undefined ? null : this.authorForfeit(author);
  }

  /**
   * Checks the conditions of an insertion again.
   *
   * @returns false if the key was withdrawn
   */
  async #confirm(document: KeyDocument): Promise<boolean> {
    const { _id, unconfirmed, entry } = document;
    // If its entry is in the log, the key was already confirmed.
    if (unconfirmed === undefined || entry === undefined) return true;
    const undecided = { _id: eq(_id), unconfirmed: eq(unconfirmed), 'entry._id': eq(entry._id) };
    const workspace = await this.#workspaces.findOne({ _id: eq(document.workspaceId) });
    const holds =
      workspace?.tier === unconfirmed && (await this.forfeitOf(toRecord(document), authorOf(entry))) === null;
    if (holds && (await this.#keys.update(undecided, { $unset: { unconfirmed: '' } })) !== null) return true;
    if (!holds && (await this.#keys.remove(undecided))) return false;
    // Another process has decided. If it withdrew the key, the creation may have inserted the key again.
    const now = await this.#keys.findOne({ _id: eq(_id) });
    return now !== null && this.#confirm(now);
  }

  /** Like {@link #confirm}, for a successor. The old key refers to it, so it is revoked instead of deleted. */
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
        { _id: eq(heir.id), revokedAt: eq(null), removed: eq(null), ...withoutEntry() },
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

  /** @returns false if the workspace was withdrawn and does not exist */
  finishWorkspace(document: WorkspaceDocument): Promise<boolean> {
    return afterFirstWrite(() => this.#finishWorkspace(document));
  }

  async #finishWorkspace(document: WorkspaceDocument): Promise<boolean> {
    const { _id, firstKey } = document;
    if (!(await this.#confirmWorkspace(document))) return false;
    if (firstKey !== undefined) {
      // A key embedded by an earlier release has no ends.
      await this.#insertOnce({ ...endsOf([firstKey]), turn: 0, ...firstKey });
      await this.#workspaces.update({ _id: eq(_id) }, { $unset: { firstKey: '' } });
    }
    await this.#ledger.settle(this.#workspaces, document);
    return true;
  }

  /** Like {@link #confirm}, for a workspace and its first key. */
  async #confirmWorkspace({ _id, unconfirmed, firstKey, entry }: WorkspaceDocument): Promise<boolean> {
    if (unconfirmed !== true || firstKey === undefined || entry === undefined) return true;
    const undecided = { _id: eq(_id), unconfirmed: eq(true), 'firstKey._id': eq(firstKey._id) };
    const holds = (await this.forfeitOf(toRecord(firstKey), authorOf(entry))) === null;
    if (holds && (await this.#workspaces.update(undecided, { $unset: { unconfirmed: '' } })) !== null) return true;
    if (!holds && (await this.#workspaces.remove(undecided))) return false;
    // Another process has decided.
    return (await this.#workspaces.findOne({ _id: eq(_id) })) !== null;
  }

  finishProject(document: ProjectDocument): Promise<void> {
    return this.#ledger.settle(this.#projects, document);
  }

  finishCredits(document: CreditsDocument): Promise<void> {
    return this.#ledger.settle(this.#credits, document);
  }

  finishUser(document: UserDocument): Promise<void> {
    return this.#ledger.settle(this.#users, document);
  }

  finishOverride(document: OverrideDocument): Promise<void> {
    return this.#ledger.settle(this.#overrides, document);
  }

  /**
   * Returns which of the key's unique values already exists. Call before the write that commits, because that can't be
   * undone.
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
      // It doesn't matter which unique value collided: a second copy of the same key collides on all of them.
      if ((await this.#keys.findOne({ _id: eq(key._id) })) === null) throw error;
    }
  }
}

/** Reasons of revocation, shown to people. */
const WITHDRAWN: Readonly<Record<Forfeit, string>> = {
  userLeft: 'The user was removed while the key was created.',
  authorEnded: 'The key that created it was revoked at the same time.',
};

function authorOf({ actorKind, actor, judged }: EntryDocument): Pick<Author, 'kind' | 'id' | 'judged'> {
  const seen = judged == null ? {} : { judged: JSON.parse(judged) as JudgedAuthor };
  return { kind: actorKind, id: actor, ...seen };
}

/** @param slot the family's slot, if this is the first key of a family; it also stores how long the family lives */
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
  return pick({ ...INITIAL, ...document, id: document._id }, KEY_FIELDS);
}

export function toSummary(document: KeySummaryDocument): KeySummary {
  return pick({ ...INITIAL, ...document, id: document._id }, KEY_SUMMARY_FIELDS);
}

export function toDocuments(document: Pick<KeyDocument, '_id' | 'trustedDocuments'>): KeyDocuments {
  return pick({ ...INITIAL, ...document, id: document._id }, ['id', 'trustedDocuments']);
}

/** The fields of a {@link KeySummaryDocument}. */
export const SUMMARY_PROJECTION = [
  ...KEY_SUMMARY_FIELDS.filter((field) => field !== 'id'),
  'unconfirmed',
  'successor._id',
  'entry._id',
];

export function toUser(document: UserDocument): UserRecord {
  return pick({ ...document, id: document._id }, USER_FIELDS);
}
