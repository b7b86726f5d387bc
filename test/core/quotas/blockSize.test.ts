import fc from 'fast-check';
import { AHEAD, blockSize } from '../../../src/core/quotas/blockSize.js';

describe('the size of a block', () => {
  test('is one unit for a small quota, and at the end of a large one', () => {
    expect(blockSize(100, null, null)).toBe(1);
    expect(blockSize(100, 100, { size: 1, lasted: 1 })).toBe(1);
    expect(blockSize(1_000_000, 31, { size: 4_000, lasted: 1 })).toBe(1);
  });

  test('follows the pace', () => {
    expect(blockSize(1_000_000, null, null)).toBe(8);
    expect(blockSize(1_000_000, 1_000_000, { size: 8, lasted: 100 })).toBe(32);
    expect(blockSize(1_000_000, 1_000_000, { size: 32, lasted: 1_000 })).toBe(64);
    expect(blockSize(1_000_000, 1_000_000, { size: 64, lasted: 5_000 })).toBe(64);
    expect(blockSize(1_000_000, 1_000_000, { size: 64, lasted: 60_000 })).toBe(32);
  });

  test('with the one fetched ahead, never exceeds 1 % of the quota, except for single units', () => {
    const previous = fc.record({ size: fc.integer({ min: 1, max: 1e9 }), lasted: fc.integer({ min: 0, max: 1e6 }) });
    const left = fc.option(fc.integer({ min: 0, max: 2 ** 31 - 1 }));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), left, fc.option(previous), (limit, rest, before) => {
        const size = blockSize(limit, rest, before);
        expect(Number.isInteger(size)).toBe(true);
        expect(size).toBeGreaterThanOrEqual(1);
        if (size === 1) return;
        expect(size * (1 + AHEAD)).toBeLessThanOrEqual(limit / 100);
        expect(size).toBeLessThanOrEqual((rest ?? limit) / 16);
      }),
    );
  });
});
