import fc from 'fast-check';
import { DueQueue } from '../../../src/core/streams/dueQueue.js';

test('R3: returns due items in the order of time, and none before it is due', () => {
  const step = fc.oneof(
    fc.record({ add: fc.integer({ min: 0, max: 50 }) }),
    fc.record({ take: fc.integer({ min: -1, max: 60 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new DueQueue<number>();
      let model: number[] = [];
      for (const made of steps) {
        if ('add' in made) {
          queue.add(made.add, made.add);
          model = [...model, made.add].toSorted((a, b) => a - b);
        } else {
          const [first] = model;
          const expected = first !== undefined && first <= made.take ? first : null;
          expect(queue.take(made.take)?.at ?? null).toBe(expected);
          if (expected !== null) model = model.slice(1);
        }
        expect([queue.next, queue.size]).toEqual([model[0] ?? null, model.length]);
      }
    }),
  );
});
