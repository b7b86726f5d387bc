import fc from 'fast-check';
import { TimeRing } from '../../src/limits/ring.js';

const LENGTH = 60_000;

describe('TimeRing', () => {
  it('holds exactly the times of the last minute, through growth, wrap and shrinkage', () => {
    const moves = fc.array(fc.tuple(fc.integer({ min: 0, max: 12_000 }), fc.integer({ min: 0, max: 60 })), {
      minLength: 20,
      maxLength: 120,
    });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 33 }), moves, (start, list) => {
        const ring = new TimeRing(LENGTH);
        let model: number[] = [];
        let now = start;
        for (const [silence, count] of list) {
          now += silence;
          ring.advance(now);
          ring.push(count);
          model = [...model, ...Array.from({ length: count }, () => now)].filter((at) => at > now - LENGTH);
          expect(Array.from({ length: ring.size }, (_, index) => now - ring.age(index))).toEqual(model);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('refuses a length that two bytes cannot tell apart', () => {
    expect(() => new TimeRing(65_536)).toThrow(RangeError);
    expect(() => new TimeRing(0)).toThrow(RangeError);
    expect(() => new TimeRing(NaN)).toThrow(RangeError);
  });
});
