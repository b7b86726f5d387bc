import { projectCreated, projectRenamed } from '../entries.js';
import { pick, PROJECT_FIELDS } from '../fields.js';
import type { ProjectRecord } from '../records.js';
import type { ProjectStore } from '../store.js';
import { eq, where, type Documents } from './documents.js';
import type { Intents } from './intents.js';
import { toDocument as toEntry, withoutEntry } from './ledger.js';
import { laterThan } from './laterThan.js';
import type { ProjectDocument } from './schemas.js';

export const PROJECT_UNIQUE = { _id: 'project.id', 'workspaceId,name': 'project.name' };

export function openProjects(projects: Documents<ProjectDocument>, intents: Intents): ProjectStore {
  return {
    async create(project, author) {
      const { id: _id, workspaceId, name, createdAt } = project;
      const document = { _id, workspaceId, name, createdAt, entry: toEntry(projectCreated(project, author)) };
      await projects.insert(document);
      await intents.finishProject(document);
    },
    async find(id) {
      const document = await projects.findOne({ _id: eq(id) });
      return document && toRecord(document);
    },
    async findMany(ids) {
      return (await projects.find({ _id: where({ $in: [...ids] }) })).map(toRecord);
    },
    async list(workspaceId, { first, after }) {
      const filter = { workspaceId: eq(workspaceId), ...laterThan(after) };
      return (await projects.find(filter, { sort: { createdAt: 1, _id: 1 }, limit: first })).map(toRecord);
    },
    async rename(id, workspaceId, name, occasion) {
      for (;;) {
        const document = await projects.findOne({ _id: eq(id), workspaceId: eq(workspaceId) });
        if (document === null) return null;
        await intents.finishProject(document);
        const before = toRecord(document);
        if (before.name === name) return before;
        const after = { ...before, name };
        const entry = toEntry(projectRenamed(before, after, occasion));
        const changed = await projects.update(
          { _id: eq(id), name: eq(before.name), ...withoutEntry() },
          { $set: { name, entry } },
        );
        if (changed === null) continue;
        await intents.finishProject(changed);
        return after;
      }
    },
  };
}

function toRecord(document: ProjectDocument): ProjectRecord {
  return pick({ ...document, id: document._id }, PROJECT_FIELDS);
}
