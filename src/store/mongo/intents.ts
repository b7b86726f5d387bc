import { foldCase } from '../changes.js';
import { Duplicate } from '../errors.js';
import { KEY_FIELDS, pick } from '../fields.js';
import type { KeyRecord } from '../records.js';
import { eq, where, type Documents } from './documents.js';
import type { KeyDocument, WorkspaceDocument } from './schemas.js';

const rotationUnderWay = () => ({ 'successor._id': where({ $exists: true }) });
const creationUnderWay = () => ({ 'firstKey._id': where({ $exists: true }) });

/**
 * Two writes that belong together, on a standalone server that has no transactions: the first embeds the key of the
 * second, and with it the whole is decided; then the key is inserted and the embedded copy dropped. Whoever meets an
 * embedded copy does the rest, so a process that died in between left nothing undone. Doing it twice is harmless: keys
 * are never deleted, so an insertion that comes late finds the key there and brings nothing back.
 */
export class Intents {
  readonly #keys: Documents<KeyDocument>;
  readonly #workspaces: Documents<WorkspaceDocument>;

  constructor(keys: Documents<KeyDocument>, workspaces: Documents<WorkspaceDocument>) {
    this.#keys = keys;
    this.#workspaces = workspaces;
  }

  /** Finishes every rotation and creation that was decided. */
  async finishAll(): Promise<void> {
    for (const key of await this.#keys.find(rotationUnderWay())) await this.finishRotation(key);
    for (const workspace of await this.#workspaces.find(creationUnderWay())) await this.finishCreation(workspace);
  }

  /**
   * The same in one workspace.
   * @returns false where there is no such workspace.
   */
  async finishIn(workspaceId: string): Promise<boolean> {
    const [keys, workspace] = await Promise.all([
      this.#keys.find({ workspaceId: eq(workspaceId), ...rotationUnderWay() }),
      this.#workspaces.findOne({ _id: eq(workspaceId) }),
    ]);
    for (const key of keys) await this.finishRotation(key);
    if (workspace !== null) await this.finishCreation(workspace);
    return workspace !== null;
  }

  async finishRotation({ _id, successor }: KeyDocument): Promise<void> {
    if (successor === undefined) return;
    await this.#insertOnce(successor);
    await this.#keys.update({ _id: eq(_id), 'successor._id': eq(successor._id) }, { $unset: { successor: '' } });
  }

  async finishCreation({ _id, firstKey }: WorkspaceDocument): Promise<void> {
    if (firstKey === undefined) return;
    await this.#insertOnce(firstKey);
    await this.#workspaces.update({ _id: eq(_id) }, { $unset: { firstKey: '' } });
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

export function toDocument(key: KeyRecord, slot?: number): KeyDocument {
  const { id, ...fields } = pick(key, KEY_FIELDS);
  return { _id: id, ...fields, nameFolded: foldCase(key.name), ...(slot !== undefined && { slot }) };
}

export function toRecord(document: KeyDocument): KeyRecord {
  return pick({ ...document, id: document._id }, KEY_FIELDS);
}
