import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { ANONYMOUS } from '../../src/credentials/principal.js';
import { StoreUnavailable, Unacknowledged } from '../../src/store/errors.js';
import { UsageLog, type Counted } from '../../src/usage/log.js';
import { aPrincipal, Sink } from './sink.js';

const HOUR = 3_600_000;
const NOON = Date.UTC(2026, 2, 1, 12);
const A = aPrincipal('key_a');
const B = aPrincipal('key_b');

const away = () => Promise.reject(new StoreUnavailable(new Error('away')));
const well = () => Promise.resolve();

let now: number;
let sink: Sink;
let log: UsageLog;
beforeEach(() => {
  now = NOON;
  sink = new Sink();
  log = new UsageLog({ store: sink.store, now: () => now });
});
afterEach(() => log.close());

describe('times of last use', () => {
  // A peer writes two or three times at each verification, on one hot document.
  test('a thousand uses of a key are one entry of one write, the latest', async () => {
    for (let at = 1; at <= 1000; at++) log.used('key_a', at);
    log.used('key_b', 7);
    expect(sink.touches).toEqual([]);
    await log.flush();
    expect(sink.touches).toEqual([{ key_a: 1000, key_b: 7 }]);
    expect(sink.additions).toEqual([]);
  });

  test('of two hours are one entry, the later', async () => {
    log.used('key_a', NOON);
    log.used('key_a', NOON - 1);
    await log.flush();
    expect(sink.touches).toEqual([{ key_a: NOON }]);
  });

  test('what could not be written is tried again, and newer times win', async () => {
    sink.onTouch = away;
    log.used('key_a', 1);
    log.used('key_b', 1);
    const failing = log.flush();
    log.used('key_a', 2);
    await failing;
    sink.onTouch = well;
    await log.flush();
    expect(sink.touches.at(-1)).toEqual({ key_a: 2, key_b: 1 });
  });
});

describe('counts', () => {
  test('of thousands of requests are one entry of one write for each key and hour', async () => {
    for (let i = 0; i < 1000; i++) log.count(A, 'requests', 3);
    for (let i = 0; i < 10; i++) log.count(A, 'limited');
    log.count(B, 'forbidden');
    now = NOON + HOUR - 1;
    log.count(A, 'requests');
    now += 1;
    log.count(A, 'requests');
    expect(sink.additions).toEqual([]);
    await log.flush();
    expect(sink.additions).toHaveLength(1);
    expect(sink.sums()).toEqual({
      [`key_a ${NOON}`]: [3001, 10, 0],
      [`key_b ${NOON}`]: [0, 0, 1],
      [`key_a ${NOON + HOUR}`]: [1, 0, 0],
    });
    expect(sink.touches).toEqual([]);
  });

  test('of the operator, and of nobody, are not kept', async () => {
    log.count(aPrincipal('operator', 'operator'), 'requests');
    log.count(ANONYMOUS, 'requests');
    await log.flush();
    expect(sink.additions).toEqual([]);
  });

  test('go to the hour before where the clock is set back', async () => {
    log.count(A, 'requests');
    now -= 1;
    log.count(A, 'requests');
    now += 1;
    log.count(A, 'requests');
    await log.flush();
    expect(sink.sums()).toEqual({ [`key_a ${NOON}`]: [2, 0, 0], [`key_a ${NOON - HOUR}`]: [1, 0, 0] });
  });

  test('are not sent while the store is away, and go out together with later ones', async () => {
    sink.onTouch = away;
    log.used('key_a', NOON);
    log.count(A, 'requests', 2);
    await log.flush();
    await log.flush();
    expect(sink.additions).toEqual([]);
    sink.onTouch = well;
    log.count(A, 'requests', 3);
    log.count(A, 'limited');
    await log.flush();
    expect(sink.touches.at(-1)).toEqual({ key_a: NOON });
    expect(sink.sums()).toEqual({ [`key_a ${NOON}`]: [5, 1, 0] });
    expect(log.dropped).toBe(0);
  });

  test('of which nothing was written are tried again', async () => {
    sink.onAdd = away;
    log.count(A, 'requests', 2);
    await log.flush();
    sink.onAdd = well;
    await log.flush();
    expect(sink.sums()).toEqual({ [`key_a ${NOON}`]: [2, 0, 0] });
    expect(log.dropped).toBe(0);
  });

  // What was sent and not answered for may stand: a second time would count it twice.
  test.each([
    ['not acknowledged', new Unacknowledged(new Error('late'))],
    ['refused for another reason', new Error('A rule of the schema.')],
  ])('that were %s are let go, and counted as such', async (_, error) => {
    sink.onAdd = () => Promise.reject(error);
    log.used('key_a', NOON);
    log.count(A, 'requests', 2);
    log.count(B, 'forbidden');
    await log.flush();
    expect(log.dropped).toBe(3);
    sink.onAdd = well;
    log.count(A, 'requests', 10);
    await log.flush();
    expect(sink.sums()).toEqual({ [`key_a ${NOON}`]: [10, 0, 0] });
    expect(sink.touches).toEqual([{ key_a: NOON }]);
  });

  test('are written, waiting or let go: none is lost sight of and none is there twice', async () => {
    const step = fc.oneof(
      fc.record({
        what: fc.constantFrom<Counted>('requests', 'limited', 'forbidden'),
        key: fc.nat(3),
        n: fc.integer({ min: 1, max: 9 }),
      }),
      fc.record({ wait: fc.integer({ min: -HOUR, max: 2 * HOUR }) }),
      fc.record({ flush: fc.constantFrom('well', 'away', 'unacknowledged', 'busy') }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const own = new Sink();
        let clock = NOON;
        let counted = 0;
        const usage = new UsageLog({ store: own.store, now: () => clock });
        let written = 0;
        const flush = async (how: string): Promise<void> => {
          const before = own.additions.length;
          own.onTouch = how === 'away' ? away : well;
          own.onAdd = async () => {
            if (how === 'busy') throw new StoreUnavailable(new Error('busy'));
            if (how === 'unacknowledged') throw new Unacknowledged(new Error('late'));
          };
          await usage.flush();
          if (how !== 'well') return;
          for (const { requests, limited, forbidden } of own.additions.slice(before).flat())
            written += requests + limited + forbidden;
        };
        for (const given of steps) {
          if ('wait' in given) clock += given.wait;
          else if ('flush' in given) await flush(given.flush);
          else {
            usage.used(`key_${given.key}`, clock);
            usage.count(aPrincipal(`key_${given.key}`), given.what, given.n);
            counted += given.n;
          }
        }
        await flush('well');
        await usage.close();
        expect(written + usage.dropped).toBe(counted);
      }),
      { numRuns: 200 },
    );
  });
});

test('nothing noted is nothing written', async () => {
  await log.flush();
  await log.close();
  expect([sink.touches, sink.additions]).toEqual([[], []]);
});

test('closing writes what is pending', async () => {
  log.used('key_a', 1);
  log.count(A, 'limited');
  await log.close();
  expect(sink.touches).toEqual([{ key_a: 1 }]);
  expect(sink.sums()).toEqual({ [`key_a ${NOON}`]: [0, 1, 0] });
});

test('one write at a time, and a flush covers all that was noted before it', async () => {
  let release = (): void => undefined;
  sink.onTouch = () => new Promise((resolve) => (release = resolve));
  log.used('key_a', 1);
  const first = log.flush();
  log.used('key_b', 2);
  let done = false;
  const second = log.flush().then(() => (done = true));
  await turn();
  expect(sink.touches).toEqual([{ key_a: 1 }]);
  release();
  await first;
  await turn();
  expect(done).toBe(false);
  expect(sink.touches).toEqual([{ key_a: 1 }, { key_b: 2 }]);
  release();
  await second;
  expect(sink.mostRunning).toBe(1);
});

describe('what is kept is bounded', () => {
  const sizes = () => sink.touches.map((batch) => Object.keys(batch).length);

  test('many keys are written early, each whole', async () => {
    for (let i = 0; i < 10_000; i++) {
      log.used(`key_${i}`, NOON);
      log.count(aPrincipal(`key_${i}`), 'requests');
    }
    await log.flush();
    const records = sink.additions.flat();
    expect(new Set(sink.touches.flatMap((batch) => Object.keys(batch))).size).toBe(10_000);
    expect(records.reduce((sum, { requests }) => sum + requests, 0)).toBe(10_000);
    expect(log.dropped).toBe(0);
  });

  test('by a store that hangs: never more than two batches of 10,000', async () => {
    let release = (): void => undefined;
    sink.onTouch = () => new Promise((resolve) => (release = resolve));
    for (let i = 0; i < 50_000; i++) {
      log.used(`key_${i}`, NOON);
      log.count(aPrincipal(`key_${i}`), 'requests', 2);
    }
    await turn();
    expect(sizes()).toEqual([10_000]);
    sink.onTouch = well;
    release();
    await log.flush();
    // The last key of the first batch was counted just after it had left.
    expect(sink.additions.map(({ length }) => length)).toEqual([9_999, 10_000]);
    expect(log.dropped).toBe(2 * (50_000 - 19_999));
  });

  test('by a store that stays away, which is asked by the timer and not by each request', async () => {
    sink.onTouch = away;
    for (let i = 0; i < 30_000; i++) {
      log.used(`key_${i}`, NOON);
      log.count(aPrincipal(`key_${i}`), 'requests');
      if (i % 5_000 === 0) await turn();
    }
    await turn();
    expect(sizes()).toEqual([10_000]);
    sink.onTouch = well;
    await log.flush();
    expect(sizes()).toEqual([10_000, 10_000]);
    const written = sink.additions.flat().reduce((sum, { requests }) => sum + requests, 0);
    expect(written + log.dropped).toBe(30_000);
    expect(log.dropped).toBeGreaterThanOrEqual(19_000);
  });
});
