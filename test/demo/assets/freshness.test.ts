import { freshnessOf, inWords } from '../../../src/demo/assets/freshness.js';
import { changesBetween, inWords as changesInWords } from '../../../src/demo/assets/columns.js';

const at = (lastLoadAt: number | null, allowedAge: number | null) => ({ lastLoadAt, lastLoadRows: 7, allowedAge });

describe('freshness', () => {
  it.each([
    ['never loaded', null, 1000, 'UNKNOWN', null],
    ['never loaded, no allowed age', null, null, 'UNKNOWN', null],
    ['just loaded', 50_000, 1000, 'FRESH', 0],
    ['as old as allowed', 49_000, 1000, 'FRESH', 1000],
    ['a millisecond older than allowed', 48_999, 1000, 'STALE', 1001],
    ['old, but never stale', 0, null, 'FRESH', 50_000],
    ['loaded by a clock ahead of ours', 50_500, 1000, 'FRESH', 0],
  ] as const)('%s', (_, lastLoadAt, allowedAge, status, age) => {
    expect(freshnessOf(at(lastLoadAt, allowedAge), 50_000)).toEqual({
      status,
      age,
      lastLoadAt,
      allowedAge,
      lastLoadRows: 7,
    });
  });

  it.each([
    [86_400_000, '1 day'],
    [6 * 3_600_000, '6 hours'],
    [26 * 3_600_000, '26 hours'],
    [90 * 60_000, '90 minutes'],
    [1000, '1 second'],
    [1500, '1500 milliseconds'],
  ])('%p ms is %p', (ms, words) => expect(inWords(ms)).toBe(words));
});

describe('changes of columns', () => {
  const a = { name: 'a', type: 'int' };
  const b = { name: 'b', type: 'text' };

  it('F13: do not include different Unicode forms of the same name', () => {
    const column = (name: string) => [{ name, type: name }];
    expect(changesBetween(column('caf\u00e9'), column('cafe\u0301'))).toBeNull();
    expect(changesBetween(column('caf\u00e9'), column('cafe'))).not.toBeNull();
  });

  it('do not include a different order', () => expect(changesBetween([a, b], [b, a])).toBeNull());

  it('distinguish added, missing and retyped columns', () => {
    const changes = changesBetween(
      [a, b],
      [
        { name: 'b', type: 'date' },
        { name: 'c', type: 'int' },
      ],
    );
    expect(changes && changesInWords(changes)).toBe('added c; missing a; changed b from text to date');
  });

  it('compare names exactly', () => expect(changesBetween([a], [{ name: 'A', type: 'int' }])).not.toBeNull());

  it('name five of many', () => {
    const many = Array.from({ length: 1000 }, (_, index) => ({ name: `c${index}`, type: 'int' }));
    const changes = changesBetween([], many);
    expect(changes && changesInWords(changes)).toBe('added c0, c1, c2, c3, c4 and 995 more');
  });
});
