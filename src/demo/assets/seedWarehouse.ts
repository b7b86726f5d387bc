import type { AssetService } from './service.js';
import { CHANGED, WAREHOUSE } from './warehouse.js';

/** The contents of the example warehouse after seeding. */
interface Seeded {
  readonly assets: number;
  readonly openAlerts: number;
}

/**
 * Fills a workspace with the example warehouse. The times of loads are relative to now. Seeding again restores the registrations
 * of the example and updates its loads. It creates no duplicates and doesn't change other assets.
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
