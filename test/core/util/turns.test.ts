import { Turns } from '../../../src/core/util/turns.js';

/** Counts turns of the event loop until it is stopped. */
function countTurns(): { readonly count: () => number; readonly stop: () => void } {
  let turns = 0;
  let isStopped = false;
  const next = (): void => {
    turns += 1;
    if (!isStopped) setImmediate(next);
  };
  setImmediate(next);
  return { count: () => turns, stop: () => (isStopped = true) };
}

test('R3: the event loop gets a turn before the first and between long executions', async () => {
  let now = 0;
  const turns = new Turns(() => now);
  const loop = countTurns();
  const seen: number[] = [];
  await Promise.all(
    Array.from({ length: 10 }, () =>
      turns.run('ws', () => {
        seen.push(loop.count());
        now += 5;
      }),
    ),
  );
  loop.stop();
  expect(seen).toHaveLength(10);
  expect(new Set(seen).size).toBe(10);
  expect(seen[0]).toBeGreaterThan(0);
});

test('R3: short executions share a turn, and a waiting one delays no others', async () => {
  const turns = new Turns(() => 0);
  const loop = countTurns();
  const seen: number[] = [];
  let release = (): void => undefined;
  const waits = turns.run('ws', () => new Promise<void>((resolve) => (release = resolve)));
  await Promise.all(Array.from({ length: 50 }, () => turns.run('ws', () => void seen.push(loop.count()))));
  release();
  await waits;
  loop.stop();
  expect(new Set(seen).size).toBeLessThan(10);
});

test('R3: workspaces take turns, and errors of a task are passed on', async () => {
  const turns = new Turns(() => 0);
  const order: string[] = [];
  const tasks = ['a', 'a', 'a', 'b', 'a', 'c'].map((workspace) =>
    turns.run(workspace, () => void order.push(workspace)),
  );
  const failing = turns.run('c', () => {
    throw new Error('It broke.');
  });
  await Promise.all(tasks);
  await expect(failing).rejects.toThrow('It broke.');
  expect(order.join('')).toBe('abcaaa');
  await expect(turns.run('d', async () => 7)).resolves.toBe(7);
});
