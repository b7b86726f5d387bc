import { pick } from '../../../core/store/fields.js';
import { eq, where, type Documents } from '../../../core/store/mongo/documents.js';
import { EVENT_FIELDS } from '../demoFields.js';
import type { EventRecord } from '../demoRecords.js';
import type { EventStore } from '../demoStore.js';
import type { EventDocument } from './demoSchemas.js';

export const EVENT_UNIQUE = { 'projectId,id': 'event.id' };

export function openEvents(events: Documents<EventDocument>): EventStore {
  const find = async ([first]: readonly EventRecord[], ids: ReadonlySet<string>): Promise<EventRecord[]> => {
    if (first === undefined || ids.size === 0) return [];
    return (await events.find({ projectId: eq(first.projectId), id: where({ $in: [...ids] }) })).map(toRecord);
  };

  return {
    async record(given) {
      // In the same order for every call, so that two calls with the same IDs can't deadlock.
      const ordered = given.toSorted((a, b) => (a.id < b.id ? -1 : 1));
      const taken = new Set((await events.insertNew(ordered.map(toDocument))).map(({ id }) => id));
      const before = new Map((await find(given, taken)).map((event) => [event.id, event]));
      // An event that expired since the write is replaced by the given one.
      return given.map((event) => ({ event: before.get(event.id) ?? event, added: !taken.has(event.id) }));
    },
    async list(projectId, { first, after, filter, since }) {
      const documents = await events.find(
        {
          projectId: eq(projectId),
          ...(filter.asset !== undefined && { asset: eq(filter.asset) }),
          ...(filter.type !== undefined && { type: eq(filter.type) }),
          ...happened(since, after),
        },
        { sort: { at: -1, id: -1 }, limit: first },
      );
      return documents.map(toRecord);
    },
  };
}

/**
 * Matches events after `since` and before the row. Repeats the row's time outside of $or, because MongoDB can't use $or
 * to bound an index.
 */
function happened(since: number, row: { readonly at: number; readonly id: string } | null) {
  const from = { $gt: new Date(since) };
  if (row === null) return { at: where(from) };
  const at = new Date(row.at);
  return {
    at: where({ ...from, $lte: at }),
    $or: where([{ at: where({ $lt: at }) }, { at: eq(at), id: where({ $lt: row.id }) }]),
  };
}

function toDocument(event: EventRecord): EventDocument {
  return { ...pick(event, EVENT_FIELDS), at: new Date(event.at) };
}

function toRecord(document: EventDocument): EventRecord {
  return pick({ ...document, at: document.at.getTime() }, EVENT_FIELDS);
}
