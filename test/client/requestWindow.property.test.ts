import fc from 'fast-check';
import { Window } from '../../src/client/requestWindow.js';
import { OneFamily } from '../core/limits/family.js';

/** A pending request: on the way to the server, then back. */
interface Flight {
  readonly at: number;
  readonly arrives: boolean;
  readonly cost: number;
  readonly back: number;
}

const latency = fc.oneof({ weight: 4, arbitrary: fc.nat(30) }, { weight: 1, arbitrary: fc.nat(4_000) });
const request = fc.record({ cost: fc.integer({ min: 1, max: 3 }), there: latency, back: latency, pause: fc.nat(40) });

const situation = fc.record({
  rate: fc.integer({ min: 3, max: 60 }),
  burst: fc.integer({ min: 3, max: 12 }),
  /** The error of the server's clock in parts per million. */
  drift: fc.integer({ min: -500, max: 500 }),
  requests: fc.array(request, { minLength: 20, maxLength: 150 }),
});

/**
 * Sends each request as soon as both windows allow it, in the order of arrival at the server. Returns the number of
 * rejections.
 */
function play({ rate, burst, drift, requests }: typeof situation extends fc.Arbitrary<infer T> ? T : never): number {
  let now = 0;
  const server = new OneFamily();
  const serverNow = (): number => Math.floor(now * (1 + drift / 1e6));
  const windows = [new Window({ quota: rate, length: 60_000 }), new Window({ quota: burst, length: 1_000 })];
  const flights: Flight[] = [];
  let refused = 0;
  let ready = 0;
  for (let next = 0; next < requests.length || flights.length > 0;) {
    flights.sort((a, b) => a.at - b.at);
    const wanted = requests[next];
    const wait =
      wanted === undefined ? Infinity : Math.max(ready - now, ...windows.map((each) => each.wait(wanted.cost, now)));
    const [flight] = flights;
    if (flight !== undefined && flight.at <= now + wait) {
      flights.shift();
      now = flight.at;
      if (flight.arrives) {
        if (server.admit(serverNow(), flight.cost, rate, burst).outcome !== 'admitted') refused += 1;
        flights.push({ ...flight, arrives: false, at: now + flight.back });
      } else for (const window of windows) window.end(flight.cost, now, true);
    } else if (wait > 0) now += wait;
    else if (wanted !== undefined) {
      for (const window of windows) window.take(wanted.cost);
      flights.push({ at: now + wanted.there, arrives: true, cost: wanted.cost, back: wanted.back });
      ready = now + wanted.pause;
      next += 1;
    }
  }
  return refused;
}

describe('a window', () => {
  it('never sends what the server rejects, whatever the network delays and the clock errors', () => {
    fc.assert(
      fc.property(situation, (given) => {
        expect(play(given)).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  it('sends its quota at once, and nothing more before the first response', () => {
    const window = new Window({ quota: 3, length: 1_000 });
    for (let i = 0; i < 3; i += 1) {
      expect(window.wait(1, 0)).toBe(0);
      window.take(1);
    }
    expect(window.wait(1, 0)).toBe(Infinity);
    window.end(1, 500, true);
    expect(window.wait(1, 500)).toBeGreaterThan(1_000);
    expect(window.wait(1, 1_503)).toBe(0);
  });

  it('frees a rejected request immediately', () => {
    const window = new Window({ quota: 1, length: 60_000 });
    window.take(1);
    window.end(1, 10, false);
    expect([window.wait(1, 10), window.isIdle(10)]).toEqual([0, true]);
  });

  it('sends a request above its quota when it is empty, so that the server reports the error', () => {
    const window = new Window({ quota: 2, length: 1_000 });
    expect(window.wait(5, 0)).toBe(0);
    window.take(1);
    expect(window.wait(5, 0)).toBe(Infinity);
  });

  it('counts usage by others, and sends one request when a unit is free to learn the rest', () => {
    const window = new Window({ quota: 10, length: 60_000 });
    window.take(1);
    window.end(1, 0, true);
    window.told(0, 5_000, 0);
    expect(window.wait(1, 0)).toBeCloseTo(5_007, 0);
    expect(window.wait(1, 5_008)).toBe(0);
    window.take(1);
    expect(window.wait(1, 5_008)).toBeGreaterThan(1_000);
    window.end(1, 5_020, true);
    window.told(4, 1_000, 5_020);
    for (let i = 0; i < 4; i += 1) {
      expect(window.wait(1, 5_020)).toBe(0);
      window.take(1);
    }
    expect(window.wait(1, 5_020)).toBeGreaterThan(0);
  });

  it('assumes no other users if all usage can be its own', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(20), (flying, later) => {
        const window = new Window({ quota: 100, length: 60_000 });
        window.take(flying);
        window.end(1, 0, true);
        window.told(100 - flying, 60_000, 0);
        const room = 100 - flying;
        for (let i = 0; i < Math.min(later, room); i += 1) {
          expect(window.wait(1, 0)).toBe(0);
          window.take(1);
        }
      }),
    );
  });
});
