import type { Column } from '../../../src/demo/store/demoRecords.js';
import { HOUR, MINUTE, NOON, openHarness, type Harness } from './harness.js';

let harness: Harness;
beforeEach(async () => (harness = await openHarness()));
afterEach(() => harness.close());

const COLUMNS: Column[] = [
  { name: 'id', type: 'bigint' },
  { name: 'total', type: 'numeric' },
];
const OTHER: Column[] = [{ name: 'id', type: 'text' }];

function register(more: object = {}) {
  return harness.service.register('ws_a', { name: 'orders', allowedAge: HOUR, columns: COLUMNS, ...more });
}

async function open(workspaceId = 'ws_a'): Promise<string[]> {
  const alerts = await harness.service.openAlerts(workspaceId, ['orders']);
  return alerts.map(({ kind, message }) => `${kind}: ${message}`);
}

describe('staleness', () => {
  const STALE = 'STALE: The last load is older than 1 hour, the allowed age.';

  it('opens one alert when it is checked, and a recent load closes it', async () => {
    await register();
    await harness.service.recordLoad('ws_a', { asset: 'orders' });
    harness.clock.now += HOUR + 1;
    expect(await open()).toEqual([]);
    for (let count = 0; count < 3; count += 1) await harness.service.refreshFreshness('ws_a', 'orders');
    expect(await open()).toEqual([STALE]);
    await harness.service.recordLoad('ws_a', { asset: 'orders' });
    expect(await open()).toEqual([]);
  });

  it('opens an alert if the recorded load is already too old', async () => {
    await register();
    await harness.service.recordLoad('ws_a', { asset: 'orders', at: NOON - 2 * HOUR });
    expect(await open()).toEqual([STALE]);
  });

  it('keeps the alert and its start time after loads that are still too old', async () => {
    await register();
    await harness.service.recordLoad('ws_a', { asset: 'orders', at: NOON - 9 * HOUR });
    harness.clock.now += MINUTE;
    await harness.service.recordLoad('ws_a', { asset: 'orders', at: NOON - 5 * HOUR });
    const [alert] = await harness.service.openAlerts('ws_a', ['orders']);
    expect(alert?.openedAt).toBe(NOON);
  });

  it('R2: a load reads no columns, and does not change an alert about the schema', async () => {
    await register();
    await harness.service.refreshSchema('ws_a', { asset: 'orders', columns: OTHER });
    const before = await open();
    harness.calls.splice(0);
    const loaded = await harness.service.recordLoad('ws_a', { asset: 'orders', at: NOON - 2 * HOUR });
    const judged = await harness.service.refreshFreshness('ws_a', 'orders');
    for (const asset of [loaded, judged]) expect(Object.keys(asset)).not.toContain('columns');
    expect(harness.calls).not.toContain('find');
    expect(harness.calls).not.toContain('columnsOf');
    expect(before).toEqual([expect.stringContaining('SCHEMA_CHANGED')]);
    expect((await open()).sort()).toEqual([...before, STALE]);
  });

  it('an older load changes nothing', async () => {
    await register();
    await harness.service.recordLoad('ws_a', { asset: 'orders', at: NOON, rows: 5 });
    const asset = await harness.service.recordLoad('ws_a', { asset: 'orders', at: NOON - HOUR, rows: 1 });
    expect(asset).toMatchObject({ lastLoadAt: NOON, lastLoadRows: 5 });
  });

  it('a longer allowed age or none closes it', async () => {
    for (const allowedAge of [5 * HOUR, null]) {
      await register();
      await harness.service.recordLoad('ws_a', { asset: 'orders', at: NOON - 2 * HOUR });
      expect(await open()).toHaveLength(1);
      await register({ allowedAge });
      expect(await open()).toEqual([]);
    }
  });

  it('a load between the check and the alert leaves no alert on a fresh asset', async () => {
    await register();
    await harness.service.recordLoad('ws_a', { asset: 'orders' });
    harness.clock.now += 2 * HOUR;
    const openAlert = harness.store.openAlert.bind(harness.store);
    const { store } = harness;
    let raced = false;
    store.openAlert = async (alert) => {
      if (!raced) {
        raced = true;
        // The other caller's whole load happens here, when there is no alert to close yet.
        await harness.service.recordLoad('ws_a', { asset: 'orders' });
      }
      return openAlert(alert);
    };
    const asset = await harness.service.refreshFreshness('ws_a', 'orders');
    expect(raced).toBe(true);
    expect(asset.lastLoadAt).toBe(harness.clock.now);
    expect(await open()).toEqual([]);
  });
});

describe('schema changes', () => {
  it('increment the version and open an alert; the registered columns close it', async () => {
    await register();
    const changed = await harness.service.refreshSchema('ws_a', { asset: 'orders', columns: OTHER });
    expect(changed).toMatchObject({ schemaVersion: 2, columns: OTHER, expectedColumns: COLUMNS });
    expect(await open()).toEqual([
      'SCHEMA_CHANGED: Schema version 2 differs from the registered columns: missing total; changed id from bigint to text.',
    ]);
    const back = await harness.service.refreshSchema('ws_a', { asset: 'orders', columns: COLUMNS });
    expect(back.schemaVersion).toBe(3);
    expect(await open()).toEqual([]);
  });

  it('are accepted by registering the new columns', async () => {
    await register();
    await harness.service.refreshSchema('ws_a', { asset: 'orders', columns: OTHER });
    expect(await register({ columns: OTHER })).toMatchObject({ schemaVersion: 2, expectedColumns: OTHER });
    expect(await open()).toEqual([]);
  });

  it('the same columns in another order are not a change', async () => {
    await register();
    const seen = await harness.service.refreshSchema('ws_a', { asset: 'orders', columns: [...COLUMNS].reverse() });
    expect(seen.schemaVersion).toBe(1);
    expect(await open()).toEqual([]);
  });

  it('another change replaces the alert, so that it describes the current state', async () => {
    await register();
    await harness.service.refreshSchema('ws_a', { asset: 'orders', columns: OTHER });
    await harness.service.refreshSchema('ws_a', {
      asset: 'orders',
      columns: [...COLUMNS, { name: 'tax', type: 'int' }],
    });
    expect(await open()).toEqual(['SCHEMA_CHANGED: Schema version 3 differs from the registered columns: added tax.']);
  });

  it('are recorded without an alert if no columns were registered', async () => {
    await register({ columns: null });
    const seen = await harness.service.refreshSchema('ws_a', { asset: 'orders', columns: OTHER });
    expect(seen).toMatchObject({ schemaVersion: 2, columns: OTHER });
    expect(await open()).toEqual([]);
  });

  it('from many callers at once are all counted, and the alert matches the final state', async () => {
    await register();
    const shapes = Array.from({ length: 8 }, (_, index) => [{ name: `c${index}`, type: 'int' }]);
    await Promise.all(shapes.map((columns) => harness.service.refreshSchema('ws_a', { asset: 'orders', columns })));
    const asset = await harness.store.find('ws_a', 'orders');
    expect(asset?.schemaVersion).toBe(9);
    expect(await open()).toEqual([expect.stringContaining(`added ${asset?.columns[0]?.name ?? '?'};`)]);
  });

  it('are refused temporarily while others keep changing the schema', async () => {
    await register();
    harness.store.saveColumns = async () => null;
    await expect(harness.service.refreshSchema('ws_a', { asset: 'orders', columns: OTHER })).rejects.toMatchObject({
      details: { code: 'UNAVAILABLE' },
    });
  });
});

describe('workspaces', () => {
  it('do not see or change the assets of other workspaces', async () => {
    await register();
    const { service } = harness;
    expect(await service.list('ws_b')).toEqual([]);
    expect(await service.findMany('ws_b', ['orders'])).toEqual([]);
    await expect(service.recordLoad('ws_b', { asset: 'orders' })).rejects.toMatchObject({
      details: { code: 'NOT_FOUND' },
    });
    await service.register('ws_b', { name: 'orders' });
    await service.refreshSchema('ws_b', { asset: 'orders', columns: OTHER });
    expect(await harness.store.find('ws_a', 'orders')).toMatchObject({ columns: COLUMNS, schemaVersion: 1 });
  });

  it('every change returns the same error for an unknown asset', async () => {
    const { service } = harness;
    for (const attempt of [
      () => service.recordLoad('ws_a', { asset: 'nowhere' }),
      () => service.refreshFreshness('ws_a', 'nowhere'),
      () => service.refreshSchema('ws_a', { asset: 'nowhere', columns: OTHER }),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ details: { code: 'NOT_FOUND' } });
    }
  });
});
