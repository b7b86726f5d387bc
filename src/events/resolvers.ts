import { reached, type AssetContext, type ProjectFinder } from '../assets/resolvers.js';
import type { EventRecord } from '../store/records.js';
import { connectionOf } from '../schema/connection.js';
import { decodeEventCursor, encodeEventCursor } from './cursor.js';
import type { EventInput } from './input.js';
import type { EventService } from './service.js';

export interface EventResolverOptions {
  readonly service: EventService;
  readonly project: ProjectFinder;
}

interface EventsArguments {
  readonly first?: number | null;
  readonly after?: string | null;
  readonly asset?: string | null;
  readonly type?: string | null;
  readonly project?: string | null;
}

interface RecordEventsArguments {
  readonly input: readonly EventInput[];
  readonly project?: string | null;
}

/** The resolvers of events. */
export function eventResolvers({ service, project }: EventResolverOptions) {
  return {
    Query: {
      events: async (
        _: unknown,
        { first, after, asset, type, project: wanted }: EventsArguments,
        context: AssetContext,
      ) =>
        service.list(await reached(project, context, wanted), {
          first: first ?? 50,
          after: after == null ? null : decodeEventCursor(after),
          asset: asset ?? null,
          type: type ?? null,
        }),
    },
    Mutation: {
      recordEvents: async (_: unknown, { input, project: wanted }: RecordEventsArguments, context: AssetContext) =>
        service.record(await reached(project, context, wanted), input),
    },
    Event: {
      properties: ({ properties }: EventRecord): unknown => (properties === null ? null : JSON.parse(properties)),
    },
    EventConnection: connectionOf<EventRecord>(encodeEventCursor),
  };
}
