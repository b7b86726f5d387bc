import { setImmediate as turn } from 'node:timers/promises';
import { jest } from '@jest/globals';
import fc from 'fast-check';
import { ANONYMOUS, authenticated } from '../../../src/core/auth/principal.js';
import type { CountedOperation } from '../../../src/core/guard/compiledOperation.js';
import { StoreUnavailable, Unacknowledged } from '../../../src/core/store/storeErrors.js';
import { UsageLog } from '../../../src/management/usage/usageLog.js';
import { aPrincipal, Sink } from './sink.js';

const MINUTE = 60_000;
const NOON = Date.UTC(2026, 2, 1, 12);
const A = aPrincipal('key_a');
const B = aPrincipal('key_b');

const operations = new Map<readonly string[], CountedOperation>();

/** Returns an operation with these guarded fields: always the same for the same list. */
function of(fields: readonly string[]): CountedOperation {
  const operation = operations.get(fields) ?? { name: 'Assets', roots: ['Query.assets'], fields };
  operations.set(fields, operation);
  return operation;
}

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
    for (let i = 0; i < 1000; i++) log.admitted(A, 3, null);
    for (let i = 0; i < 10; i++) log.refused(A, 'limited', null);
    log.refused(B, 'forbidden', null);
    now = NOON + MINUTE - 1;
    log.admitted(A, 1, null);
    now += 1;
    log.admitted(A, 1, null);
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
    log.admitted(aPrincipal('operator', 'operator'), 1, null);
    log.admitted(ANONYMOUS, 1, null);
    await log.flush();
    expect(sink.additions).toEqual([]);
  });

  test('counts for the earlier minute if the clock is set back', async () => {
    log.admitted(A, 1, null);
    now -= 1;
    log.admitted(A, 1, null);
    now += 1;
    log.admitted(A, 1, null);
    await log.flush();
    expect(sink.sums()).toEqual({ [`key_a ${NOON}`]: [2, 2, 0, 0], [`key_a ${NOON - MINUTE}`]: [1, 1, 0, 0] });
  });

  test('waits while the store is unavailable, and then writes them together with later counts', async () => {
    sink.onTouch = away;
    log.used('key_a', NOON);
    log.admitted(A, 2, null);
    await log.flush();
    await log.flush();
    expect(sink.additions).toEqual([]);
    sink.onTouch = well;
    log.admitted(A, 3, null);
    log.refused(A, 'limited', null);
    await log.flush();
    expect(sink.touches.at(-1)).toEqual({ key_a: NOON });
    expect(sink.sums()).toEqual({ [`key_a ${NOON}`]: [2, 5, 1, 0] });
    expect(log.dropped).toBe(0);
  });

  test('retries counts if nothing was written', async () => {
    sink.onAdd = away;
    log.admitted(A, 2, null);
    await log.flush();
    sink.onAdd = well;
    await log.flush();
    expect(sink.sums()).toEqual({ [`key_a ${NOON}`]: [1, 2, 0, 0] });
    expect(log.dropped).toBe(0);
  });

  test('drops counts that the store refused for another reason, and counts the dropped ones', async () => {
    sink.onAdd = () => Promise.reject(new Error('A rule of the schema.'));
    log.used('key_a', NOON);
    log.admitted(A, 2, null);
    log.refused(B, 'forbidden', null);
    await log.flush();
    expect(log.dropped).toBe(2);
    sink.onAdd = well;
    log.admitted(A, 10, null);
    await log.flush();
    expect(sink.sums()).toEqual({ [`key_a ${NOON}`]: [1, 10, 0, 0] });
    expect(sink.touches).toEqual([{ key_a: NOON }]);
  });

  test('sends an unconfirmed batch again with its ID, and later counts in another batch', async () => {
    sink.onAdd = () => Promise.reject(new Unacknowledged(new Error('late')));
    log.admitted(A, 2, null);
    await log.flush();
    log.admitted(A, 3, null);
    await log.flush();
    expect([sink.ids.length, new Set(sink.ids).size, log.dropped]).toEqual([2, 1, 0]);
    sink.onAdd = well;
    await log.flush();
    expect(new Set(sink.ids).size).toBe(2);
    expect([sink.sums(-2), sink.sums()]).toEqual([
      { [`key_a ${NOON}`]: [1, 2, 0, 0] },
      { [`key_a ${NOON}`]: [1, 3, 0, 0] },
    ]);
    const sent = sink.ids.length;
    await log.flush();
    expect([sink.ids.length, log.dropped]).toEqual([sent, 0]);
  });

  test('sends an unconfirmed batch again while nothing else is counted, and for a day', async () => {
    sink.onAdd = () => Promise.reject(new Unacknowledged(new Error('late')));
    log.admitted(A, 2, null);
    await log.flush();
    await log.flush();
    expect([sink.ids.length, new Set(sink.ids).size]).toEqual([2, 1]);
    const clock = jest.spyOn(performance, 'now').mockReturnValue(performance.now() + 86_400_000);
    await log.flush();
    clock.mockRestore();
    expect([sink.ids.length, log.dropped]).toEqual([2, 1]);
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
        const added = new Set<string>();
        const flush = async (how: string): Promise<void> => {
          const before = own.additions.length;
          own.onTouch = how === 'away' ? away : well;
          own.onAdd = async () => {
            if (how === 'busy' || how === 'away') throw new StoreUnavailable(new Error(how));
            if (how === 'unacknowledged') throw new Unacknowledged(new Error('late'));
          };
          await usage.flush();
          // A batch that was not confirmed may have been added.
          if (how !== 'well' && (how !== 'unacknowledged' || before % 2 === 0)) return;
          for (const [i, batch] of own.additions.slice(before).entries()) {
            const id = own.ids[before + i] ?? '';
            if (added.has(id)) continue;
            added.add(id);
            for (const { requests, limited, forbidden, cost, fields, report } of batch) {
              written += requests + limited + forbidden;
              // A request is written completely or not at all.
              expect([cost, fields?.get('Query.a') ?? 0]).toEqual([3 * requests, requests]);
              const named = [...(report?.operations.values() ?? [])];
              expect(named.reduce((sum, each) => sum + each.requests + each.limited + each.forbidden, 0)).toBe(
                requests + limited + forbidden,
              );
            }
          }
        };
        for (const given of steps) {
          if ('wait' in given) clock += given.wait;
          else if ('flush' in given) await flush(given.flush);
          else {
            usage.used(`key_${given.key}`, clock);
            const principal = aPrincipal(`key_${given.key}`);
            for (let i = 0; i < given.n; i++) {
              if (given.what === 'admitted') usage.admitted(principal, 3, of(lists[i % 2] ?? []));
              else usage.refused(principal, given.what, null);
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
    for (let i = 0; i < 100; i++) log.admitted(A, 1, of(one));
    log.admitted(A, 5, of(other));
    log.admitted(B, 1, of(other));
    log.admitted(B, 1, null);
    log.refused(B, 'forbidden', null);
    now += MINUTE;
    log.admitted(A, 1, of(one));
    await log.flush();
    expect(sink.fields()).toEqual({
      [at('key_a')]: { 'Query.a': 101, 'A.b': 100, 'A.c': 1 },
      [at('key_b')]: { 'Query.a': 1, 'A.c': 1 },
      [at('key_a', NOON + MINUTE)]: { 'Query.a': 1, 'A.b': 1 },
    });
  });

  test('are missing for requests without guarded fields', async () => {
    log.admitted(A, 1, null);
    await log.flush();
    expect(sink.fields()).toEqual({});
  });

  test('wait with the counts while the store is unavailable, and are written once', async () => {
    const fields = ['Query.a'];
    sink.onAdd = away;
    log.admitted(A, 1, of(fields));
    await log.flush();
    await log.flush();
    sink.additions.length = 0;
    sink.onAdd = well;
    log.admitted(A, 1, of(fields));
    await log.flush();
    await log.flush();
    expect(sink.additions).toHaveLength(1);
    expect(sink.fields()).toEqual({ [at('key_a')]: { 'Query.a': 2 } });
  });

  test('of operations that all differ are summed, not stored individually', async () => {
    for (let i = 0; i < 1_000; i++) log.admitted(A, 1, of(['Query.a', `A.f${i % 3}`]));
    await log.flush();
    expect(sink.fields()).toEqual({ [at('key_a')]: { 'Query.a': 1_000, 'A.f0': 334, 'A.f1': 333, 'A.f2': 333 } });
  });

  test('are at most a thousand for a key and minute; known ones are still counted', async () => {
    for (let round = 0; round < 2; round++) for (let i = 0; i < 1_500; i++) log.admitted(A, 1, of([`A.f${i}`]));
    await log.flush();
    const [counts = {}] = Object.values(sink.fields());
    expect(Object.values(counts)).toEqual(Array.from({ length: 1_000 }, () => 2));
    expect(sink.sums()).toEqual({ [at('key_a')]: [3_000, 3_000, 0, 0] });
  });
});

describe('a long batch', () => {
  const noted = (n: number): void => {
    for (let i = 0; i < n; i++) log.admitted(aPrincipal(`key_${i}`), 1, null);
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

  test('sends the part that was not acknowledged again with its ID, before later parts', async () => {
    noted(2_500);
    let parts = 0;
    sink.onAdd = () => ((parts += 1) === 2 ? Promise.reject(new Unacknowledged(new Error('late'))) : well());
    await log.flush();
    await log.flush();
    expect(sink.additions.map(({ length }) => length)).toEqual([1_000, 1_000, 1_000, 500]);
    expect(sink.ids[2]).toBe(sink.ids[1]);
    expect(new Set(sink.ids).size).toBe(3);
    expect(log.dropped).toBe(0);
  });

  test('has a limited number of names', async () => {
    const counted = (i: number) => ({ name: `O${i}`, roots: [], fields: [] });
    for (let n = 0; n < 300; n++) for (let i = 0; i < 90; i++) log.admitted(aPrincipal(`key_${n}`), 1, counted(i));
    await log.flush();
    expect(sink.additions.map(({ length }) => length)).toEqual([222, 78]);
  });
});

test('writes nothing if nothing was counted', async () => {
  await log.flush();
  await log.close();
  expect([sink.touches, sink.additions]).toEqual([[], []]);
});

test('writes pending counts when it is closed', async () => {
  log.used('key_a', 1);
  log.refused(A, 'limited', null);
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

describe('operations and root fields', () => {
  const operation = (name: string | null, roots: readonly string[] = []) => ({ name, roots, fields: [] });
  const reported = (nth = -1) => sink.additions.at(nth)?.[0]?.report;
  const requestsBy = (counts: ReadonlyMap<string, { readonly requests: number }> = new Map()) =>
    Object.fromEntries([...counts].map(([name, { requests }]) => [name, requests]));

  test('are counted with cost and refusals, and with the owner, project and workspace of the key', async () => {
    const principal = authenticated({ ...aPrincipal('key_a'), projectId: 'prj_a', userId: 'usr_a' });
    const [a, b] = [operation('A', ['Query.a', 'Query.b']), operation(null, ['Query.a'])];
    for (let i = 0; i < 3; i++) log.admitted(principal, 5, a);
    log.admitted(principal, 1, b);
    log.refused(principal, 'limited', a);
    log.refused(principal, 'forbidden', b);
    log.admitted(principal, 1, null);
    await log.flush();
    const counts = (requests: number, cost: number, limited: number, forbidden: number) => ({
      ...{ requests, cost, queryCost: 0, limited, forbidden },
    });
    expect(reported()).toEqual({
      ...{ workspaceId: 'ws', projectId: 'prj_a', ownerId: 'usr_a', queryCost: 0 },
      operations: new Map([
        ['A', counts(3, 15, 1, 0)],
        ['(none)', counts(2, 2, 0, 1)],
      ]),
      roots: new Map([
        ['Query.a', counts(4, 16, 1, 1)],
        ['Query.b', counts(3, 15, 1, 0)],
      ]),
    });
  });

  test('beyond a hundred names for a key and minute are counted together, as are very long names', async () => {
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 150; i++) log.admitted(A, 1, operation(`O${i}`, [`Query.f${i}`]));
      log.admitted(A, 1, operation('a'.repeat(101)));
    }
    await log.flush();
    const { operations, roots } = reported() ?? {};
    const [names, fields] = [requestsBy(operations), requestsBy(roots)];
    expect([Object.keys(names).length, Object.keys(fields).length]).toEqual([101, 101]);
    expect([names.O0, names.O99, names.O100, names['(other)']]).toEqual([2, 2, undefined, 102]);
    expect([fields['Query.f99'], fields['(other)']]).toEqual([2, 100]);
  });
});

describe('limits of its memory', () => {
  test('counts the memory of its records, and writes them early at 32 MiB', async () => {
    const before = log.pendingBytes;
    log.admitted(A, 1, { name: 'n'.repeat(90), roots: ['Query.a'], fields: ['Query.a'] });
    const once = log.pendingBytes;
    log.admitted(A, 1, null);
    expect([before, once > 180, log.pendingBytes > once]).toEqual([0, true, true]);
    const operations = Array.from({ length: 90 }, (_, i) => ({ name: `${'n'.repeat(90)}${i}`, roots: [], fields: [] }));
    let highest = 0;
    for (let n = 0; sink.touches.length + sink.additions.length === 0 && n < 9_000; n++) {
      for (const each of operations) log.admitted(aPrincipal(`key_${n}`), 1, each);
      highest = Math.max(highest, log.pendingBytes);
      await turn();
    }
    expect(highest).toBeGreaterThan(31 * 2 ** 20);
    expect(highest).toBeLessThan(33 * 2 ** 20);
    await log.flush();
    expect(sink.additions.length).toBeGreaterThan(0);
    expect(log.dropped).toBe(0);
  });

  const sizes = () => sink.touches.map((batch) => Object.keys(batch).length);

  test('writes early if there are many keys, each completely', async () => {
    for (let i = 0; i < 10_000; i++) {
      log.used(`key_${i}`, NOON);
      log.admitted(aPrincipal(`key_${i}`), 1, null);
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
      log.admitted(aPrincipal(`key_${i}`), 2, null);
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
      log.admitted(aPrincipal(`key_${i}`), 1, null);
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
