import fc from 'fast-check';
import { jsonSize } from '../../../../src/core/guard/answer/size.js';

const ROOM = 10_000_000;

describe('the size of a value as JSON', () => {
  it('is at least a twelfth of the JSON, and at most eight times as large', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const bytes = Buffer.byteLength(JSON.stringify(value));
        const size = jsonSize(value, ROOM);
        expect(size).toBeGreaterThanOrEqual(bytes / 12);
        expect(size).toBeLessThanOrEqual(8 * bytes);
      }),
      { seed: 1 },
    );
  });

  it.each([
    ['a long text', 'x'.repeat(100_000)],
    ['escapes', '\u0001'.repeat(100_000)],
    ['text outside Latin-1', '漢'.repeat(100_000)],
    ['long keys', { ['k'.repeat(100_000)]: 1 }],
    ['a list of texts', Array.from({ length: 10_000 }, () => 'x'.repeat(20))],
  ])('is about the size of %s', (_, value) => {
    const bytes = Buffer.byteLength(JSON.stringify(value));
    expect(jsonSize(value, ROOM)).toBeGreaterThan(0.9 * bytes);
    expect(jsonSize(value, ROOM)).toBeLessThan(1.3 * bytes);
  });

  it('counts a shared value each time it occurs', () => {
    const shared = 'x'.repeat(1_000);
    expect(
      jsonSize(
        Array.from({ length: 100 }, () => shared),
        ROOM,
      ),
    ).toBeGreaterThan(100_000);
  });

  it('counts a value by the result of its toJSON', () => {
    expect(jsonSize(new Date(0), ROOM)).toBeGreaterThan(24);
    expect(jsonSize({ toJSON: () => 'x'.repeat(1_000) }, ROOM)).toBeGreaterThan(1_000);
  });

  it('stops soon after it exceeds the limit', () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    expect(jsonSize(cycle, 1_000)).toBeGreaterThan(1_000);
    const endless = { toJSON: () => endless };
    expect(jsonSize(endless, 1_000)).toBeGreaterThan(1_000);
    expect(jsonSize(new Array(1_000_000).fill(0), 1_000)).toBeGreaterThan(1_000);
    expect(jsonSize(new Uint8Array(1_000_000), 1_000)).toBeGreaterThan(1_000);
  });
});
