import { KEY_ORDER_FIELDS, keyPosition, type KeyPosition } from '../../../../src/core/store/ordering.js';
import { statusOf, type KeyRecord, type KeySummary } from '../../../../src/core/store/records.js';
import { randomBase62 } from '../../../../src/core/keys/token.js';
import type { KeyClues, KeyFilter } from '../../../../src/core/store/keyStore.js';
import type { Bench } from './bench.js';
import { givenKey, givenWorkspace, listed, namesOf, NOW, summaryOf } from '../fixtures.js';

export function testLists({ store }: Bench): void {
  describe('list', () => {
    test('lists the newest first, by time and then by ID, of one workspace', async () => {
      const [ws, other] = [await givenWorkspace(store()), await givenWorkspace(store())];
      await givenKey(store(), other);
      for (const [id, createdAt] of [
        ['b', NOW],
        ['B', NOW],
        ['a', NOW + 5],
        ['z', NOW - 5],
        ['_', NOW],
        ['é', NOW],
      ] as const) {
        await givenKey(store(), ws, { id: `${ws}${id}`, createdAt });
      }
      const ids = (await listed(store(), ws)).map(({ id }) => id.slice(ws.length));
      expect(ids).toEqual(['a', 'é', 'b', '_', 'B', 'z']);
    });

    test('pages neither repeat nor miss a key while keys are added', async () => {
      const ws = await givenWorkspace(store());
      const all: KeyRecord[] = [];
      for (let i = 0; i < 10; i++) all.push(await givenKey(store(), ws, { createdAt: NOW + (i >> 2) }));
      const seen: string[] = [];
      let after: KeyPosition | null = null;
      for (let pages = 1; ; pages++) {
        const page = await store().keys.list(ws, { first: 3, after, filter: {}, now: NOW });
        expect(await store().keys.count(ws, {}, NOW)).toBe(9 + pages);
        seen.push(...page.keys.map(({ id }) => id));
        await givenKey(store(), ws, { createdAt: NOW + 100 });
        const last = page.keys.at(-1);
        after = last === undefined ? null : keyPosition(last, 'CREATED');
        if (!page.hasNextPage) break;
        expect(page.keys).toHaveLength(3);
      }
      expect(seen.toSorted()).toEqual(all.map(({ id }) => id).sort());
    });

    test('detects the last page, even if it is full', async () => {
      const ws = await givenWorkspace(store());
      for (let i = 0; i < 4; i++) await givenKey(store(), ws);
      const page = (first: number) => store().keys.list(ws, { first, after: null, filter: {}, now: NOW });
      expect(await page(3)).toMatchObject({ hasNextPage: true });
      expect(await page(4)).toMatchObject({ hasNextPage: false });
      expect(await page(5)).toMatchObject({ hasNextPage: false });
      expect(await store().keys.count(ws, {}, NOW)).toBe(4);
      expect((await page(4)).keys).toHaveLength(4);
    });

    test('filters by each field and by several, and counts the matches', async () => {
      const ws = await givenWorkspace(store());
      const keys = [
        await givenKey(store(), ws, { name: 'one', type: 'CLIENT', environment: 'TEST', scopes: ['x:read'] }),
        await givenKey(store(), ws, { name: 'two', type: 'CLIENT', expiresAt: NOW, scopes: ['x:read', 'x:write'] }),
        await givenKey(store(), ws, { name: 'three', type: 'READ_ONLY', expiresAt: NOW + 1, scopes: [] }),
        await givenKey(store(), ws, { name: 'four', revokedAt: NOW - 1, scopes: ['x'] }),
        await givenKey(store(), ws, { name: 'five', revokedAt: NOW - 1, expiresAt: NOW - 5, environment: 'TEST' }),
      ];
      const filters: readonly [KeyFilter, (key: KeyRecord) => boolean][] = [
        [{}, () => true],
        [{ status: 'ACTIVE' }, (key) => statusOf(key, NOW) === 'ACTIVE'],
        [{ status: 'EXPIRED' }, (key) => statusOf(key, NOW) === 'EXPIRED'],
        [{ status: 'REVOKED' }, (key) => statusOf(key, NOW) === 'REVOKED'],
        [{ type: 'CLIENT' }, (key) => key.type === 'CLIENT'],
        [{ environment: 'TEST' }, (key) => key.environment === 'TEST'],
        [{ scope: 'x:read' }, (key) => key.scopes.includes('x:read')],
        [{ scope: 'x' }, (key) => key.scopes.includes('x')],
        [{ scope: 'x:' }, () => false],
        [{ nameContains: 'e' }, (key) => key.name.includes('e')],
        [
          { status: 'EXPIRED', type: 'CLIENT', environment: 'LIVE', scope: 'x:write', nameContains: 'W' },
          (key) => key.name === 'two',
        ],
        [{ status: 'ACTIVE', environment: 'TEST', type: 'SECRET' }, () => false],
      ];
      for (const [filter, matches] of filters) {
        const expected = keys.filter(matches);
        expect(namesOf(await listed(store(), ws, filter)).sort()).toEqual(namesOf(expected).sort());
        const page = await store().keys.list(ws, { first: 1, after: null, filter, now: NOW });
        expect(page).toMatchObject({ hasNextPage: expected.length > 1 });
        expect(await store().keys.count(ws, filter, NOW)).toBe(expected.length);
      }
    });

    test('a filtered list continues after a row that the filter does not match', async () => {
      const ws = await givenWorkspace(store());
      const [older, newer] = [
        await givenKey(store(), ws, { createdAt: NOW, type: 'CLIENT' }),
        await givenKey(store(), ws, { createdAt: NOW + 1, type: 'SECRET' }),
      ];
      const after = keyPosition(newer, 'CREATED');
      const page = await store().keys.list(ws, { first: 5, after, filter: { type: 'CLIENT' }, now: NOW });
      expect(page).toEqual({ keys: [summaryOf(older)], hasNextPage: false });
    });

    test('U4: each order pages through every key once, in both directions, keys without a value last', async () => {
      const ws = await givenWorkspace(store());
      const all: KeyRecord[] = [];
      for (let i = 0; i < 14; i++) {
        all.push(
          await givenKey(store(), ws, {
            name: ['b', 'A', 'é', 'ÄRGER', 'a', '👩', 'B'][i % 7] ?? '',
            createdAt: NOW + (i >> 1),
            lastUsedAt: i % 3 === 0 ? null : NOW - (i >> 2),
            expiresAt: i % 4 === 0 ? null : NOW + 1 + (i >> 2),
          }),
        );
      }
      for (const field of KEY_ORDER_FIELDS) {
        for (const direction of ['ASC', 'DESC'] as const) {
          for (const first of [1, 3, 14]) {
            const seen: KeySummary[] = [];
            let after: KeyPosition | null = null;
            for (;;) {
              const order = { field, direction };
              const page = await store().keys.list(ws, { first, after, filter: {}, order, now: NOW });
              seen.push(...page.keys);
              const last = page.keys.at(-1);
              after = last === undefined ? null : keyPosition(last, field);
              if (!page.hasNextPage) break;
              expect(page.keys).toHaveLength(first);
            }
            const expected = all.toSorted((a, b) => inOrder(keyPosition(a, field), keyPosition(b, field), direction));
            expect([field, direction, first, seen.map(({ id }) => id)]).toEqual([
              field,
              direction,
              first,
              expected.map(({ id }) => id),
            ]);
          }
        }
      }
    });

    test('U4: filters apply in every order, and a page continues after a row that they exclude', async () => {
      const ws = await givenWorkspace(store());
      const left = await givenKey(store(), ws, { name: 'b', type: 'SECRET' });
      const last = await givenKey(store(), ws, { name: 'c', type: 'CLIENT' });
      await givenKey(store(), ws, { name: 'a', type: 'CLIENT' });
      const order = { field: 'NAME', direction: 'ASC' } as const;
      const ask = (after: KeyPosition | null) =>
        store().keys.list(ws, { first: 5, after, filter: { type: 'CLIENT' }, order, now: NOW });
      expect(namesOf((await ask(null)).keys)).toEqual(['a', 'c']);
      expect(await ask(keyPosition(left, 'NAME'))).toEqual({ keys: [summaryOf(last)], hasNextPage: false });
    });

    test('U4: finds keys by lookup ID, by its beginning and by the prefix of an imported key, in one workspace or in all', async () => {
      const [ws, other] = [await givenWorkspace(store()), await givenWorkspace(store())];
      const unique = randomBase62(10);
      const given = (workspaceId: string, lookupId: string, more: Partial<KeyRecord> = {}) =>
        givenKey(store(), workspaceId, { lookupId, ...more });
      const mine = await given(ws, `${unique}aaaaaz`, { revokedAt: NOW - 1 });
      const theirs = await given(other, `${unique}aaaaaA`);
      await given(ws, `${unique}b00000`);
      const imported = await given(ws, `foreign:sha256:${unique}`, { tokenPrefix: `ghp_${unique}` });
      const found = async (
        clues: Partial<KeyClues>,
        workspaceId: string | null = ws,
        projectId: string | null = null,
      ) =>
        (
          await store().keys.search(
            { lookupIds: [], beginning: null, foreignPrefix: null, ...clues },
            { workspaceId, projectId },
            20,
          )
        ).map(({ id }) => id);
      const both = [mine.id, theirs.id].sort();
      expect(await found({ lookupIds: [mine.lookupId, theirs.lookupId] })).toEqual([mine.id]);
      expect(await found({ lookupIds: [mine.lookupId, theirs.lookupId] }, null)).toEqual(both);
      expect(await found({ beginning: `${unique}aaaaa` })).toEqual([mine.id]);
      expect(await found({ beginning: `${unique}aaaaa` }, null)).toEqual(both);
      expect(await found({ beginning: `${unique}aaaaa` }, ws, 'prj_none')).toEqual([]);
      expect(await found({ foreignPrefix: `ghp_${unique}` })).toEqual([imported.id]);
      expect(await found({ foreignPrefix: `ghp_${unique}` }, null)).toEqual([imported.id]);
      expect(await found({ foreignPrefix: `ghp_${unique}` }, other)).toEqual([]);
      expect(await found({ foreignPrefix: mine.tokenPrefix })).toEqual([]);
      expect(await found({}, null)).toEqual([]);
      const each = { lookupIds: [mine.lookupId], beginning: unique, foreignPrefix: imported.tokenPrefix };
      expect(await store().keys.search(each, { workspaceId: null, projectId: null }, 2)).toHaveLength(2);
    });

    test('F13: finds a name in any normalization and case', async () => {
      const ws = await givenWorkspace(store());
      const names = [
        'Cafe\u0301 \u212bre',
        'Stra\u00dfe',
        'ISTANBUL',
        '\u0130zmir',
        'ΟΔΟΣ',
        'می\u200cخواهم',
        '👩\u200d💻',
      ];
      for (const name of names) await givenKey(store(), ws, { name });
      for (const [part, expected] of [
        ['caf\u00e9', 0],
        ['CAFE\u0301', 0],
        ['\u00e5re', 0],
        ['A\u030aRE', 0],
        ['STRASSE', 1],
        ['stra\u00dfe', 1],
        ['istanbul', 2],
        ['ıstanbul', 2],
        ['izmir', 3],
        ['IZMIR', 3],
        ['οδοσ', 4],
        ['ΟΔΟΣ', 4],
        ['میخواهم', 5],
        ['می\u200c', 5],
        ['👩💻', 6],
        ['👩\u200d💻', 6],
      ] as const) {
        expect([part, namesOf(await listed(store(), ws, { nameContains: part }))]).toEqual([part, [names[expected]]]);
      }
      expect(await listed(store(), ws, { nameContains: 'cafe' })).toEqual([]);
    });

    test('matches a part of a name literally, in any case', async () => {
      const ws = await givenWorkspace(store());
      const names = [
        '100% done',
        'a_b',
        'axb',
        'a.b',
        'a.*b',
        '$name',
        '$nameFolded',
        '^top$',
        'ÄRGER',
        '[a-z]',
        "o'c\\d",
      ];
      for (const name of names) await givenKey(store(), ws, { name });
      for (const [part, expected] of [
        ['%', ['100% done']],
        ['_', ['a_b']],
        ['.', ['a.*b', 'a.b']],
        ['.*', ['a.*b']],
        ['$', ['$name', '$nameFolded', '^top$']],
        ['$NAME', ['$name', '$nameFolded']],
        ['^', ['^top$']],
        ['ärg', ['ÄRGER']],
        ['[a-z]', ['[a-z]']],
        ["'C\\", ["o'c\\d"]],
        ['A', ['$name', '$nameFolded', '[a-z]', 'a.*b', 'a.b', 'a_b', 'axb']],
        ['', names.toSorted()],
        ['no such', []],
      ] as const) {
        expect(namesOf(await listed(store(), ws, { nameContains: part })).sort()).toEqual([...expected].sort());
      }
    });
  });
}

/** Text by code points, in the order of UTF-8 bytes; null last. */
function inOrder(a: KeyPosition, b: KeyPosition, direction: 'ASC' | 'DESC'): number {
  if (a.value === null || b.value === null) {
    if (a.value !== b.value) return a.value === null ? 1 : -1;
  } else if (a.value !== b.value) {
    const isLess =
      typeof a.value === 'string'
        ? Buffer.compare(Buffer.from(a.value), Buffer.from(String(b.value))) < 0
        : a.value < Number(b.value);
    return isLess === (direction === 'ASC') ? -1 : 1;
  }
  return a.id < b.id === (direction === 'ASC') ? -1 : 1;
}
