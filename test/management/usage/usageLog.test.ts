import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { ANONYMOUS } from '../../../src/core/auth/principal.js';
import { StoreUnavailable, Unacknowledged } from '../../../src/core/store/storeErrors.js';
import { UsageLog } from '../../../src/management/usage/usageLog.js';
import { aPrincipal, Sink } from './sink.js';

const MINUTE = 60_000;
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
  // A comparable library writes two or three times for each verification, to one hot document.
  test('writes the latest of a thousand uses of a key, once', async () => {
    for (let at = 1; at <= 1000; at++) log.used('key_a', at);
    log.used('key_b', 7);
    expect(sink.touches).toEqual([]);
    await log.flush();
    expect(sink.touches).toEqual([{ key_a: 1000, key_b: 7 }]);
    expect(sink.additions).toEqual([]);
  });

  test('writes the later of two minutes', async () => {
    log.used('key_a', NOON);
    log.used('key_a', NOON - 1);
    await log.flush();
    expect(sink.touches).toEqual([{ key_a: NOON }]);
  });

  test('retries a failed write, with newer times if there are any', async () => {
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
  test('writes one entry for each key and minute, whatever the number of requests', async () => {
    for (let i = 0; i < 1000; i++) log.admitted(A, 3, []);
    for (let i = 0; i < 10; i++) log.refused(A, 'limited');
    log.refused(B, 'forbidden');
    now = NOON + MINUTE - 1;
    log.admitted(A, 1, []);
    now += 1;
    log.admitted(A, 1, []);
    expect(sink.additions).toEqual([]);
    await log.flush();
    expect(sink.additions).toHaveLength(1);
    expect(sink.sums()).toEqual({
      [`key_a ${NOON}`]: [1001, 3001, 10, 0],
      [`key_b ${NOON}`]: [0, 0, 0, 1],
      [`key_a ${NOON + MINUTE}`]: [1, 1, 0, 0],
    });
    expect(sink.touches).toEqual([]);
  });

  test('does not count requests of the operator and anonymous requests', async () => {
    log.admitted(aPrincipal('operator', 'operator'), 1, []);
    log.admitted(ANONYMOUS, 1, []);
    await log.flush();
    expect(sink.additions).toEqual([]);
  });

  test('counts for the earlier minute if the clock is set back', async () => {
    log.admitted(A, 1, []);
    now -= 1;
    log.admitted(A, 1, []);
    now += 1;
    log.admitted(A, 1, []);
    await log.flush();
    expect(sink.sums()).toEqual({ [`key_a ${NOON}`]: [2, 2, 0, 0], [`key_a ${NOON - MINUTE}`]: [1, 1, 0, 0] });
  });

  test('waits while the store is unavailable, and then writes them together with later counts', async () => {
    sink.onTouch = away;
    log.used('key_a', NOON);
    log.admitted(A, 2, []);
    await log.flush();
    await log.flush();
    expect(sink.additions).toEqual([]);
    sink.onTouch = well;
    log.admitted(A, 3, []);
    log.refused(A, 'limited');
    await log.flush();
    expect(sink.touches.at(-1)).toEqual({ key_a: NOON });
    expect(sink.sums()).toEqual({ [`key_a ${NOON}`]: [2, 5, 1, 0] });
    expect(log.dropped).toBe(0);
  });

  test('retries counts if nothing was written', async () => {
    sink.onAdd = away;
    log.admitted(A, 2, []);
    await log.flush();
    sink.onAdd = well;
    await log.flush();
    expect(sink.sums()).toEqual({ [`key_a ${NOON}`]: [1, 2, 0, 0] });
    expect(log.dropped).toBe(0);
  });

  // Unacknowledged counts may have been written. A retry could count them twice.
  test.each([
    ['not acknowledged', new Unacknowledged(new Error('late'))],
    ['refused for another reason', new Error('A rule of the schema.')],
  ])('drops counts that were %s, and counts the dropped ones', async (_, error) => {
    sink.onAdd = () => Promise.reject(error);
    log.used('key_a', NOON);
    log.admitted(A, 2, []);
    log.refused(B, 'forbidden');
    await log.flush();
    expect(log.dropped).toBe(2);
    sink.onAdd = well;
    log.admitted(A, 10, []);
    await log.flush();
    expect(sink.sums()).toEqual({ [`key_a ${NOON}`]: [1, 10, 0, 0] });
    expect(sink.touches).toEqual([{ key_a: NOON }]);
  });

  test('every count is written, waiting or dropped, and none is duplicated', async () => {
    const lists = [['Query.a'], ['Query.a', 'Query.b']];
    const step = fc.oneof(
      fc.record({
        what: fc.constantFrom('admitted', 'limited', 'forbidden'),
        key: fc.nat(3),
        n: fc.integer({ min: 1, max: 9 }),
      }),
      fc.record({ wait: fc.integer({ min: -MINUTE, max: 2 * MINUTE }) }),
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
          for (const { requests, limited, forbidden, cost, fields } of own.additions.slice(before).flat()) {
            written += requests + limited + forbidden;
            // A request is written completely or not at all.
            expect([cost, fields?.get('Query.a') ?? 0]).toEqual([3 * requests, requests]);
          }
        };
        for (const given of steps) {
          if ('wait' in given) clock += given.wait;
          else if ('flush' in given) await flush(given.flush);
          else {
            usage.used(`key_${given.key}`, clock);
            const principal = aPrincipal(`key_${given.key}`);
            for (let i = 0; i < given.n; i++) {
              if (given.what === 'admitted') usage.admitted(principal, 3, lists[i % 2] ?? []);
              else usage.refused(principal, given.what);
            }
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

describe('guarded fields', () => {
  const at = (keyId: string, start = NOON) => `${keyId} ${start}`;

  test('are counted by key and minute, once for each admitted request', async () => {
    const [one, other] = [
      ['Query.a', 'A.b'],
      ['Query.a', 'A.c'],
    ];
    for (let i = 0; i < 100; i++) log.admitted(A, 1, one);
    log.admitted(A, 5, other);
    log.admitted(B, 1, other);
    log.admitted(B, 1, []);
    log.refused(B, 'forbidden');
    now += MINUTE;
    log.admitted(A, 1, one);
    await log.flush();
    expect(sink.fields()).toEqual({
      [at('key_a')]: { 'Query.a': 101, 'A.b': 100, 'A.c': 1 },
      [at('key_b')]: { 'Query.a': 1, 'A.c': 1 },
      [at('key_a', NOON + MINUTE)]: { 'Query.a': 1, 'A.b': 1 },
    });
  });

  test('are missing for requests without guarded fields', async () => {
    log.admitted(A, 1, []);
    await log.flush();
    expect(sink.fields()).toEqual({});
  });

  test('wait with the counts while the store is unavailable, and are written once', async () => {
    const fields = ['Query.a'];
    sink.onAdd = away;
    log.admitted(A, 1, fields);
    await log.flush();
    await log.flush();
    sink.additions.length = 0;
    sink.onAdd = well;
    log.admitted(A, 1, fields);
    await log.flush();
    await log.flush();
    expect(sink.additions).toHaveLength(1);
    expect(sink.fields()).toEqual({ [at('key_a')]: { 'Query.a': 2 } });
  });

  test('of operations that all differ are summed, not stored individually', async () => {
    for (let i = 0; i < 1_000; i++) log.admitted(A, 1, ['Query.a', `A.f${i % 3}`]);
    await log.flush();
    expect(sink.fields()).toEqual({ [at('key_a')]: { 'Query.a': 1_000, 'A.f0': 334, 'A.f1': 333, 'A.f2': 333 } });
  });

  test('are at most a thousand for a key and minute; known ones are still counted', async () => {
    for (let round = 0; round < 2; round++) for (let i = 0; i < 1_500; i++) log.admitted(A, 1, [`A.f${i}`]);
    await log.flush();
    const [counts = {}] = Object.values(sink.fields());
    expect(Object.values(counts)).toEqual(Array.from({ length: 1_000 }, () => 2));
    expect(sink.sums()).toEqual({ [at('key_a')]: [3_000, 3_000, 0, 0] });
  });
});

describe('a long batch', () => {
  const noted = (n: number): void => {
    for (let i = 0; i < n; i++) log.admitted(aPrincipal(`key_${i}`), 1, []);
  };

  test('is written in parts, with turns for other work in between', async () => {
    noted(2_500);
    let turns = 0;
    sink.onAdd = async () => void setImmediate(() => (turns += 1));
    await log.flush();
    expect(sink.additions.map(({ length }) => length)).toEqual([1_000, 1_000, 500]);
    expect(turns).toBeGreaterThanOrEqual(2);
  });

  test('retries the part that could not be written and the following ones, and none twice', async () => {
    noted(2_500);
    let parts = 0;
    sink.onAdd = () => ((parts += 1) === 2 ? away() : well());
    await log.flush();
    await log.flush();
    expect(sink.additions.map(({ length }) => length)).toEqual([1_000, 1_000, 1_000, 500]);
    const written = [sink.additions[0], sink.additions[2], sink.additions[3]].flatMap((part) => part ?? []);
    expect(new Set(written.map(({ keyId }) => keyId)).size).toBe(2_500);
    expect(log.dropped).toBe(0);
  });

  test('drops the part that was not acknowledged, and keeps all other parts', async () => {
    noted(2_500);
    let parts = 0;
    sink.onAdd = () => ((parts += 1) === 2 ? Promise.reject(new Unacknowledged(new Error('late'))) : well());
    await log.flush();
    await log.flush();
    expect(sink.additions.map(({ length }) => length)).toEqual([1_000, 1_000, 500]);
    expect(log.dropped).toBe(1_000);
  });
});

test('writes nothing if nothing was counted', async () => {
  await log.flush();
  await log.close();
  expect([sink.touches, sink.additions]).toEqual([[], []]);
});

test('writes pending counts when it is closed', async () => {
  log.used('key_a', 1);
  log.refused(A, 'limited');
  await log.close();
  expect(sink.touches).toEqual([{ key_a: 1 }]);
  expect(sink.sums()).toEqual({ [`key_a ${NOON}`]: [0, 0, 1, 0] });
});

test('writes one batch at a time, and a flush includes everything counted before it', async () => {
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

describe('limits of its memory', () => {
  const sizes = () => sink.touches.map((batch) => Object.keys(batch).length);

  test('writes early if there are many keys, each completely', async () => {
    for (let i = 0; i < 10_000; i++) {
      log.used(`key_${i}`, NOON);
      log.admitted(aPrincipal(`key_${i}`), 1, []);
    }
    await log.flush();
    const records = sink.additions.flat();
    expect(new Set(sink.touches.flatMap((batch) => Object.keys(batch))).size).toBe(10_000);
    expect(records.reduce((sum, { requests }) => sum + requests, 0)).toBe(10_000);
    expect(log.dropped).toBe(0);
  });

  test('has at most two batches of 10,000 while the store hangs', async () => {
    let release = (): void => undefined;
    sink.onTouch = () => new Promise((resolve) => (release = resolve));
    for (let i = 0; i < 50_000; i++) {
      log.used(`key_${i}`, NOON);
      log.admitted(aPrincipal(`key_${i}`), 2, []);
    }
    await turn();
    expect(sizes()).toEqual([10_000]);
    sink.onTouch = well;
    release();
    await log.flush();
    // The last key of the first batch was counted just after it had left.
    expect(sink.additions.flat()).toHaveLength(19_999);
    expect(Math.max(...sink.additions.map(({ length }) => length))).toBe(1_000);
    expect(log.dropped).toBe(50_000 - 19_999);
  });

  test('while the store is unavailable, the timer retries, not each request', async () => {
    sink.onTouch = away;
    for (let i = 0; i < 30_000; i++) {
      log.used(`key_${i}`, NOON);
      log.admitted(aPrincipal(`key_${i}`), 1, []);
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
