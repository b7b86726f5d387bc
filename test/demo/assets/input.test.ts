import fc from 'fast-check';
import type { AssetService } from '../../../src/demo/assets/service.js';
import { NOON, openHarness, type Harness } from './harness.js';

let harness: Harness;
let service: AssetService;
beforeAll(async () => {
  harness = await openHarness();
  ({ service } = harness);
  await service.register('ws_a', { name: 'known' });
});
afterAll(() => harness.close());

const many = (count: number) => Array.from({ length: count }, (_, index) => `n${index}`);
const columns = (count: number) => many(count).map((name) => ({ name, type: 'int' }));

describe('rejects invalid input with the path of the argument, and writes nothing', () => {
  it.each([
    [{ name: '' }, ['name']],
    [{ name: 'a'.repeat(201) }, ['name']],
    [{ name: 'a b' }, ['name']],
    [{ name: 'a\n' }, ['name']],
    [{ name: 'ordérs' }, ['name']],
    [{ name: 'a', description: 'd'.repeat(2001) }, ['description']],
    [{ name: 'a', description: 'd\u0000' }, ['description']],
    [{ name: 'a', description: '\u001b[2J' }, ['description']],
    [{ name: 'a', owner: '' }, ['owner']],
    [{ name: 'a', owner: 'o'.repeat(201) }, ['owner']],
    [{ name: 'a', owner: 'two\nlines' }, ['owner']],
    [{ name: 'a', allowedAge: 0 }, ['allowedAge']],
    [{ name: 'a', allowedAge: -1000 }, ['allowedAge']],
    [{ name: 'a', allowedAge: NaN }, ['allowedAge']],
    [{ name: 'a', allowedAge: 3651 * 86_400_000 }, ['allowedAge']],
    [{ name: 'a', upstream: many(101) }, ['upstream']],
    [{ name: 'a', upstream: ['b', 'c d'] }, ['upstream', 1]],
    [{ name: 'a', upstream: ['b', 'a'] }, ['upstream', 1]],
    [{ name: 'a', columns: columns(1001) }, ['columns']],
    [{ name: 'a', columns: [...columns(2), { name: 'n0', type: 'text' }] }, ['columns', 2, 'name']],
    [{ name: 'a', columns: [{ name: '', type: 'int' }] }, ['columns', 0, 'name']],
    [{ name: 'a', columns: [{ name: 'c', type: '' }] }, ['columns', 0, 'type']],
    [{ name: 'a', columns: [{ name: 'c', type: 't'.repeat(501) }] }, ['columns', 0, 'type']],
  ])('registerAsset %j', async (input, path) => {
    harness.calls.splice(0);
    await expect(service.register('ws_a', input)).rejects.toMatchObject({
      details: { code: 'BAD_USER_INPUT', path: ['input', ...path] },
    });
    expect(harness.calls).toEqual([]);
  });

  it.each([
    [{ asset: 'no such name' }, 'asset'],
    [{ asset: 'known', at: NOON + 5 * 60_000 + 1 }, 'at'],
    [{ asset: 'known', at: -1 }, 'at'],
    [{ asset: 'known', at: NaN }, 'at'],
    [{ asset: 'known', rows: -1 }, 'rows'],
    [{ asset: 'known', rows: 1.5 }, 'rows'],
    [{ asset: 'known', rows: 2 ** 53 }, 'rows'],
  ])('recordLoad %j', async (input, field) => {
    harness.calls.splice(0);
    await expect(service.recordLoad('ws_a', input)).rejects.toMatchObject({
      details: { code: 'BAD_USER_INPUT', path: ['input', field] },
    });
    expect(harness.calls).toEqual([]);
  });

  it.each([[columns(0)], [columns(1001)]])('refreshSchema with too few or too many columns', async (list) => {
    await expect(service.refreshSchema('ws_a', { asset: 'known', columns: list })).rejects.toMatchObject({
      details: { code: 'BAD_USER_INPUT', path: ['input', 'columns'] },
    });
  });

  it.each([
    [0, null, 'first'],
    [-1, null, 'first'],
    [101, null, 'first'],
    [1.5, null, 'first'],
    [10, "' OR 1=1", 'after'],
  ] as const)('assets(first: %p, after: %p)', async (first, after, field) => {
    await expect(service.list('ws_a', first, after)).rejects.toMatchObject({
      details: { code: 'BAD_USER_INPUT', path: [field] },
    });
  });

  it('does not repeat the input in errors, because it may be a secret in the wrong place', async () => {
    const text = fc.string({ minLength: 8, maxLength: 40 }).filter((sent) => !/^[\w.\-/:]+$/.test(sent));
    await fc.assert(
      fc.asyncProperty(text, async (sent) => {
        const error: unknown = await service.register('ws_a', { name: sent }).catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(Error);
        expect((error as Error).message).not.toContain(sent);
      }),
      { numRuns: 100 },
    );
  });
});

describe('accepts input at the limits', () => {
  it.each([
    [{ name: 'a'.repeat(200) }],
    [{ name: 'Az09_.-/:' }],
    [{ name: 'a', description: 'line\n\tline', owner: 'o'.repeat(200), allowedAge: 1000 }],
    [{ name: 'a', upstream: many(100), columns: columns(1000), allowedAge: 3650 * 86_400_000 }],
  ])('registerAsset', async (input) => {
    expect((await service.register('ws_a', input)).name).toBe(input.name);
  });

  it('keeps an upstream name once', async () => {
    expect((await service.register('ws_a', { name: 'a', upstream: ['x', 'y', 'x'] })).upstream).toEqual(['x', 'y']);
  });

  it.each([NOON + 5 * 60_000, 0])('recordLoad at %p', async (at) => {
    expect((await service.recordLoad('ws_a', { asset: 'known', at, rows: 3_000_000_000 })).lastLoadAt).not.toBeNull();
  });
});
