import type { AssetNews } from '../assets/service.js';
import type { KeyEvent } from '../keys/events.js';

/** What streams tell. */
export type StreamEvent = AssetNews | KeyEvent;

/** An asset was registered, loaded or judged anew. What it is by now stands in the store. */
export type AssetEvent = Extract<AssetNews, { kind: 'asset' }>;

export type AlertEvent = Extract<AssetNews, { kind: 'alert' }>;

/** Whose events a stream is given: those of a project, or of a workspace's keys. */
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

/** What an event takes in memory apart from its texts, in bytes. */
const BYTES_PER_EVENT = 300;

/** Returns what an event takes in memory, in bytes. Of events of another server's own nothing is known but that they are there. */
export function bytesOf(event: unknown): number {
  const { kind, alert } = (event ?? {}) as Partial<AlertEvent>;
  return kind === 'alert' && alert !== undefined ? BYTES_PER_EVENT + 2 * alert.message.length : BYTES_PER_EVENT;
}
