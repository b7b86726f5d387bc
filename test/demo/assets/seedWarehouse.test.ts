import { seedWarehouse } from '../../../src/demo/assets/seedWarehouse.js';
import { CHANGED, WAREHOUSE } from '../../../src/demo/assets/warehouse.js';
import { freshnessOf } from '../../../src/demo/assets/freshness.js';
import { HOUR, openHarness, type Harness } from './harness.js';

let harness: Harness;
beforeEach(async () => (harness = await openHarness()));
afterEach(() => harness.close());

async function state(): Promise<unknown> {
  const assets = await harness.service.list('ws_a');
  const alerts = await harness.service.openAlerts(
    'ws_a',
    assets.map(({ name }) => name),
  );
  return {
    assets: assets.map(({ lastLoadAt, ...rest }) => ({
      ...rest,
      ago: lastLoadAt === null ? null : harness.clock.now - lastLoadAt,
    })),
    alerts,
  };
}

describe('the example warehouse', () => {
  it('has fresh, stale and unknown assets, and a changed schema', async () => {
    const seeded = await seedWarehouse(harness.service, 'ws_a');
    const assets = await harness.service.list('ws_a');
    expect(seeded.assets).toBe(assets.length);
    const counts = { FRESH: 0, STALE: 0, UNKNOWN: 0 };
    for (const asset of assets) counts[freshnessOf(asset, harness.clock.now).status] += 1;
    expect(counts).toEqual({ FRESH: 20, STALE: 4, UNKNOWN: 1 });
    const alerts = await harness.service.openAlerts('ws_a', [CHANGED.asset]);
    expect(alerts.map(({ message }) => message)).toEqual([
      'Schema version 2 differs from the registered columns: added fee; missing currency; changed amount from bigint to varchar(20).',
    ]);
    expect(seeded.openAlerts).toBe(5);
  });

  it('is the same after seeding again, immediately or a day later', async () => {
    await seedWarehouse(harness.service, 'ws_a');
    const first = await state();
    await seedWarehouse(harness.service, 'ws_a');
    expect(await state()).toEqual(first);
    harness.clock.now += 24 * HOUR;
    await seedWarehouse(harness.service, 'ws_a');
    expect(await state()).toEqual(first);
  });

  it('changes only its own assets, and only in its workspace', async () => {
    await harness.service.register('ws_a', { name: 'mine', owner: 'me' });
    await seedWarehouse(harness.service, 'ws_a');
    expect(await harness.service.list('ws_b')).toEqual([]);
    expect(await harness.service.findMany('ws_a', ['mine'])).toMatchObject([{ owner: 'me' }]);
  });

  it('is consistent: only one upstream name is not registered, and every asset has columns and an owner', () => {
    const names = new Set(WAREHOUSE.map(({ name }) => name));
    const unregistered = WAREHOUSE.flatMap(({ upstream }) => upstream).filter((name) => !names.has(name));
    expect(unregistered).toEqual(['sheets.buying.costs']);
    for (const { columns, owner } of WAREHOUSE) {
      expect(columns.length).toBeGreaterThan(2);
      for (const { name, type } of columns) expect(`${name} ${type}`).toMatch(/^[a-z_]+ [a-z]+(\(\d+(,\d+)?\))?$/);
      expect(owner).toMatch(/@example\.com$/);
    }
  });
});
