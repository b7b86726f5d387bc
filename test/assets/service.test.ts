import type { Column } from '../../src/store/records.js';
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

  it('opens an alert when it is judged, once, and a load in time closes it', async () => {
    await register();
    await harness.service.recordLoad('ws_a', { asset: 'orders' });
    harness.clock.now += HOUR + 1;
    expect(await open()).toEqual([]);
    for (let count = 0; count < 3; count += 1) await harness.service.refreshFreshness('ws_a', 'orders');
    expect(await open()).toEqual([STALE]);
    await harness.service.recordLoad('ws_a', { asset: 'orders' });
    expect(await open()).toEqual([]);
  });

  it('opens an alert when the load noted is itself too old', async () => {
    await register();
    await harness.service.recordLoad('ws_a', { asset: 'orders', at: NOON - 2 * HOUR });
    expect(await open()).toEqual([STALE]);
  });

  it('keeps the alert, and since when, through loads that do not catch up', async () => {
    await register();
    await harness.service.recordLoad('ws_a', { asset: 'orders', at: NOON - 9 * HOUR });
    harness.clock.now += MINUTE;
    await harness.service.recordLoad('ws_a', { asset: 'orders', at: NOON - 5 * HOUR });
    const [alert] = await harness.service.openAlerts('ws_a', ['orders']);
    expect(alert?.openedAt).toBe(NOON);
  });

  it('R2: a load reads no columns, and leaves an alert of the schema as it is', async () => {
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

  it('a longer allowed age closes it, none at all too', async () => {
    for (const allowedAge of [5 * HOUR, null]) {
      await register();
      await harness.service.recordLoad('ws_a', { asset: 'orders', at: NOON - 2 * HOUR });
      expect(await open()).toHaveLength(1);
      await register({ allowedAge });
      expect(await open()).toEqual([]);
    }
  });

  it('a load that comes in between judging and alerting leaves no alert on a fresh asset', async () => {
    await register();
    await harness.service.recordLoad('ws_a', { asset: 'orders' });
    harness.clock.now += 2 * HOUR;
    const openAlert = harness.store.openAlert.bind(harness.store);
    const { store } = harness;
    let raced = false;
    store.openAlert = async (alert) => {
      if (!raced) {
        raced = true;
        // The whole of the other caller's load happens here: at its time there is no alert to close.
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
  it('count the version up and open an alert; the registered columns close it', async () => {
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

  it('the same columns in another order are no change', async () => {
    await register();
    const seen = await harness.service.refreshSchema('ws_a', { asset: 'orders', columns: [...COLUMNS].reverse() });
    expect(seen.schemaVersion).toBe(1);
    expect(await open()).toEqual([]);
  });

  it('a further change replaces the alert, so that it says what is so now', async () => {
    await register();
    await harness.service.refreshSchema('ws_a', { asset: 'orders', columns: OTHER });
    await harness.service.refreshSchema('ws_a', {
      asset: 'orders',
      columns: [...COLUMNS, { name: 'tax', type: 'int' }],
    });
    expect(await open()).toEqual(['SCHEMA_CHANGED: Schema version 3 differs from the registered columns: added tax.']);
  });

  it('are noted without an alert where the registration promised no columns', async () => {
    await register({ columns: null });
    const seen = await harness.service.refreshSchema('ws_a', { asset: 'orders', columns: OTHER });
    expect(seen).toMatchObject({ schemaVersion: 2, columns: OTHER });
    expect(await open()).toEqual([]);
  });

  it('seen by many at once are each counted, and the alert fits what was left', async () => {
    await register();
    const shapes = Array.from({ length: 8 }, (_, index) => [{ name: `c${index}`, type: 'int' }]);
    await Promise.all(shapes.map((columns) => harness.service.refreshSchema('ws_a', { asset: 'orders', columns })));
    const asset = await harness.store.find('ws_a', 'orders');
    expect(asset?.schemaVersion).toBe(9);
    expect(await open()).toEqual([expect.stringContaining(`added ${asset?.columns[0]?.name ?? '?'};`)]);
  });

  it('are refused for the moment where others never leave the schema alone', async () => {
    await register();
    harness.store.saveColumns = async () => null;
    await expect(harness.service.refreshSchema('ws_a', { asset: 'orders', columns: OTHER })).rejects.toMatchObject({
      details: { code: 'UNAVAILABLE' },
    });
  });
});

describe('workspaces', () => {
  it('do not see or change the assets of others', async () => {
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

  it('an unknown asset is told the same way in every change', async () => {
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
