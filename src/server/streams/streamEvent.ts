import type { AssetNews } from '../../demo/assets/service.js';
import type { KeyEvent } from '../../core/keys/keyEvent.js';

/** The events of streams. */
export type StreamEvent = AssetNews | KeyEvent;

/** An asset was registered or loaded, or its freshness changed. Its state is in the store. */
export type AssetEvent = Extract<AssetNews, { kind: 'asset' }>;

export type AlertEvent = Extract<AssetNews, { kind: 'alert' }>;

/** The topic of a stream: the events of a project, or of a workspace's keys. */
export type Topic = `asset ${string}` | `alert ${string}` | `key ${string}`;

export function topicOf(event: StreamEvent): Topic {
  switch (event.kind) {
    case 'asset':
      return `asset ${event.projectId}`;
    case 'alert':
      return `alert ${event.alert.projectId}`;
    case 'key':
      return `key ${event.workspaceId}`;
  }
}

/** The memory of an event without its strings, in bytes. */
const BYTES_PER_EVENT = 300;

/** Returns the memory of an event in bytes. Events of other types, which a library user defines, count as one without strings. */
export function bytesOf(event: unknown): number {
  const { kind, alert } = (event ?? {}) as Partial<AlertEvent>;
  return kind === 'alert' && alert !== undefined ? BYTES_PER_EVENT + 2 * alert.message.length : BYTES_PER_EVENT;
}
