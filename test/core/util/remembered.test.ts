import { Remembered } from '../../../src/core/util/remembered.js';

describe('R2: rows that many aliases request', () => {
  it('are read once and at once, and then returned without a promise', async () => {
    const reads: (readonly string[])[] = [];
    const rows = new Remembered<string | null>(async (names) => {
      reads.push(names);
      return names.map((name) => (name === 'none' ? null : name.toUpperCase()));
    });
    rows.prime('primed', 'PRIMED');
    expect(rows.load('primed')).toBe('PRIMED');
    const waiting = [rows.load('a'), rows.load('none'), rows.load('a')];
    expect(waiting[0]).toBeInstanceOf(Promise);
    expect(waiting[2]).toBe(waiting[0]);
    expect(await Promise.all(waiting.map(async (row) => row))).toEqual(['A', null, 'A']);
    expect([rows.load('a'), rows.load('none')]).toEqual(['A', null]);
    expect(reads).toEqual([['a', 'none']]);
  });

  it('fail for each alias if the read fails', async () => {
    const rows = new Remembered<string>(async () => Promise.reject(new Error('It fails.')));
    const waiting = [rows.load('a'), rows.load('a')];
    for (const row of [...waiting, rows.load('a')]) await expect(row).rejects.toThrow('It fails.');
  });
});
