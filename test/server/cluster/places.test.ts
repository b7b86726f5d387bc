import fc from 'fast-check';
import { RemotePlaces } from '../../../src/server/cluster/remotePlaces.js';
import { WorkersPlaces } from '../../../src/server/cluster/workersPlaces.js';
import type { OfPlaces } from '../../../src/server/cluster/messages.js';

test('no family has more than its places, whichever workers it uses, and the places of a worker that ends are free', () => {
  const worker = fc.nat(2);
  const family = fc.constantFrom('a', 'b');
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ does: fc.constant('take' as const), worker, family }) },
    { weight: 4, arbitrary: fc.record({ does: fc.constant('giveBack' as const), worker, family }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('end' as const), worker, family }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (steps, limit) => {
      const workers = [{}, {}, {}];
      const places = new WorkersPlaces();
      // The expected places by worker and family.
      const held = new Map<string, number>();
      const of = (name: string) => held.get(name) ?? 0;
      for (const { does, worker: index, family: name } of steps) {
        const by = workers[index] ?? {};
        const all = [0, 1, 2].reduce((sum, each) => sum + of(`${each} ${name}`), 0);
        const own = `${index} ${name}`;
        if (does === 'take') {
          expect(places.take(by, name, limit)).toBe(all < limit);
          if (all < limit) held.set(own, of(own) + 1);
        } else if (does === 'giveBack') {
          places.giveBack(by, name);
          held.set(own, Math.max(0, of(own) - 1));
        } else {
          places.forget(by);
          for (const each of ['a', 'b']) held.set(`${index} ${each}`, 0);
        }
      }
    }),
  );
});

describe('a worker that requests a place', () => {
  const asking = (timeout: number) => {
    const sent: OfPlaces[] = [];
    return { sent, places: new RemotePlaces((message) => void sent.push(message), timeout) };
  };

  it('gets a response', async () => {
    const { sent, places } = asking(60_000);
    const [one, other] = [places.take('a', 2), places.take('b', 1)];
    expect(sent).toEqual([
      { kind: 'take-place', id: 0, family: 'a', limit: 2 },
      { kind: 'take-place', id: 1, family: 'b', limit: 1 },
    ]);
    places.receive({ kind: 'place', id: 1, taken: false });
    places.receive({ kind: 'place', id: 0, taken: true });
    expect(await Promise.all([one, other])).toEqual([true, false]);
    places.giveBack('a');
    expect(sent.at(-1)).toEqual({ kind: 'return-place', family: 'a' });
  });

  it('opens nothing without a response, and gives back a place that is granted too late', async () => {
    const { sent, places } = asking(1);
    await expect(places.take('a', 2)).rejects.toMatchObject({ details: { code: 'UNAVAILABLE', retryAfter: 1 } });
    await expect(places.take('a', 2)).rejects.toMatchObject({ details: { code: 'UNAVAILABLE' } });
    places.receive({ kind: 'place', id: 0, taken: false });
    expect(sent).toHaveLength(2);
    places.receive({ kind: 'place', id: 1, taken: true });
    places.receive({ kind: 'place', id: 1, taken: true });
    expect(sent.slice(2)).toEqual([{ kind: 'return-place', family: 'a' }]);
  });
});
