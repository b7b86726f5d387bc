import type { EventKinds, StreamEvent } from '../streams/streamEvent.js';
import type { Wire } from './redisFeed.js';

/** Returns the format of events: JSON. Anyone who can write to Redis can publish on this channel, so messages are validated. */
export function eventsChannel(kinds: EventKinds): Wire<StreamEvent> {
  return {
    channel: 'latchkey:events',
    write: (event) => JSON.stringify(event),
    read(written) {
      try {
        return kinds.read(JSON.parse(written));
      } catch {
        return null;
      }
    },
  };
}
