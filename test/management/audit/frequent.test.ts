import fc from 'fast-check';
import { Frequent } from '../../../src/management/audit/frequent.js';

const NAMES = fc.array(fc.nat(30).map(String), { maxLength: 400 });

/** The exact count of each name, with no limit on their number. */
function exactly(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function counted(size: number, names: readonly string[]): Frequent {
  const frequent = new Frequent(size);
  for (const name of names) frequent.add(name);
  return frequent;
}

test('counts every name exactly while there is room, and returns the most frequent first', () => {
  fc.assert(
    fc.property(NAMES, (names) => {
      const most = counted(31, names).most(31);
      expect(new Map(most.map(({ name, times }) => [name, times]))).toEqual(exactly(names));
      expect(most).toEqual(most.toSorted((a, b) => b.times - a.times || (a.name < b.name ? -1 : 1)));
    }),
  );
});

test('with more names, no count is too high or below its bound, and the number of names stays limited', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 }), NAMES, (size, names) => {
      const kept = new Map(
        counted(size, names)
          .most(Infinity)
          .map(({ name, times }) => [name, times]),
      );
      expect(kept.size).toBeLessThanOrEqual(size);
      for (const [name, times] of exactly(names)) {
        const lower = kept.get(name) ?? 0;
        expect(lower).toBeLessThanOrEqual(times);
        expect(lower).toBeGreaterThanOrEqual(times - names.length / (size + 1));
      }
    }),
  );
});

// A list of the first or last addresses would contain only the flood.
test('finds one address that guesses in a flood of a hundred thousand addresses that come once', () => {
  const frequent = new Frequent(1_000);
  for (let i = 0; i < 100_000; i += 1) {
    frequent.add(`flood ${i}`);
    if (i % 100 === 0) frequent.add('guesser');
  }
  expect(frequent.most(1)).toEqual([{ name: 'guesser', times: expect.any(Number) }]);
  expect(frequent.most(Infinity).length).toBeLessThanOrEqual(1_000);
});
