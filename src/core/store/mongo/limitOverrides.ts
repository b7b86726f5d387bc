import { limitsChanged } from '../entries.js';
import { OVERRIDE_FIELDS, pick } from '../fields.js';
import { isEmpty, type LimitOverride, type OverrideSubject } from '../records.js';
import type { LimitOverrideStore } from '../store.js';
import { Duplicate } from '../storeErrors.js';
import { eq, where, type Documents } from './documents.js';
import type { Intents } from './intents.js';
import { toDocument as toEntry, withoutEntry } from './ledger.js';
import type { OverrideDocument, WorkspaceDocument } from './schemas.js';
import type { ReadConcern } from './sessions.js';

export const OVERRIDE_UNIQUE = { _id: 'override.id' };

/** Returns the overrides of several subjects of a workspace. */
export async function findOverrides(
  overrides: Documents<OverrideDocument>,
  workspaceId: string,
  subjects: readonly OverrideSubject[],
  readConcern: ReadConcern = 'majority',
): Promise<readonly LimitOverride[]> {
  const ids = subjects.map((subject) => idOf(workspaceId, subject));
  const found = await overrides.find({ _id: where({ $in: ids }) }, { readConcern });
  return found.filter((document) => !isEmpty(document)).map(toRecord);
}

export function openLimits(
  overrides: Documents<OverrideDocument>,
  workspaces: Documents<WorkspaceDocument>,
  intents: Intents,
): LimitOverrideStore {
  return {
    async set(override, entry) {
      const { workspaceId } = override;
      const _id = idOf(workspaceId, override);
      for (;;) {
        const document = await overrides.findOne({ _id: eq(_id) });
        if (document !== null) await intents.finishOverride(document);
        const before = document === null || isEmpty(document) ? null : toRecord(document);
        if (before === null && isEmpty(override)) return null;
        if ((await intents.judgedForfeit(entry.author)) !== null) return 'authorEnded';
        // Before the override, because without this mark keys are read without overrides.
        await workspaces.update(
          { _id: eq(workspaceId), hasOverrides: where({ $ne: true }) },
          { $set: { hasOverrides: true } },
        );
        const written = { ...pick(override, OVERRIDE_FIELDS), entry: toEntry(limitsChanged(before, override, entry)) };
        const changed =
          document === null
            ? await inserted(overrides, { _id, ...written })
            : await overrides.update(
                { _id: eq(_id), setAt: eq(document.setAt), setBy: eq(document.setBy), ...withoutEntry() },
                { $set: written },
              );
        if (changed === null) continue;
        await intents.finishOverride(changed);
        return before;
      }
    },
    findMany: (workspaceId, subjects) => findOverrides(overrides, workspaceId, subjects),
    async list(workspaceId, { first, after }) {
      const found: LimitOverride[] = [];
      for (let place = after; ;) {
        const { kind, subjectId } = place ?? { kind: '', subjectId: '' };
        const rows = await overrides.find(
          {
            workspaceId: eq(workspaceId),
            $or: where([{ kind: where({ $gt: kind }) }, { kind: eq(kind), subjectId: where({ $gt: subjectId }) }]),
          },
          { sort: { kind: 1, subjectId: 1 }, limit: first },
        );
        // Excludes the few that were removed.
        found.push(...rows.filter((document) => !isEmpty(document)).map(toRecord));
        place = rows.at(-1) ?? null;
        if (rows.length < first || found.length >= first) return found.slice(0, first);
      }
    },
  };
}

/** Returns null if another process has inserted one. */
async function inserted(
  overrides: Documents<OverrideDocument>,
  document: OverrideDocument,
): Promise<OverrideDocument | null> {
  try {
    await overrides.insert(document);
    return document;
  } catch (error) {
    if (error instanceof Duplicate) return null;
    throw error;
  }
}

function idOf(workspaceId: string, { kind, subjectId }: OverrideSubject): string {
  return `${workspaceId} ${kind} ${subjectId}`;
}

function toRecord(document: OverrideDocument): LimitOverride {
  return pick(document, OVERRIDE_FIELDS);
}
