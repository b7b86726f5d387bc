import { z } from 'zod';
import { KEY_EVENT_TYPES } from '../../core/keys/keyEvent.js';
import { ALERT_KINDS } from '../../core/store/records.js';
import type { StreamEvent } from '../streams/streamEvent.js';
import type { Wire } from './redisFeed.js';

const text = z.string().max(200);
const message = z.string().max(32_000);
const time = z.number();

const alert = z.strictObject({
  id: text,
  projectId: text,
  asset: text,
  kind: z.enum(ALERT_KINDS),
  message,
  openedAt: time,
  closedAt: time.nullable(),
});

const event = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('asset'), projectId: text, name: text }),
  z.strictObject({ kind: z.literal('alert'), alert }),
  z.strictObject({
    kind: z.literal('key'),
    type: z.enum(KEY_EVENT_TYPES),
    at: time,
    workspaceId: text,
    projectId: text.nullable(),
    keyId: text,
    actor: text.nullable(),
    address: text.nullable(),
  }),
]);

/** Events as JSON. Anyone who can write to Redis can publish on this channel, so messages are validated. */
export const EVENTS: Wire<StreamEvent> = {
  channel: 'latchkey:events',
  write: (told) => JSON.stringify(told),
  read(written) {
    try {
      const { data } = event.safeParse(JSON.parse(written));
      return data ?? null;
    } catch {
      return null;
    }
  },
};
