import { INDEX_TIMEOUT, type Collections, type MongoExtension } from '../../../core/store/mongo/extension.js';
import type { DemoStore } from '../demoStore.js';
import { ALERT_UNIQUE, ASSET_UNIQUE, openAssets } from './assets.js';
import {
  alertSchema,
  assetSchema,
  eventSchema,
  type AlertDocument,
  type AssetDocument,
  type EventDocument,
} from './demoSchemas.js';
import { EVENT_UNIQUE, openEvents } from './events.js';

/** The built-in domain in a MongoDB store. */
export const MONGO_PARTS: MongoExtension<DemoStore> = {
  async open(collection) {
    const [assets, events] = await Promise.all([openAssetCollections(collection), openEventCollection(collection)]);
    return { assets, events };
  },
};

async function openAssetCollections(collection: Collections): Promise<DemoStore['assets']> {
  const assets = collection<AssetDocument>('Asset', assetSchema, ASSET_UNIQUE);
  const alerts = collection<AlertDocument>('Alert', alertSchema, ALERT_UNIQUE);
  // Before there were projects, assets belonged to a workspace. Its default project has the same ID.
  const prepare = async (documents: typeof assets | typeof alerts): Promise<void> => {
    await documents.renameField('workspaceId', 'projectId', INDEX_TIMEOUT);
    await documents.buildIndexes(INDEX_TIMEOUT);
  };
  await Promise.all([prepare(assets), prepare(alerts)]);
  return openAssets(assets, alerts);
}

async function openEventCollection(collection: Collections): Promise<DemoStore['events']> {
  const events = collection<EventDocument>('Event', eventSchema, EVENT_UNIQUE);
  await events.buildIndexes(INDEX_TIMEOUT);
  return openEvents(events);
}
