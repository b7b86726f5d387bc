import { HOUR, NOON, openHarness, type Harness } from './harness.js';

let harness: Harness;
beforeEach(async () => (harness = await openHarness()));
afterEach(() => harness.close());

async function data(source: string, variables?: Record<string, unknown>): Promise<unknown> {
  const { data: answer, errors } = await harness.run(source, variables);
  expect(errors).toBeUndefined();
  // Results of graphql have no prototype, which toEqual would report as a difference.
  return JSON.parse(JSON.stringify(answer));
}

async function chain(): Promise<void> {
  await harness.service.register('ws_a', { name: 'raw', owner: 'platform' });
  await harness.service.register('ws_a', { name: 'staging', upstream: ['raw', 'elsewhere'] });
  for (const name of ['mart.a', 'mart.b']) await harness.service.register('ws_a', { name, upstream: ['staging'] });
}

describe('reading', () => {
  it('returns every field of an asset', async () => {
    const columns = [{ name: 'id', type: 'bigint' }];
    await harness.service.register('ws_a', {
      name: 'orders',
      description: 'Orders.',
      owner: 'platform',
      allowedAge: HOUR,
      upstream: ['raw'],
      columns,
    });
    await harness.service.recordLoad('ws_a', { asset: 'orders', at: NOON - 2 * HOUR, rows: 12 });
    const answer = await data(`{
      asset(name: "orders") {
        name description owner createdAt
        freshness { status lastLoadAt lastLoadRows age allowedAge }
        schema { version columns { name type } registeredColumns { name type } }
        upstream { name asset { name } } downstream { name }
        alerts { kind message openedAt }
      }
    }`);
    expect(answer).toEqual({
      asset: {
        name: 'orders',
        description: 'Orders.',
        owner: 'platform',
        createdAt: NOON,
        freshness: {
          status: 'STALE',
          lastLoadAt: NOON - 2 * HOUR,
          lastLoadRows: 12,
          age: 2 * HOUR,
          allowedAge: HOUR,
        },
        schema: { version: 1, columns, registeredColumns: columns },
        upstream: [{ name: 'raw', asset: null }],
        downstream: [],
        alerts: [{ kind: 'STALE', message: 'The last load is older than 1 hour, the allowed age.', openedAt: NOON }],
      },
    });
  });

  it('writes nothing, although the asset has become stale', async () => {
    await harness.service.register('ws_a', { name: 'orders', allowedAge: HOUR });
    await harness.service.recordLoad('ws_a', { asset: 'orders' });
    harness.clock.now += 2 * HOUR;
    harness.calls.splice(0);
    const answer = await data('{ assets { freshness { status } alerts { kind } } }');
    expect(answer).toEqual({ assets: [{ freshness: { status: 'STALE' }, alerts: [] }] });
    expect(harness.calls).toEqual(['list', 'openAlerts']);
  });

  it('lists by name, in pages', async () => {
    for (const name of ['c', 'a', 'B', 'b']) await harness.service.register('ws_a', { name });
    expect(await data('{ assets { name } }')).toEqual({ assets: ['B', 'a', 'b', 'c'].map((name) => ({ name })) });
    expect(await data('{ assets(first: 2, after: "B") { name } }')).toEqual({ assets: [{ name: 'a' }, { name: 'b' }] });
  });

  it('lists upstream names that nobody registered', async () => {
    await chain();
    expect(await data('{ asset(name: "staging") { upstream { name asset { owner } } } }')).toEqual({
      asset: {
        upstream: [
          { name: 'raw', asset: { owner: 'platform' } },
          { name: 'elsewhere', asset: null },
        ],
      },
    });
  });

  it('returns null for an asset of another workspace, and does not reach it through lineage', async () => {
    await chain();
    await harness.service.register('ws_b', { name: 'theirs', upstream: ['staging'] });
    const { data: theirs } = await harness.run('{ asset(name: "staging") { name } }', {}, 'ws_b');
    expect(theirs?.asset).toBeNull();
    const { data: upwards } = await harness.run('{ assets { upstream { asset { name } } } }', {}, 'ws_b');
    expect(JSON.stringify(upwards)).toBe('{"assets":[{"upstream":[{"asset":null}]}]}');
    expect(await data('{ asset(name: "staging") { downstream { name } } }')).toEqual({
      asset: { downstream: [{ name: 'mart.a' }, { name: 'mart.b' }] },
    });
  });

  it('returns nothing if there is no workspace', async () => {
    await chain();
    for (const source of ['{ assets { name } }', '{ asset(name: "raw") { name } }']) {
      const { data: answer, errors } = await harness.run(source, {}, null);
      expect(errors).toHaveLength(1);
      expect(Object.values(answer ?? {})).toEqual([null]);
    }
  });
});

describe('R2: reads columns only if they are selected, and at most as many as a response can have', () => {
  const columnsOf = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `c${i}`, type: 'text' }));
  const wide = async (assets: number, columns: number) => {
    const list = columnsOf(columns);
    for (let i = 0; i < assets; i += 1) {
      await harness.service.register('ws_a', { name: `wide.${String(i).padStart(3, '0')}`, columns: list });
    }
    harness.calls.splice(0);
    harness.named.splice(0);
  };
  const namedIn = (operation: string) => harness.named.filter((entry) => entry.startsWith(`${operation} `)).toSorted();

  it('reads none for other fields, whatever the aliases', async () => {
    await wide(3, 2);
    await data('{ a: assets { name schema { version } } b: assets(first: 2) { owner upstream { name } } }');
    expect(harness.calls).not.toContain('columnsOf');
  });

  it('reads texts only if they are selected, once for each asset in an operation', async () => {
    await wide(3, 2);
    await data('{ a: assets { name freshness { status } downstream { name } } b: asset(name: "wide.001") { owner } }');
    expect(harness.calls).not.toContain('textsOf');
    const answer = await data('{ a: assets { description upstream { name } } b: assets(first: 2) { x: description } }');
    expect(answer).toMatchObject({ b: [{ x: null }, { x: null }] });
    expect(namedIn('textsOf')).toEqual(['textsOf wide.000', 'textsOf wide.001', 'textsOf wide.002']);
  });

  it('reads the columns of an asset once in an operation, and only the selected list', async () => {
    await wide(12, 2);
    const answer = await data(
      '{ a: assets { schema { columns { name } } } b: assets(first: 11) { schema { x: columns { type } } } }',
    );
    expect(JSON.stringify(answer).match(/c1/g)).toHaveLength(12);
    const each = Array.from({ length: 12 }, (_, i) => `columnsOf wide.${String(i).padStart(3, '0')}`);
    expect(namedIn('columnsOf')).toEqual(each);
    // Five assets at a time. The aliases may be read one after another.
    expect(harness.calls.filter((call) => call === 'columnsOf').length).toBeLessThanOrEqual(4);
    harness.named.splice(0);
    await data('{ assets(first: 2) { schema { registeredColumns { name } columns { name } } } }');
    expect(namedIn('columnsOf')).toHaveLength(4);
  });

  it('returns the changed columns after a mutation', async () => {
    await wide(1, 1);
    const columns = [{ name: 'new', type: 'text' }];
    const answer = await data(
      `mutation ($columns: [ColumnInput!]!) {
        refreshSchema(input: { asset: "wide.000", columns: $columns }) { schema { version columns { name } } }
      }`,
      { columns },
    );
    expect(answer).toEqual({ refreshSchema: { schema: { version: 2, columns: [{ name: 'new' }] } } });
  });

  it('stops reading once an operation has read as many fields as a response can have', async () => {
    // 500 of each asset, with one field each: the 51st is beyond 50,000.
    await wide(100, 500);
    const { errors } = await harness.run('{ assets { schema { columns { type } } } }');
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'ANSWER_TOO_LARGE', unit: 'fields' });
    expect(harness.calls.filter((call) => call === 'columnsOf')).toHaveLength(11);
  });

  it('warns in a mutation that changes may have been made', async () => {
    await wide(100, 300);
    for (const { name } of (await harness.service.list('ws_a')).slice(1))
      await harness.service.register('ws_a', { name, upstream: ['wide.000'], columns: columnsOf(300) });
    const { errors } = await harness.run(
      'mutation { refreshFreshness(asset: "wide.000") { downstream { schema { registeredColumns { name } } } } }',
    );
    expect(errors?.[0]?.message).toMatch(/limit of 50000 fields.*Some of its changes may have been made/);
  });
});

describe('lineage is read level by level', () => {
  it('downstream with at most two reads for each level, however many assets there are', async () => {
    await chain();
    for (let index = 0; index < 40; index += 1) {
      await harness.service.register('ws_a', { name: `other.${index}`, upstream: ['mart.a', 'mart.b'] });
    }
    harness.calls.splice(0);
    const answer = await data('{ asset(name: "raw") { downstream { downstream { name downstream { name } } } } }');
    expect(JSON.stringify(answer).match(/other\./g)).toHaveLength(80);
    // The names, and then the assets that were not read before.
    const level = ['findDownstream', 'findMany'];
    expect(harness.calls).toEqual(['findMany', ...level, ...level, ...level]);
  });

  it('upstream with at most two reads for each level', async () => {
    await chain();
    harness.calls.splice(0);
    await data('{ asset(name: "mart.a") { upstream { asset { upstream { asset { name } } } } } }');
    expect(harness.calls).toEqual(['findMany', 'textsOf', 'findMany', 'textsOf', 'findMany']);
  });

  it('without reading assets again that the request has already read', async () => {
    await chain();
    await harness.service.register('ws_a', { name: 'elsewhere' });
    harness.calls.splice(0);
    await data('{ assets { upstream { asset { name alerts { kind } } } } }');
    expect(harness.calls).toEqual(['list', 'textsOf', 'openAlerts']);
    harness.calls.splice(0);
    await data('{ asset(name: "raw") { downstream { downstream { upstream { asset { name } } } } } }');
    const level = ['findDownstream', 'findMany'];
    expect(harness.calls).toEqual(['findMany', ...level, ...level, 'textsOf']);
  });

  it('ends at the depth of the query, even in a cycle', async () => {
    await harness.service.register('ws_a', { name: 'x', upstream: ['y'] });
    await harness.service.register('ws_a', { name: 'y', upstream: ['x'] });
    const answer = await data('{ asset(name: "x") { downstream { name downstream { name upstream { name } } } } }');
    expect(answer).toEqual({
      asset: { downstream: [{ name: 'y', downstream: [{ name: 'x', upstream: [{ name: 'y' }] }] }] },
    });
  });

  it('lists the first hundred by name downstream', async () => {
    for (let index = 100; index < 250; index += 1) {
      await harness.service.register('ws_a', { name: `d${index}`, upstream: ['raw'] });
    }
    await harness.service.register('ws_a', { name: 'raw' });
    const expected = Array.from({ length: 100 }, (_, index) => ({ name: `d${index + 100}` }));
    expect(await data('{ asset(name: "raw") { downstream { name } } }')).toEqual({ asset: { downstream: expected } });
  });

  it('an asset with very many downstream assets does not displace the downstream assets of other assets', async () => {
    await harness.service.register('ws_a', { name: 'hub' });
    await harness.service.register('ws_a', { name: 'quiet' });
    for (let index = 0; index < 2001; index += 1) {
      await harness.store.register({
        projectId: 'ws_a',
        name: `d${index}`,
        description: null,
        owner: null,
        allowedAge: null,
        upstream: ['hub'],
        expectedColumns: [],
        columns: [],
        schemaVersion: 1,
        lastLoadAt: null,
        lastLoadRows: null,
        createdAt: NOON,
      });
    }
    await harness.service.register('ws_a', { name: 'zz', upstream: ['quiet'] });
    const answer = (await data(`{
      hub: asset(name: "hub") { downstream { name } }
      quiet: asset(name: "quiet") { downstream { name } }
    }`)) as Record<'hub' | 'quiet', { downstream: { name: string }[] }>;
    expect(answer.hub.downstream).toHaveLength(100);
    expect(answer.quiet.downstream).toEqual([{ name: 'zz' }]);
  });
});

describe('changing', () => {
  it('registers, loads and refreshes, and each response contains the new state', async () => {
    const answer = await data(
      `mutation ($register: RegisterAssetInput!, $old: RecordLoadInput!, $new: RecordLoadInput!, $schema: RefreshSchemaInput!) {
        registerAsset(input: $register) { freshness { status } alerts { kind } }
        old: recordLoad(input: $old) { freshness { status } alerts { kind } }
        judged: refreshFreshness(asset: "orders") { alerts { kind } }
        new: recordLoad(input: $new) { freshness { status lastLoadRows } alerts { kind } }
        refreshSchema(input: $schema) { schema { version } alerts { kind } }
      }`,
      {
        register: { name: 'orders', allowedAge: HOUR, columns: [{ name: 'id', type: 'int' }] },
        old: { asset: 'orders', at: NOON - 2 * HOUR },
        new: { asset: 'orders', rows: 3 },
        schema: { asset: 'orders', columns: [{ name: 'id', type: 'text' }] },
      },
    );
    expect(answer).toEqual({
      registerAsset: { freshness: { status: 'UNKNOWN' }, alerts: [] },
      old: { freshness: { status: 'STALE' }, alerts: [{ kind: 'STALE' }] },
      judged: { alerts: [{ kind: 'STALE' }] },
      new: { freshness: { status: 'FRESH', lastLoadRows: 3 }, alerts: [] },
      refreshSchema: { schema: { version: 2 }, alerts: [{ kind: 'SCHEMA_CHANGED' }] },
    });
  });

  it('returns the code and path of invalid input', async () => {
    const { errors } = await harness.run('mutation { registerAsset(input: { name: "a b" }) { name } }');
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', path: ['input', 'name'] });
  });

  it('returns the code for an unknown asset', async () => {
    const { errors } = await harness.run('mutation { refreshFreshness(asset: "nowhere") { name } }');
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a cyclic lineage', () => {
  /** Every asset depends on every other one, so each selected level multiplies the result by their number. */
  const names = Array.from({ length: 30 }, (_, i) => `loop.${i}`);
  beforeEach(async () => {
    for (const name of names) {
      await harness.service.register('ws_a', { name, upstream: names.filter((other) => other !== name) });
    }
  });

  const levels = (count: number): string =>
    `{ asset(name: "loop.0") ${'{ downstream '.repeat(count)}{ name }${' }'.repeat(count)} }`;

  test('is refused with a remedy when its response becomes too large', async () => {
    const { data, errors } = await harness.run(levels(8));
    expect(data).toEqual({ asset: null });
    expect(errors?.[0]?.message).toMatch(/limit of 50000 fields.*Request fewer entries/);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'ANSWER_TOO_LARGE' });
  });

  test('is returned if the query is limited', async () => {
    const { data, errors } = await harness.run(levels(2));
    expect(errors).toBeUndefined();
    expect(JSON.stringify(data).match(/"name"/g)).toHaveLength(29 * 29);
  });

  test('counts columns too', async () => {
    const columns = Array.from({ length: 900 }, (_, i) => ({ name: `c${i}`, type: 'text' }));
    for (const name of names) await harness.service.register('ws_a', { name, columns });
    const { errors } = await harness.run('{ assets { name schema { registeredColumns { name } columns { name } } } }');
    expect(errors?.[0]?.message).toContain('limit of 50000 fields');
    expect((await harness.run('{ assets { name } }')).errors).toBeUndefined();
  });
});
