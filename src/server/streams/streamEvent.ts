import { z } from 'zod';
import { BYTES_PER_EVENT } from '../../core/streams/openStreams.js';
import { QUOTA_SUBJECTS, QUOTA_UNITS, QUOTA_WINDOWS } from '../../core/quotas/quota.js';
import { KEY_EVENT_TYPES, type KeyEvent } from '../../core/keys/keyEvent.js';

/** An event of streams. How it is delivered depends on its kind. */
export interface StreamEvent {
  readonly kind: string;
}

/** How the events of one kind are delivered. */
interface EventKind {
  readonly kind: string;
  /** Checks an event of another process. */
  readonly schema: z.ZodType<StreamEvent>;
  /** Returns the topic of an event, to which streams listen. */
  topicOf(event: StreamEvent): string;
  /** Returns the number of characters of long texts in an event. Default: 0. */
  lengthOf?(event: StreamEvent): number;
}

/** Returns the topic of the events of a workspace's keys. */
export function keyTopic(workspaceId: string): string {
  return `key ${workspaceId}`;
}

const text = z.string().max(200);

/** The events of keys. */
const KEY_EVENTS: EventKind = {
  kind: 'key',
  schema: z.strictObject({
    kind: z.literal('key'),
    type: z.enum(KEY_EVENT_TYPES),
    at: z.number(),
    workspaceId: text,
    projectId: text.nullable(),
    keyId: text,
    actor: text.nullable(),
    address: text.nullable(),
    quota: z
      .strictObject({
        window: z.enum(QUOTA_WINDOWS),
        unit: z.enum(QUOTA_UNITS),
        subject: z.enum(QUOTA_SUBJECTS),
        limit: z.number(),
        percent: z.number(),
        resetsAt: z.number(),
      })
      .exactOptional(),
  }),
  topicOf: ({ workspaceId }: KeyEvent) => keyTopic(workspaceId),
};

/** All kinds of events that this process delivers. */
export class EventKinds {
  readonly #kinds: ReadonlyMap<unknown, EventKind>;

  /** @param kinds in addition to the events of keys */
  constructor(kinds: readonly EventKind[] = []) {
    this.#kinds = new Map([KEY_EVENTS, ...kinds].map((each) => [each.kind, each]));
  }

  /** Returns the topic of an event; null for an unknown kind, which a process with other settings may have sent. */
  topicOf(event: StreamEvent): string | null {
    return this.#kinds.get(event.kind)?.topicOf(event) ?? null;
  }

  /** Returns the memory of an event in bytes. Events of other types, which a library user defines, count as one without texts. */
  readonly bytesOf = (event: unknown): number => {
    const known = (event ?? {}) as StreamEvent;
    return BYTES_PER_EVENT + 2 * (this.#kinds.get(known.kind)?.lengthOf?.(known) ?? 0);
  };

  /** Returns an event that another process sent; null if it is invalid or of an unknown kind. */
  read(value: unknown): StreamEvent | null {
    const { kind } = (value ?? {}) as Partial<StreamEvent>;
    return this.#kinds.get(kind)?.schema.safeParse(value).data ?? null;
  }
}
