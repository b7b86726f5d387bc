import { Duplicate } from '../../../../src/core/store/storeErrors.js';
import type { AssetRecord } from '../../../../src/demo/store/demoRecords.js';
import { givenWorkspace, namesOf, NOW, unique } from '../../../core/store/fixtures.js';
import { anAlert, anAsset } from '../demoFixtures.js';
import type { DemoBench } from '../demoTarget.js';

const COLUMNS = [{ name: '$id', type: '$bigint' }];

function summaryOf(asset: AssetRecord) {
  const {
    columns: _columns,
    expectedColumns: _expected,
    description: _description,
    upstream: _upstream,
    ...summary
  } = asset;
  return summary;
}

export function testAssets({ store }: DemoBench): void {
  /** The assets derived from each of the names. */
  const downstream = async (ws: string, names: readonly string[], first: number) => {
    const found = new Map((await store().assets.findDownstream(ws, names, first)).map((each) => [each.name, each]));
    return names.map((name) => found.get(name)?.downstream ?? []);
  };

  describe('assets', () => {
    test('are returned as they were registered', async () => {
      const ws = await givenWorkspace(store());
      const full = anAsset(ws, { upstream: ['raw', 'other', 'raw'], columns: COLUMNS, schemaVersion: 1 });
      const bare = anAsset(ws, { description: null, owner: null, allowedAge: null, expectedColumns: [] });
      for (const asset of [full, bare]) {
        expect(await store().assets.register(asset)).toEqual(asset);
        expect(await store().assets.find(ws, asset.name)).toEqual(asset);
      }
      expect(await store().assets.find(await givenWorkspace(store()), full.name)).toBeNull();
      expect(await store().assets.find(ws, unique('asset'))).toBeNull();
    });

    test('a second registration replaces the first one, but keeps loads and columns', async () => {
      const ws = await givenWorkspace(store());
      const asset = anAsset(ws, { columns: COLUMNS, upstream: ['a'] });
      await store().assets.register(asset);
      await store().assets.recordLoad(ws, asset.name, NOW, 7);
      await store().assets.saveColumns(ws, asset.name, 1, [{ name: 'x', type: 'text' }]);
      const again = anAsset(ws, {
        name: asset.name,
        description: '$description',
        owner: null,
        allowedAge: 5,
        upstream: ['$b', 'c'],
        expectedColumns: COLUMNS,
        columns: COLUMNS,
        createdAt: NOW + 99,
      });
      const expected = {
        ...again,
        columns: [{ name: 'x', type: 'text' }],
        schemaVersion: 2,
        lastLoadAt: NOW,
        lastLoadRows: 7,
        createdAt: NOW,
      };
      expect(await store().assets.register(again)).toEqual(expected);
      expect(await store().assets.find(ws, asset.name)).toEqual(expected);
      expect(await downstream(ws, ['a'], 5)).toEqual([[]]);
      expect(await downstream(ws, ['$b', 'c'], 5)).toEqual([[asset.name], [asset.name]]);
    });

    test('without columns get the columns of a later registration; others keep theirs', async () => {
      const ws = await givenWorkspace(store());
      const asset = anAsset(ws);
      await store().assets.register(asset);
      const late = { ...asset, columns: COLUMNS };
      expect(await store().assets.register(late)).toEqual(late);
      expect(await store().assets.register({ ...asset, columns: [{ name: 'y', type: 'text' }] })).toEqual(late);
    });

    test('concurrent registrations create one asset', async () => {
      const ws = await givenWorkspace(store());
      const name = unique('asset');
      const calls = Array.from({ length: 10 }, (_, i) =>
        store().assets.register(anAsset(ws, { name, columns: [{ name: `c${i}`, type: 'text' }] })),
      );
      const answers = await Promise.all(calls);
      expect(await store().assets.list(ws, { first: 10, after: null })).toHaveLength(1);
      const final = await store().assets.find(ws, name);
      for (const { columns, schemaVersion } of answers) {
        expect({ columns, schemaVersion }).toEqual({ columns: final?.columns, schemaVersion: 1 });
      }
    });

    test('are listed by name, in pages, and found by name', async () => {
      const ws = await givenWorkspace(store());
      for (const name of ['b', 'B', 'é', 'a', '_', 'aa']) await store().assets.register(anAsset(ws, { name }));
      await store().assets.register(anAsset(await givenWorkspace(store()), { name: 'c' }));
      const page = async (first: number, after: string | null) =>
        namesOf(await store().assets.list(ws, { first, after }));
      expect(await page(10, null)).toEqual(['B', '_', 'a', 'aa', 'b', 'é']);
      expect(await page(2, null)).toEqual(['B', '_']);
      expect(await page(3, '_')).toEqual(['a', 'aa', 'b']);
      expect(await page(3, 'ab')).toEqual(['b', 'é']);
      expect(namesOf(await store().assets.findMany(ws, ['b', 'none', 'a', 'b'])).sort()).toEqual(['a', 'b']);
      expect(await store().assets.findMany(ws, [])).toEqual([]);
    });

    test('R2: are read without their texts and columns, which are read by name', async () => {
      const ws = await givenWorkspace(store());
      const columns = [{ name: 'id', type: 'bigint' }];
      await store().assets.register(
        anAsset(ws, { name: 'a', description: 'text', columns, expectedColumns: columns, upstream: ['b', 'c', 'b'] }),
      );
      await store().assets.register(anAsset(ws, { name: 'b' }));
      const summary = summaryOf((await store().assets.find(ws, 'a')) ?? anAsset(ws));
      expect(await store().assets.findMany(ws, ['a'])).toEqual([summary]);
      expect((await store().assets.list(ws, { first: 1, after: null }))[0]).toEqual(summary);
      const seen = [{ name: 'seen', type: 'text' }];
      await store().assets.saveColumns(ws, 'a', 1, seen);
      expect(await store().assets.columnsOf(ws, ['a', 'none', 'a'], 'columns')).toEqual([{ name: 'a', list: seen }]);
      expect(await store().assets.columnsOf(ws, ['a'], 'expectedColumns')).toEqual([{ name: 'a', list: columns }]);
      expect(await store().assets.textsOf(ws, ['a', 'none', 'a'])).toEqual([
        { name: 'a', description: 'text', upstream: ['b', 'c', 'b'] },
      ]);
      const other = await givenWorkspace(store());
      for (const [workspace, names] of [
        [other, ['a']],
        [ws, []],
      ] as const) {
        expect(await store().assets.columnsOf(workspace, names, 'columns')).toEqual([]);
        expect(await store().assets.textsOf(workspace, names)).toEqual([]);
      }
    });

    test('assets downstream of others are found by name, up to a limit for each', async () => {
      const ws = await givenWorkspace(store());
      for (const [name, upstream] of [
        ['d3', ['raw']],
        ['d1', ['raw', 'other', 'raw']],
        ['d2', ['other']],
        ['d0', ['else']],
      ] as const) {
        await store().assets.register(anAsset(ws, { name, upstream }));
      }
      expect(await downstream(ws, ['raw', 'other'], 10)).toEqual([
        ['d1', 'd3'],
        ['d1', 'd2'],
      ]);
      expect(await downstream(ws, ['raw', 'other'], 1)).toEqual([['d1'], ['d1']]);
      expect(await downstream(ws, ['unheard-of', 'else'], 10)).toEqual([[], ['d0']]);
      expect(await downstream(ws, [], 10)).toEqual([]);
      expect(await downstream(await givenWorkspace(store()), ['raw'], 10)).toEqual([[]]);
    });

    test('record their last load, never an older one', async () => {
      const ws = await givenWorkspace(store());
      const asset = summaryOf(await store().assets.register(anAsset(ws)));
      const load = (at: number, rows: number | null) => store().assets.recordLoad(ws, asset.name, at, rows);
      expect(await load(NOW, 10)).toEqual({ ...asset, lastLoadAt: NOW, lastLoadRows: 10 });
      expect(await load(NOW - 1, 99)).toEqual({ ...asset, lastLoadAt: NOW, lastLoadRows: 10 });
      expect(await load(NOW + 1, null)).toEqual({ ...asset, lastLoadAt: NOW + 1, lastLoadRows: null });
      expect(await store().assets.recordLoad(ws, unique('asset'), NOW, 1)).toBeNull();
    });

    test('R2: record several loads like single loads, and ignore unknown names', async () => {
      const ws = await givenWorkspace(store());
      const names = Array.from({ length: 40 }, (_, i) => `a${String(i).padStart(2, '0')}`);
      for (const name of names) await store().assets.register(anAsset(ws, { name }));
      await store().assets.recordLoad(ws, 'a01', NOW + 9, 9);
      const loads = [...names, 'none'].map((name, i) => ({ name, at: NOW, rows: i === 0 ? null : i }));
      const after = await store().assets.recordLoads(ws, loads);
      expect(namesOf(after).sort()).toEqual(names);
      for (const [i, name] of names.entries()) {
        const expected = i === 1 ? [NOW + 9, 9] : [NOW, i === 0 ? null : i];
        const asset = await store().assets.find(ws, name);
        expect([name, asset?.lastLoadAt, asset?.lastLoadRows]).toEqual([name, ...expected]);
        expect(after).toContainEqual(asset && summaryOf(asset));
      }
      expect(await store().assets.recordLoads(ws, [])).toEqual([]);
      expect(await store().assets.recordLoads(await givenWorkspace(store()), loads)).toEqual([]);
    });

    test('F9: record more rows than fit into 32 bits', async () => {
      const ws = await givenWorkspace(store());
      const { name } = await store().assets.register(anAsset(ws));
      for (const [i, rows] of [2 ** 31, 3_000_000_000, 2 ** 53 - 1].entries()) {
        expect(await store().assets.recordLoad(ws, name, NOW + i, rows)).toMatchObject({ lastLoadRows: rows });
        expect(await store().assets.find(ws, name)).toMatchObject({ lastLoadRows: rows });
      }
    });

    test('concurrent loads keep the latest one with its own rows', async () => {
      const ws = await givenWorkspace(store());
      const { name } = await store().assets.register(anAsset(ws));
      await Promise.all([3, 9, 1, 7, 5].map((i) => store().assets.recordLoad(ws, name, NOW + i, i)));
      expect(await store().assets.find(ws, name)).toMatchObject({ lastLoadAt: NOW + 9, lastLoadRows: 9 });
    });

    test('increment their version with each change of columns, and only one concurrent change succeeds', async () => {
      const ws = await givenWorkspace(store());
      const { name } = await store().assets.register(anAsset(ws));
      const calls = Array.from({ length: 8 }, (_, i) =>
        store().assets.saveColumns(ws, name, 1, [{ name: `c${i}`, type: 'text' }]),
      );
      const saved = (await Promise.all(calls)).filter((answer) => answer !== null);
      expect(saved).toHaveLength(1);
      expect(await store().assets.find(ws, name)).toEqual(saved[0]);
      expect(saved[0]?.schemaVersion).toBe(2);
      expect(await store().assets.saveColumns(ws, name, 1, [])).toBeNull();
      expect(await store().assets.saveColumns(ws, name, 2, [])).toMatchObject({ schemaVersion: 3, columns: [] });
      expect(await store().assets.saveColumns(ws, unique('asset'), 1, [])).toBeNull();
    });
  });

  describe('alerts', () => {
    test('are open once for each kind and asset, even if opened concurrently', async () => {
      const ws = await givenWorkspace(store());
      const alerts = Array.from({ length: 10 }, (_, i) => anAlert(ws, 'orders', { openedAt: NOW + i }));
      const answers = await Promise.all(alerts.map((alert) => store().assets.openAlert(alert)));
      const open = await store().assets.openAlerts(ws, ['orders']);
      expect(open).toHaveLength(1);
      for (const answer of answers) expect(answer).toEqual(open[0]);
      expect(await store().assets.openAlert(anAlert(ws, 'orders'))).toEqual(open[0]);
      const other = anAlert(ws, 'orders', { kind: 'SCHEMA_CHANGED' });
      expect(await store().assets.openAlert(other)).toEqual(other);
    });

    test('are closed once, and can be opened again', async () => {
      const ws = await givenWorkspace(store());
      const [first, second] = [anAlert(ws, 'orders'), anAlert(ws, 'orders')];
      const close = (at: number) => store().assets.closeAlert(ws, 'orders', 'STALE', at);
      expect(await close(NOW)).toBeNull();
      await store().assets.openAlert(first);
      expect(await close(NOW + 5)).toEqual({ ...first, closedAt: NOW + 5 });
      expect(await close(NOW + 6)).toBeNull();
      expect(await store().assets.openAlert(second)).toEqual(second);
      expect(await close(NOW + 7)).toEqual({ ...second, closedAt: NOW + 7 });
    });

    test('R2: are opened and closed in bulk as they are one by one', async () => {
      const ws = await givenWorkspace(store());
      const alerts = Array.from({ length: 40 }, (_, i) => anAlert(ws, `a${i}`));
      const [first, second, ...others] = alerts;
      if (first === undefined || second === undefined) throw new Error('There are 40.');
      await store().assets.openAlert(first);
      const again = { ...first, id: unique('alert') };
      const opened = await store().assets.changeAlerts(ws, { open: [again, second, ...others], close: [] });
      expect(opened).toEqual([second, ...others].map(({ id }) => id));
      const names = alerts.map(({ asset }) => asset);
      expect(await store().assets.openAlerts(ws, names)).toHaveLength(40);

      // One closed and opened again with another message, one closed, and one that is not open.
      const other = { ...second, id: unique('alert'), message: 'Other words.' };
      const close = ['a0', 'a1', 'none'].map((asset) => ({ asset, kind: first.kind, at: NOW + 5 }));
      expect(await store().assets.changeAlerts(ws, { open: [other], close })).toEqual([other.id]);
      expect(await store().assets.openAlerts(ws, ['a0', 'a1'])).toEqual([other]);
      expect(await store().assets.openAlerts(ws, names)).toHaveLength(39);
      expect(await store().assets.changeAlerts(ws, { open: [], close: [] })).toEqual([]);
      expect(await store().assets.changeAlerts(await givenWorkspace(store()), { open: [], close })).toEqual([]);
    });

    test('an ID that already exists is a Duplicate', async () => {
      const ws = await givenWorkspace(store());
      const alert = await store().assets.openAlert(anAlert(ws, 'orders'));
      const error = await store()
        .assets.openAlert(anAlert(ws, 'other', { id: alert.id }))
        .catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(Duplicate);
      expect(error).toMatchObject({ what: 'alert.id' });
    });

    test('open alerts of some assets are listed oldest first', async () => {
      const ws = await givenWorkspace(store());
      const opened = [
        anAlert(ws, 'a', { openedAt: NOW + 2 }),
        anAlert(ws, 'b', { openedAt: NOW + 1 }),
        anAlert(ws, 'b', { openedAt: NOW + 3, kind: 'SCHEMA_CHANGED' }),
        anAlert(ws, 'c'),
        anAlert(ws, 'd'),
      ];
      for (const alert of opened) await store().assets.openAlert(alert);
      await store().assets.closeAlert(ws, 'd', 'STALE', NOW + 9);
      const [a, b, changed] = opened;
      expect(await store().assets.openAlerts(ws, ['a', 'b', 'd', 'none'])).toEqual([b, a, changed]);
      expect(await store().assets.openAlerts(ws, [])).toEqual([]);
    });
  });
}
