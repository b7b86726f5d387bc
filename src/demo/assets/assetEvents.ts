import { z } from 'zod';
import { ALERT_KINDS } from '../store/demoRecords.js';
import type { AssetNews } from './service.js';

/** An asset was registered or loaded, or its freshness changed. Its state is in the store. */
export type AssetEvent = Extract<AssetNews, { kind: 'asset' }>;

export type AlertEvent = Extract<AssetNews, { kind: 'alert' }>;

/** Returns the topic of the changes of a project's assets. */
export function assetTopic(projectId: string): string {
  return `asset ${projectId}`;
}

/** Returns the topic of the alerts of a project. */
export function alertTopic(projectId: string): string {
  return `alert ${projectId}`;
}

const text = z.string().max(200);
const time = z.number();

const alert = z.strictObject({
  id: text,
  projectId: text,
  asset: text,
  kind: z.enum(ALERT_KINDS),
  message: z.string().max(32_000),
  openedAt: time,
  closedAt: time.nullable(),
});

/** How the events of assets are delivered to the streams of all processes. */
export const ASSET_EVENTS = [
  {
    kind: 'asset',
    schema: z.strictObject({ kind: z.literal('asset'), projectId: text, name: text }),
    topicOf: ({ projectId }: AssetEvent) => assetTopic(projectId),
  },
  {
    kind: 'alert',
    schema: z.strictObject({ kind: z.literal('alert'), alert }),
    topicOf: (event: AlertEvent) => alertTopic(event.alert.projectId),
    lengthOf: (event: AlertEvent) => event.alert.message.length,
  },
] as const;
