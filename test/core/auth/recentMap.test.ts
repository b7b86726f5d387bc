import fc from 'fast-check';
import { RecentMap } from '../../../src/core/auth/recentMap.js';

const KEYS = fc.array(fc.integer({ min: 0, max: 30 }).map(String), { maxLength: 200 });

test('never has more than max entries, each with the latest value', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 12 }), KEYS, (max, keys) => {
      const map = new RecentMap<number>(max);
      const latest = new Map<string, number>();
      for (const [index, key] of keys.entries()) {
        map.set(key, index);
        latest.set(key, index);
        expect(map.size).toBeLessThanOrEqual(max);
        expect([...map.values()]).toHaveLength(map.size);
        for (const [known, value] of latest) expect([value, undefined]).toContain(map.peek(known));
        expect(map.get(key)).toBe(index);
      }
    }),
  );
});

test('counts a large entry as several, whatever is replaced or deleted', () => {
  const weigh = (value: number) => value;
  const step = fc.record({
    key: fc.integer({ min: 0, max: 9 }).map(String),
    value: fc.double({ min: 0.25, max: 5, noNaN: true }),
    goes: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const map = new RecentMap<number>(20, weigh);
      for (const { key, value, goes } of steps) {
        if (goes) map.delete(key);
        else {
          map.set(key, value);
          expect(map.peek(key)).toBe(value);
        }
        // Each generation exceeds its half by at most one value.
        expect([...map.values()].reduce((sum, each) => sum + each, 0)).toBeLessThan(20 + 5 + 1e-6);
      }
    }),
  );
});

test('keeps an entry that is used again before max / 2 others', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 8 }), KEYS, (half, keys) => {
      const map = new RecentMap<string>(2 * half);
      map.set('used', 'still');
      for (const key of keys) {
        map.set(key, key);
        expect(map.get('used')).toBe('still');
      }
      expect(map.get(keys.at(-1) ?? 'used')).toBeDefined();
    }),
  );
});

test('does not keep an entry that was only peeked at', () => {
  const map = new RecentMap<number>(4);
  map.set('a', 1);
  for (const key of ['b', 'c', 'd', 'e']) {
    map.peek('a');
    map.set(key, 2);
  }
  expect(map.peek('a')).toBeUndefined();
});

test('removes deleted and cleared entries from both generations', () => {
  const map = new RecentMap<number>(4);
  for (const key of ['a', 'b', 'c']) map.set(key, 1);
  map.delete('a');
  map.delete('c');
  expect(['a', 'b', 'c'].map((key) => map.get(key))).toEqual([undefined, 1, undefined]);
  map.clear();
  expect([map.size, map.get('b')]).toEqual([0, undefined]);
});
