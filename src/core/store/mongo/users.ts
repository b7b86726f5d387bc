import { userAmendment, userRemoval, type UserRule } from '../changes.js';
import type { Occasion } from '../audit.js';
import { userAdded, userChanged } from '../entries.js';
import { pick, USER_FIELDS } from '../fields.js';
import type { UserRecord } from '../records.js';
import type { UserStore } from '../store.js';
import { eq, unchanged, where, type Documents } from './documents.js';
import { toUser, type Intents } from './intents.js';
import { toDocument as toEntry, withoutEntry } from './ledger.js';
import { laterThan } from './laterThan.js';
import type { UserDocument } from './schemas.js';

export const USER_UNIQUE = { _id: 'user.id' };

export function openUsers(users: Documents<UserDocument>, intents: Intents): UserStore {
  const change = async (
    id: string,
    workspaceId: string,
    rule: UserRule,
    occasion: Occasion,
  ): Promise<UserRecord | 'moved' | 'authorEnded' | null> => {
    for (;;) {
      const document = await users.findOne({ _id: eq(id), workspaceId: eq(workspaceId) });
      if (document === null) return null;
      await intents.finishUser(document);
      const before = toUser(document);
      const patch = rule(before);
      if (patch === null || patch === 'moved') return patch;
      if (Object.keys(patch).length === 0) return before;
      if ((await intents.judgedForfeit(occasion.author)) !== null) return 'authorEnded';
      const after = { ...before, ...patch };
      const changed = await users.update(
        { _id: eq(id), ...unchanged(before, ['name', 'roles', 'externalId', 'removedAt']), ...withoutEntry() },
        { $set: { ...patch, entry: toEntry(userChanged(before, after, occasion)) } },
      );
      if (changed === null) continue;
      await intents.finishUser(changed);
      return toUser(changed);
    }
  };

  return {
    async add(user, author) {
      const { id: _id, ...fields } = pick(user, USER_FIELDS);
      const document = { _id, ...fields, entry: toEntry(userAdded(user, author)) };
      await users.insert(document);
      await intents.finishUser(document);
    },
    async find(id) {
      const document = await users.findOne({ _id: eq(id) });
      return document && toUser(document);
    },
    async findMany(ids) {
      return (await users.find({ _id: where({ $in: [...ids] }) })).map(toUser);
    },
    async list(workspaceId, { first, after }) {
      const filter = { workspaceId: eq(workspaceId), removedAt: eq(null), ...laterThan(after) };
      return (await users.find(filter, { sort: { createdAt: 1, _id: 1 }, limit: first })).map(toUser);
    },
    async update(id, workspaceId, amended, { judged, ...occasion }) {
      return change(id, workspaceId, userAmendment(amended, judged), occasion);
    },
    async remove(id, workspaceId, { judged, ...occasion }) {
      return change(id, workspaceId, userRemoval(occasion.at, judged), occasion);
    },
  };
}
