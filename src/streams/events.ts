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
