import { setImmediate as turn } from 'node:timers/promises';
import { LastUsed } from '../../src/usage/lastUsed.js';

/** A write that keeps what it was given, and does as it is told. */
class Sink {
  readonly batches: Record<string, number>[] = [];
  running = 0;
  mostRunning = 0;
  behave: () => Promise<void> = () => Promise.resolve();

  readonly write = async (uses: ReadonlyMap<string, number>): Promise<void> => {
    this.batches.push(Object.fromEntries(uses));
    this.running += 1;
    this.mostRunning = Math.max(this.mostRunning, this.running);
    try {
      await this.behave();
    } finally {
      this.running -= 1;
    }
  };
}

let sink: Sink;
let uses: LastUsed;
beforeEach(() => {
  sink = new Sink();
  uses = new LastUsed(sink.write);
});
afterEach(() => uses.close());

// A peer writes two or three times at each verification, on one hot document.
test('a thousand uses of a key are one entry of one write, the latest', async () => {
  for (let at = 1; at <= 1000; at++) uses.note('key_a', at);
  uses.note('key_b', 7);
  expect(sink.batches).toEqual([]);
  await uses.flush();
  expect(sink.batches).toEqual([{ key_a: 1000, key_b: 7 }]);
});

test('nothing noted is nothing written', async () => {
  await uses.flush();
  await uses.close();
  expect(sink.batches).toEqual([]);
});

test('closing writes what is pending', async () => {
  uses.note('key_a', 1);
  await uses.close();
  expect(sink.batches).toEqual([{ key_a: 1 }]);
});

test('what could not be written is tried again, and newer times win', async () => {
  sink.behave = () => Promise.reject(new Error('away'));
  uses.note('key_a', 1);
  uses.note('key_b', 1);
  const failing = uses.flush();
  uses.note('key_a', 2);
  await failing;
  sink.behave = () => Promise.resolve();
  await uses.flush();
  expect(sink.batches.at(-1)).toEqual({ key_a: 2, key_b: 1 });
});

test('one write at a time, and a flush covers all that was noted before it', async () => {
  let release = (): void => undefined;
  sink.behave = () => new Promise((resolve) => (release = resolve));
  uses.note('key_a', 1);
  const first = uses.flush();
  uses.note('key_b', 2);
  let done = false;
  const second = uses.flush().then(() => (done = true));
  await turn();
  expect(sink.batches).toEqual([{ key_a: 1 }]);
  release();
  await first;
  await turn();
  expect(done).toBe(false);
  expect(sink.batches).toEqual([{ key_a: 1 }, { key_b: 2 }]);
  release();
  await second;
  expect(sink.mostRunning).toBe(1);
});

test('a store that hangs bounds what is kept: never more than two batches of 50,000', async () => {
  let release = (): void => undefined;
  sink.behave = () => new Promise((resolve) => (release = resolve));
  for (let i = 0; i < 250_000; i++) uses.note(`key_${i}`, i);
  await turn();
  expect(sink.batches.map((batch) => Object.keys(batch).length)).toEqual([50_000]);
  sink.behave = () => Promise.resolve();
  release();
  await uses.flush();
  expect(sink.batches.map((batch) => Object.keys(batch).length)).toEqual([50_000, 50_000]);
});

test('a store that stays away bounds it too, and keeps the keys it knows up to date', async () => {
  sink.behave = () => Promise.reject(new Error('away'));
  for (let i = 0; i < 120_000; i++) {
    uses.note(`key_${i}`, i);
    if (i % 10_000 === 0) await turn();
  }
  await uses.flush();
  sink.behave = () => Promise.resolve();
  await uses.flush();
  const last = sink.batches.at(-1) ?? {};
  expect(Object.keys(last).length).toBe(50_000);
});
