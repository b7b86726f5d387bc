import type { AssetService } from './service.js';
import { CHANGED, WAREHOUSE } from './warehouse.js';

/** What the example warehouse holds after seeding. */
export interface Seeded {
  readonly assets: number;
  readonly openAlerts: number;
}

/**
 * Fills a workspace with the example warehouse, its loads as long before now as the example says. Seeding again restores
 * what the example registers and moves its loads up to the new now; it makes nothing twice and leaves other assets alone.
 */
export async function seedWarehouse(service: AssetService, projectId: string): Promise<Seeded> {
  const now = service.now();
  for (const { loadedAgo, rows, ...registration } of WAREHOUSE) {
    const { name: asset } = await service.register(projectId, registration);
    if (loadedAgo !== null) await service.recordLoad(projectId, { asset, at: now - loadedAgo, rows });
  }
  await service.refreshSchema(projectId, CHANGED);
  const names = WAREHOUSE.map(({ name }) => name);
  return { assets: names.length, openAlerts: (await service.openAlerts(projectId, names)).length };
}
