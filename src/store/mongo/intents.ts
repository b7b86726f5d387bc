import { Duplicate } from '../errors.js';
import { KEY_FIELDS, pick } from '../fields.js';
import type { KeyRecord } from '../records.js';
import { fold } from '../../text/fold.js';
import { eq, where, type Documents } from './documents.js';
import { entryUnderWay, type Ledger } from './ledger.js';
import {
  FOLDING,
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
 * are never deleted, so an insertion that comes late finds the key there and brings nothing back.
 */
export class Intents {
  readonly #keys: Documents<KeyDocument>;
  readonly #workspaces: Documents<WorkspaceDocument>;
  readonly #projects: Documents<ProjectDocument>;
  readonly #users: Documents<UserDocument>;
  readonly #ledger: Ledger;

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

  /**
   * The same in one workspace.
   * @returns false where there is no such workspace.
   */
  async finishIn(workspaceId: string): Promise<boolean> {
    const inWorkspace = { workspaceId: eq(workspaceId) };
    const [keys, workspace, projects, users] = await Promise.all([
      this.#keys.find({ ...inWorkspace, ...keyUnderWay() }),
      this.#workspaces.findOne({ _id: eq(workspaceId) }),
      this.#projects.find({ ...inWorkspace, ...entryUnderWay() }),
      this.#users.find({ ...inWorkspace, ...entryUnderWay() }),
    ]);
    for (const key of keys) await this.finishKey(key);
    if (workspace !== null) await this.finishWorkspace(workspace);
    for (const project of projects) await this.finishProject(project);
    for (const user of users) await this.finishUser(user);
    return workspace !== null;
  }

  async finishKey(document: KeyDocument): Promise<void> {
    const { _id, successor } = document;
    if (successor !== undefined) {
      await this.#insertOnce(successor);
      await this.#keys.update({ _id: eq(_id), 'successor._id': eq(successor._id) }, { $unset: { successor: '' } });
    }
    await this.#ledger.settle(this.#keys, document);
  }

  async finishWorkspace(document: WorkspaceDocument): Promise<void> {
    const { _id, firstKey } = document;
    if (firstKey !== undefined) {
      await this.#insertOnce(firstKey);
      await this.#workspaces.update({ _id: eq(_id) }, { $unset: { firstKey: '' } });
    }
    await this.#ledger.settle(this.#workspaces, document);
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

export function toDocument(key: KeyRecord, slot?: number, entry?: EntryDocument): KeyDocument {
  const { id, ...fields } = pick(key, KEY_FIELDS);
  return {
    _id: id,
    ...fields,
    nameFolded: fold(key.name),
    folding: FOLDING,
    ...(slot !== undefined && { slot }),
    ...(entry !== undefined && { entry }),
  };
}

export function toRecord(document: KeyDocument): KeyRecord {
  return pick({ ...BEFORE_PROJECTS, ...document, id: document._id }, KEY_FIELDS);
}

/** What keys have that were written before there were projects, users and lists of what they may run and where. */
const BEFORE_PROJECTS = { projectId: null, userId: null, allowedAddresses: [], trustedDocuments: null };
