import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyImport } from '../../../src/management/import/apply.js';
import { mappingOf } from '../../../src/management/import/mapping.js';
import type { Plan } from '../../../src/management/import/plan.js';
import { inWords, reportOf } from '../../../src/management/import/importReport.js';
import { TIER_LIMITS } from '../../../src/core/limits/tiers.js';
import { openSqliteStore } from '../../../src/core/store/sqlite/open.js';
import type { Store } from '../../../src/core/store/store.js';
import { apply, bcryptHash, betterAuthDigest, betterAuthRow, letters, plan, SCOPES } from './harness.js';

const NOW = Date.UTC(2026, 2, 1, 12);
const dir = mkdtempSync(join(tmpdir(), 'latchkey-import-'));
let store: Store;
beforeAll(async () => {
  store = await openSqliteStore({ dir });
  await store.workspaces.ensure({ id: 'default', name: 'default', tier: 'GROWTH', createdAt: NOW });
  await store.workspaces.ensure({ id: 'ws_other', name: 'other', tier: 'GROWTH', createdAt: NOW });
  await store.workspaces.ensure({ id: 'ws_small', name: 'small', tier: 'FREE_TRIAL', createdAt: NOW });
  await store.users.add({
    id: 'usr_ada',
    workspaceId: 'default',
    name: 'Ada',
    externalId: null,
    roles: ['viewer'],
    createdAt: NOW,
    removedAt: null,
  });
});
afterAll(async () => {
  await store.close();
  rmSync(dir, { recursive: true });
});

const said = ({ problems }: Plan) => problems.map(({ line, problem }) => [line, problem]);
const row = (fields: object = {}) => betterAuthRow(letters('one'), fields);
const PLAIN = { digest: betterAuthDigest('one'), name: 'plain', scopes: 'r', expiresAt: null };

it('reads the name, scopes, dates and displayed part of a row unchanged', async () => {
  const { keys, problems } = await plan(store, [row({ expiresAt: '2026-04-01T00:00:00Z' })], { now: NOW });
  expect(problems).toEqual([]);
  expect(keys).toEqual([
    expect.objectContaining({
      name: 'airflow',
      shown: letters('one').slice(0, 6),
      scopes: ['read:assets'],
      expiresAt: Date.UTC(2026, 3, 1),
      createdAt: Date.UTC(2026, 0, 1),
      workspaceId: 'default',
      userId: null,
      line: 1,
    }),
  ]);
});

describe('never gives a key more permissions than it had', () => {
  it.each([
    ['a scope that the mapping does not name', row({ permissions: { files: ['read', 'admin'] } }), 'files:admin'],
    ['no scopes at all', row({ permissions: null }), '--default-scopes'],
    ['scopes of which none is left', row({ permissions: { files: ['own'] } }), '--default-scopes'],
    ['scopes that cannot be read', row({ permissions: '{"files":' }), 'permissions'],
    ['uses that are counted', row({ remaining: 3 }), 'limitedUses'],
    ['an end without its zone', row({ expiresAt: '2026-04-01T00:00:00' }), 'expiresAt'],
    ['an end that is a number', row({ expiresAt: NOW + 1 }), 'dates'],
    ['a state that is neither', row({ enabled: 'perhaps' }), 'enabled'],
    ['a token in plain text', row({ key: letters('one') }), 'plain-text key'],
    ['no digest', row({ key: null }), 'columns.digest'],
    ['a digest with a NUL', row({ key: `${betterAuthDigest('a').slice(0, 42)}\0` }), 'not a text'],
    ['a name that is none', row({ name: 'two\nlines' }), 'U+000A'],
    ['all of a token to be shown', row({ start: letters('one') }), '24'],
  ])('reports %s as a problem of its row', async (_, given, word) => {
    const planned = await plan(store, [row({ key: betterAuthDigest('good') }), given], { now: NOW });
    expect(said(planned)).toEqual([[2, expect.stringContaining(word)]]);
    expect(planned.keys).toHaveLength(1);
    expect(JSON.stringify(said(planned))).not.toContain(String(given.key).slice(0, 20));
  });

  it.each(['expiresAt', 'enabled', 'remaining', 'permissions'])('reports a column %s that no row has', async (name) => {
    const { [name]: left, ...rest } = row();
    const planned = await plan(store, [rest], {
      now: NOW,
      mapping: { scopes: SCOPES, defaultScopes: 'read:assets' },
    });
    expect([left === undefined, said(planned)]).toEqual([false, [[null, expect.stringContaining(`"${name}"`)]]]);
  });

  it('reports a column that the mapping does not mention, because it may revoke the key', async () => {
    const rows = [{ ...PLAIN, revoked_at: '2026-01-01T00:00:00Z' }];
    const mapping = { scopes: { r: 'read:assets' } };
    expect(said(await plan(store, rows, { from: 'sha256', mapping }))).toEqual([
      [null, expect.stringContaining('"revoked_at"')],
    ]);
    const known = { ...mapping, columns: { revoked: 'revoked_at' } };
    expect(await plan(store, rows, { from: 'sha256', mapping: known, now: NOW })).toMatchObject({
      leftOut: [{ line: 1, name: 'plain', reason: 'revoked', at: Date.UTC(2026, 0) }],
      keys: [],
      problems: [],
    });
  });

  it.each(['platform:all', 'read:nothing', 'a'])('refuses the scope %s', async (scope) => {
    const planned = await plan(store, [row()], { mapping: { scopes: { 'files:read': scope } } });
    expect(said(planned)).toEqual([[1, expect.stringContaining('no such scope')]]);
  });

  it('refuses scopes above the ceiling of the type', async () => {
    const planned = await plan(store, [row()], {
      mapping: { scopes: { 'files:read': 'write:assets' }, type: 'READ_ONLY' },
    });
    expect(said(planned)).toEqual([[1, expect.stringContaining('READ_ONLY')]]);
  });
});

describe('F5: a cell with the time of a revocation or a flag', () => {
  const mapping = { scopes: { r: 'read:assets' }, columns: { revoked: 'revoked_at' } };
  const revoked = (cell: unknown, dates?: string) =>
    plan(store, [{ ...PLAIN, revoked_at: cell }], {
      now: NOW,
      from: 'sha256',
      mapping: { ...mapping, ...(dates !== undefined && { dates }) },
    });

  it.each([null, '', '\\N', 'NULL', 'null', 'no', false, 'false', 'F', 0, '0'])(
    'imports the key for %j',
    async (cell) => {
      const { keys, leftOut, problems } = await revoked(cell);
      expect([keys.length, leftOut, problems]).toEqual([1, [], []]);
    },
  );

  it.each([
    [true, null],
    ['yes', null],
    ['1', null],
    ['2026-01-01 00:00:00+00', Date.UTC(2026, 0)],
    ['2026-03-01T12:00:00Z', NOW],
  ])('leaves the key out for %j, with its name and the reason', async (cell, at) => {
    const { keys, leftOut, problems } = await revoked(cell);
    expect([keys, leftOut, problems]).toEqual([[], [{ line: 1, name: 'plain', reason: 'revoked', at }], []]);
  });

  it.each([
    '0000-00-00 00:00:00',
    '0000-00-00',
    '2026-02-30T00:00:00Z',
    '2026-01-01',
    '2026-03-01T12:00:00.001Z',
    'infinity',
    'never',
    'None',
    ' ',
    'nо',
    NOW,
    -1,
    2,
    1.5,
    [],
    {},
    { $date: 'x' },
  ])('reports %j as a problem of its row and column', async (cell) => {
    const planned = await revoked(cell);
    expect([planned.keys, planned.leftOut]).toEqual([[], []]);
    expect(said(planned)).toEqual([[1, expect.stringContaining('The column "revoked_at" ')]]);
  });

  it('reads a number as a date if the mapping sets the unit', async () => {
    expect((await revoked(NOW, 'milliseconds')).leftOut).toMatchObject([{ at: NOW }]);
    expect((await revoked(String(NOW / 1_000), 'seconds')).leftOut).toMatchObject([{ at: NOW }]);
    expect(said(await revoked(NOW, 'seconds'))).toEqual([[1, expect.stringContaining('milliseconds')]]);
  });

  it('lists the first twenty left-out keys in the report, and all of them with --json', async () => {
    const rows = Array.from({ length: 25 }, (_, i) =>
      row({ key: betterAuthDigest(`left${i}`), name: `key ${i}`, expiresAt: '2026-02-01T00:00:00Z' }),
    );
    const off = row({ key: betterAuthDigest('off'), name: 'off', enabled: 0 });
    const report = reportOf(await plan(store, [off, ...rows], { now: NOW }));
    expect(report).toMatchObject({ imported: 0, expired: 25, disabled: 1, problemCount: 0 });
    expect(report.leftOut).toHaveLength(26);
    const text = inWords(report);
    expect(text).toContain('  line 1: "off" disabled\n  line 2: "key 0" expired 2026-02-01T00:00:00.000Z\n');
    expect(text).toContain('  and 6 more: --json lists all of them.');
  });
});

it('F13: treats columns, scopes, owners and names as equal however their letters are composed', async () => {
  const [composed, decomposed] = ['caf\u00e9', 'cafe\u0301'];
  const given = (form: string, other: string) =>
    plan(
      store,
      [{ digest: betterAuthDigest('nfc'), name: form, scopes: form, expiresAt: null, [form]: 1, owner: form }],
      {
        now: NOW,
        from: 'sha256',
        mapping: {
          columns: { owner: 'owner' },
          ignore: [other],
          scopes: { [other]: 'read:assets' },
          owners: { [other]: { user: 'usr_ada' } },
        },
      },
    );
  for (const planned of [await given(composed, decomposed), await given(decomposed, composed)]) {
    expect(said(planned)).toEqual([]);
    expect(planned.keys).toMatchObject([{ name: composed, scopes: ['read:assets'], userId: 'usr_ada' }]);
  }
  expect(() => mappingOf('sha256', { scopes: { [composed]: 'a', [decomposed]: 'b' } })).toThrow('twice under scopes');
});

describe('F4: a number in a different unit', () => {
  const expires = (cell: unknown, dates: string) =>
    plan(store, [{ ...PLAIN, expiresAt: cell }], {
      now: NOW,
      from: 'sha256',
      mapping: { scopes: { r: 'read:assets' }, dates },
    });
  const END = Date.UTC(2027, 1, 27);

  it.each([
    ['seconds', END],
    ['seconds', String(END)],
    ['seconds', 0],
    ['seconds', 60 * 60 * 24],
    ['seconds', 253_402_300_800],
    ['milliseconds', END / 1_000],
    ['milliseconds', END * 1_000],
    ['milliseconds', 0],
    ['milliseconds', '1'.repeat(20)],
    ['milliseconds', '9'.repeat(30)],
    ['milliseconds', -1],
    ['iso', END],
    ['iso', '+010000-01-01T00:00:00Z'],
    ['iso', '2027-02-30T00:00:00Z'],
    ['iso', '2027-02-28T24:00:00Z'],
  ])('with dates: %s, %j is a problem and no key is imported', async (dates, cell) => {
    const planned = await expires(cell, dates);
    expect([planned.keys, planned.leftOut]).toEqual([[], []]);
    expect(said(planned)).toEqual([[1, expect.stringContaining('The column "expiresAt" ')]]);
  });

  it.each([
    ['seconds', END / 1_000, END],
    ['seconds', 253_402_300_799, Date.UTC(9999, 11, 31, 23, 59, 59)],
    ['milliseconds', String(END), END],
    ['milliseconds', 253_402_300_799_999, Date.UTC(9999, 11, 31, 23, 59, 59, 999)],
    ['iso', '2027-02-27 00:00:00+00', END],
    ['seconds', 'NULL', null],
  ])('with dates: %s, %j is a date', async (dates, cell, at) => {
    const { keys, problems } = await expires(cell, dates);
    expect([problems, keys.map(({ expiresAt }) => expiresAt)]).toEqual([[], [at]]);
  });
});

it('reports the second of two rows that the same token would find', async () => {
  expect(said(await plan(store, [row(), row({ id: 'another' })]))).toEqual([[2, expect.stringContaining('line 1')]]);
});

it('says that two rows have the same hash, or tokens that begin in the same way', async () => {
  const digest = 'a'.repeat(64);
  const rows = [
    { digest, scopes: 'r' },
    { digest, scopes: 'r' },
  ];
  const sha256 = await plan(store, rows, {
    from: 'sha256',
    mapping: { columns: { expires: null }, scopes: { r: 'read:assets' } },
  });
  expect(said(sha256)).toEqual([[2, 'The row has the same hash as the row in line 1. Remove one of them.']]);
});

it('requires owners that the mapping contains and that exist', async () => {
  const owners = { user_1: { user: 'usr_ada' }, user_2: { user: 'usr_none' }, org: { workspace: 'ws_none' } };
  const rows = ['user_1', 'user_2', 'org', 'user_4'].map((referenceId, i) =>
    row({ referenceId, key: betterAuthDigest(String(i)) }),
  );
  const planned = await plan(store, rows, { mapping: { scopes: SCOPES, owners } });
  expect(planned.keys).toEqual([expect.objectContaining({ workspaceId: 'default', userId: 'usr_ada' })]);
  expect(said(planned)).toEqual([
    [2, expect.stringContaining('usr_none')],
    [3, expect.stringContaining('ws_none')],
    [4, expect.stringContaining('user_4')],
  ]);
});

it('reports the number of keys that exceed the limit of the tier, for the whole input', async () => {
  const rows = Array.from({ length: 200 }, (_, i) => row({ key: betterAuthDigest(String(i)) }));
  const planned = await plan(store, rows, { workspaceId: 'ws_small' });
  expect(said(planned)).toEqual([
    [null, expect.stringMatching(/ws_small has 0 of the \d+ keys? that FREE_TRIAL allows, and 200/)],
  ]);
});

describe('A8: a digest of an existing key', () => {
  const there = row({ key: betterAuthDigest('in two workspaces') });

  it('is a problem if the key belongs to another workspace, which the message names', async () => {
    await apply(store, null, [there], { now: NOW, workspaceId: 'ws_other' });
    expect(await plan(store, [there], { now: NOW, workspaceId: 'ws_other' })).toMatchObject({
      present: 1,
      problems: [],
    });
    const planned = await plan(store, [there], { now: NOW });
    expect(planned).toMatchObject({ present: 0, keys: [] });
    expect(said(planned)).toEqual([
      [
        1,
        expect.stringMatching(
          /^The key key_\w+ of the workspace ws_other has the same digest, so its token doesn't work in default\. /,
        ),
      ],
    ]);
  });

  it('is compared with the workspace of its owner', async () => {
    const mapping = (workspace: string) => ({ scopes: SCOPES, owners: { user_1: { workspace } } });
    const planned = async (workspace: string) => plan(store, [there], { now: NOW, mapping: mapping(workspace) });
    expect(await planned('ws_other')).toMatchObject({ present: 1, problems: [] });
    expect(said(await planned('default'))).toEqual([[1, expect.stringContaining('of the workspace ws_other')]]);
  });

  it('is also a problem if the key was created after the plan was made', async () => {
    const late = row({ key: betterAuthDigest('written meanwhile') });
    const { keys } = await plan(store, [late], { now: NOW });
    await apply(store, null, [late], { now: NOW, workspaceId: 'ws_other' });
    const mapping = mappingOf('better-auth', { scopes: SCOPES });
    const options = { store, mapping, peppers: null, tiers: TIER_LIMITS, now: () => NOW };
    expect(await applyImport(keys, options)).toEqual({
      imported: 0,
      present: 0,
      problems: [{ line: 1, problem: expect.stringContaining('of the workspace ws_other has the same digest') }],
    });
  });
});

describe('A8: two columns for the same value', () => {
  it.each([
    ['the first one', { referenceId: 'user_1', userId: null }],
    ['the second one', { referenceId: null, userId: 'user_1' }],
    ['both, with the same value', { referenceId: 'user_1', userId: 'user_1' }],
  ])('are read if the value is in %s', async (_, fields) => {
    const mapping = { scopes: SCOPES, owners: { user_1: { user: 'usr_ada' } } };
    const { keys, problems } = await plan(store, [row(fields)], { now: NOW, mapping });
    expect(problems).toEqual([]);
    expect(keys).toMatchObject([{ userId: 'usr_ada' }]);
  });

  it('are a problem if their values differ', async () => {
    const planned = await plan(store, [row({ referenceId: 'user_1', userId: 'user_2' })], { now: NOW });
    expect(said(planned)).toEqual([[1, expect.stringContaining('"referenceId or userId" has two different values')]]);
  });
});

it('A8: reports permissions with a resource twice, also as text', async () => {
  const planned = await plan(store, [row({ permissions: '{"files":["read"],"files":["write"]}' })], { now: NOW });
  expect(said(planned)).toEqual([[1, expect.stringContaining('each named once')]]);
});

describe('bcrypt', () => {
  const mapping = { scopes: { r: 'read:assets' }, lookup: { prefix: 8 } };
  const given = (fields: object) => ({
    prefix: 'abcdefgh',
    digest: bcryptHash('x'),
    name: 'b',
    scopes: 'r',
    expiresAt: null,
    ...fields,
  });

  it.each([
    ['no locator', { prefix: null }],
    ['one that is too short', { prefix: 'abc' }],
    ['one that no header field carries', { prefix: 'abcdéfgh' }],
    ['a hash of another kind', { digest: `$argon2id$v=19$${'a'.repeat(50)}` }],
    ['a hash that would take a minute', { digest: bcryptHash('x').replace('$04$', '$20$') }],
  ])('reports %s as a problem of its row', async (_, fields) => {
    const planned = await plan(store, [given(fields)], { from: 'bcrypt', mapping });
    expect(said(planned)).toEqual([[1, expect.any(String)]]);
  });

  it('reports another hash with an imported locator, and skips the same hash', async () => {
    const first = given({ prefix: 'ijklmnop' });
    await apply(store, null, [first], { from: 'bcrypt', mapping });
    expect(await plan(store, [first], { from: 'bcrypt', mapping })).toMatchObject({ present: 1, problems: [] });
    const other = await plan(store, [{ ...first, digest: bcryptHash('y') }], { from: 'bcrypt', mapping });
    expect(said(other)).toEqual([
      [1, expect.stringContaining('was imported with another hash, but its tokens begin in the same way')],
    ]);
  });
});

it.each([
  ['bcrypt without a locator', 'bcrypt', {}, 'lookup'],
  ['a locator of a SHA-256', 'sha256', { lookup: { prefix: 8 } }, 'only for bcrypt'],
  ['a locator that names nothing', 'bcrypt', { lookup: { prefix: 1 } }, 'lookup'],
  ['an unknown key', 'sha256', { colums: {} }, 'colums'],
  ['an unknown column', 'sha256', { columns: { hash: 'x' } }, 'columns'],
] as const)('refuses a mapping with %s', (_, source, content, word) => {
  expect(() => mappingOf(source, content)).toThrow(word);
});

it('lists twenty problems, the number of all problems, and unknown scopes for the mapping', async () => {
  const rows = Array.from({ length: 30 }, (_, i) =>
    row({ key: betterAuthDigest(String(i)), permissions: { __proto__: ['x'], bills: ['pay'] } }),
  );
  const text = inWords(reportOf(await plan(store, rows, { now: NOW })));
  expect(text.match(/line \d+:/g)).toHaveLength(20);
  expect(text).toContain('  and 10 more.');
  expect(text).toContain('  "bills:pay": [] # 30 keys');
});
