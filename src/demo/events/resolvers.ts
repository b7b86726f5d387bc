import type { GraphQLResolveInfo } from 'graphql';
import { reached, type AssetContext, type ProjectFinder } from '../assets/resolvers.js';
import { WorkBudgets } from '../../core/guard/answer/work.js';
import type { EventRecord } from '../store/demoRecords.js';
import { connectionOf } from '../../management/schema/pageConnection.js';
import { listing, pageRows } from '../../management/schema/listing.js';
import { decodeEventCursor, encodeEventCursor } from './cursor.js';
import { BATCH_MAX, type EventInput } from './input.js';
import type { EventService } from './service.js';

interface EventResolverOptions {
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

/** Events that one operation may record, under all its aliases. */
const MAX_EVENTS = 2 * BATCH_MAX;

/** The resolvers of events. */
export function eventResolvers({ service, project }: EventResolverOptions) {
  const budgets = new WorkBudgets({
    limit: MAX_EVENTS,
    path: ['input'],
    message: `This operation records more than ${MAX_EVENTS} events in total. Send some of them in another operation.`,
  });
  // Parsed once, under any number of aliases.
  const parsed = new WeakMap<EventRecord, object>();
  return {
    Query: {
      events: listing(
        async ({ first, after, asset, type, project: wanted }: EventsArguments, context: AssetContext) =>
          service.list(await reached(project, context, wanted), {
            first: first ?? 50,
            after: after == null ? null : decodeEventCursor(after),
            asset: asset ?? null,
            type: type ?? null,
          }),
        ({ first }) => pageRows(first, 50),
      ),
    },
    Mutation: {
      recordEvents: async (
        _: unknown,
        { input, project: wanted }: RecordEventsArguments,
        context: AssetContext,
        info: GraphQLResolveInfo,
      ) => {
        const projectId = await reached(project, context, wanted);
        // A batch that is too long by itself is refused for that.
        budgets.spend(info, Math.min(input.length, BATCH_MAX));
        return service.record(projectId, input);
      },
    },
    Event: {
      properties: (event: EventRecord): unknown => {
        if (event.properties === null) return null;
        let value = parsed.get(event);
        if (value === undefined) parsed.set(event, (value = JSON.parse(event.properties) as object));
        return value;
      },
    },
    EventConnection: connectionOf<EventRecord>(encodeEventCursor),
  };
}
