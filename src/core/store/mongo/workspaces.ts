import { tierChanged, workspaceCreated } from '../entries.js';
import { Duplicate } from '../storeErrors.js';
import { placeKindOf } from '../places.js';
import type { WorkspaceRecord } from '../records.js';
import type { WorkspaceStore } from '../store.js';
import { eq, type Documents } from './documents.js';
import { toDocument, type Intents } from './intents.js';
import { toDocument as toEntry, withJudged, withoutEntry } from './ledger.js';
import { unlimitedSlot } from './families.js';
import type { WorkspaceDocument } from './schemas.js';

export const WORKSPACE_UNIQUE = { _id: 'workspace.id' };

export function openWorkspaces(workspaces: Documents<WorkspaceDocument>, intents: Intents): WorkspaceStore {
  const exists = async (id: string): Promise<boolean> => (await workspaces.findOne({ _id: eq(id) })) !== null;

  return {
    async create(workspace, firstKey, author) {
      const taken = await intents.taken(firstKey);
      if (taken !== null) {
        // Repeating the same call collides on everything; report the workspace, because it comes first.
        throw new Duplicate((await exists(workspace.id)) ? 'workspace.id' : taken, undefined);
      }
      if ((await intents.forfeitOf(firstKey, author)) !== null) return 'authorEnded';
      const document = {
        ...asDocument(workspace),
        unconfirmed: true,
        firstKey: toDocument(firstKey, unlimitedSlot(placeKindOf(firstKey))),
        entry: withJudged(toEntry(workspaceCreated(workspace, firstKey.id, author)), author),
      };
      await workspaces.insert(document);
      return (await intents.finishWorkspace(document)) ? 'created' : 'authorEnded';
    },
    async ensure(workspace) {
      const document = { ...asDocument(workspace), entry: toEntry(workspaceCreated(workspace, null, undefined)) };
      try {
        await workspaces.insert(document);
      } catch (error) {
        if (error instanceof Duplicate) return 'existed';
        throw error;
      }
      await intents.finishWorkspace(document);
      return 'created';
    },
    async find(id) {
      const document = await workspaces.findOne({ _id: eq(id) });
      if (document === null || !(await intents.finishWorkspace(document))) return null;
      return asRecord(document);
    },
    async list(first) {
      const documents = await workspaces.find({}, { sort: { createdAt: 1, _id: 1 }, limit: first });
      const there: WorkspaceDocument[] = [];
      for (const document of documents) if (await intents.finishWorkspace(document)) there.push(document);
      return there.map(asRecord);
    },
    async setTier(id, tier, now, author) {
      for (;;) {
        const document = await workspaces.findOne({ _id: eq(id) });
        if (document === null || !(await intents.finishWorkspace(document))) return null;
        const before = asRecord(document);
        if (before.tier === tier) return before;
        if ((await intents.judgedForfeit(author)) !== null) return 'authorEnded';
        const after = { ...before, tier };
        const entry = toEntry(tierChanged(before, after, { at: now, author }));
        const changed = await workspaces.update(
          { _id: eq(id), tier: eq(before.tier), ...withoutEntry() },
          { $set: { tier, entry } },
        );
        if (changed === null) continue;
        await intents.finishWorkspace(changed);
        return after;
      }
    },
  };
}

function asDocument({ id, name, tier, createdAt }: WorkspaceRecord): WorkspaceDocument {
  return { _id: id, name, tier, createdAt };
}

function asRecord({ _id, name, tier, createdAt }: WorkspaceDocument): WorkspaceRecord {
  return { id: _id, name, tier, createdAt };
}
