import { Duplicate } from '../errors.js';
import type { WorkspaceRecord } from '../records.js';
import type { WorkspaceStore } from '../store.js';
import { eq, type Documents } from './documents.js';
import { toDocument, type Intents } from './intents.js';
import { unlimitedSlot } from './places.js';
import type { WorkspaceDocument } from './schemas.js';

export const WORKSPACE_UNIQUE = { _id: 'workspace.id' };

export function openWorkspaces(workspaces: Documents<WorkspaceDocument>, intents: Intents): WorkspaceStore {
  const exists = async (id: string): Promise<boolean> => (await workspaces.findOne({ _id: eq(id) })) !== null;

  return {
    async create(workspace, firstKey) {
      const taken = await intents.taken(firstKey);
      if (taken !== null) {
        // The very same call made twice collides on everything; what it stands for is the workspace.
        throw new Duplicate((await exists(workspace.id)) ? 'workspace.id' : taken, undefined);
      }
      const document = { ...asDocument(workspace), firstKey: toDocument(firstKey, unlimitedSlot()) };
      await workspaces.insert(document);
      await intents.finishCreation(document);
    },
    async ensure(workspace) {
      try {
        await workspaces.insert(asDocument(workspace));
        return 'created';
      } catch (error) {
        if (error instanceof Duplicate) return 'existed';
        throw error;
      }
    },
    async find(id) {
      const document = await workspaces.findOne({ _id: eq(id) });
      if (document === null) return null;
      await intents.finishCreation(document);
      return asRecord(document);
    },
    async list(first) {
      const documents = await workspaces.find({}, { sort: { createdAt: 1, _id: 1 }, limit: first });
      for (const document of documents) await intents.finishCreation(document);
      return documents.map(asRecord);
    },
    async setTier(id, tier) {
      const document = await workspaces.update({ _id: eq(id) }, { $set: { tier } });
      return document && asRecord(document);
    },
  };
}

function asDocument({ id, name, tier, createdAt }: WorkspaceRecord): WorkspaceDocument {
  return { _id: id, name, tier, createdAt };
}

function asRecord({ _id, name, tier, createdAt }: WorkspaceDocument): WorkspaceRecord {
  return { id: _id, name, tier, createdAt };
}
