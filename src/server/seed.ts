import { seedWarehouse } from '../demo/assets/seedWarehouse.js';
import { DEMO_PARTS } from '../demo/store/demoParts.js';
import { AssetService } from '../demo/assets/service.js';
import { DEFAULT_WORKSPACE_ID } from '../core/auth/operator.js';
import { readSettings } from './settings/settings.js';
import { StoreUnavailable } from '../core/store/storeErrors.js';
import { openStore } from '../core/store/open.js';

/** `npm run seed`: fills the default workspace with an example warehouse. Running it again updates its times. */
try {
  const settings = readSettings();
  if (!settings.configuration.demo)
    throw new Error('DEMO is off, so there is nothing to seed. Turn it on, and try again.');
  const store = await openStore(settings, { extension: DEMO_PARTS });
  try {
    await store.workspaces.ensure({
      id: DEFAULT_WORKSPACE_ID,
      name: DEFAULT_WORKSPACE_ID,
      tier: settings.configuration.defaultTier,
      createdAt: Date.now(),
    });
    const seeded = await seedWarehouse(new AssetService(store.assets, Date.now), DEFAULT_WORKSPACE_ID);
    process.stdout.write(
      `The workspace "${DEFAULT_WORKSPACE_ID}" has ${seeded.assets} example assets and ${seeded.openAlerts} open alerts.\n`,
    );
  } finally {
    await store.close();
  }
} catch (error) {
  const detail = error instanceof StoreUnavailable ? ` ${error.reason}. ${error.remedy}`.trimEnd() : '';
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}${detail}\n`);
  process.exit(1);
}
