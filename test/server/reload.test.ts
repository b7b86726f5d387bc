import { oneAtATime, reloading } from '../../src/server/reload.js';
import { until } from '../support/until.js';

test('runs once more after the current reload if it was requested in the meantime, and never in parallel', async () => {
  const ends: (() => void)[] = [];
  let running = 0;
  let most = 0;
  const ask = oneAtATime(async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise<void>((resolve) => ends.push(resolve));
    running -= 1;
  });
  for (let i = 0; i < 5; i++) ask();
  expect(ends).toHaveLength(1);
  ends[0]?.();
  await until(() => ends.length === 2);
  ask();
  ends[1]?.();
  await until(() => ends.length === 3);
  ends[2]?.();
  await until(() => running === 0);
  ask();
  expect([ends.length, most]).toEqual([4, 1]);
});

test('a failed reload logs the reason in one line, and the next one runs', async () => {
  const lines: unknown[] = [];
  const log = {
    info: (message: string) => void lines.push(message),
    error: (details: object, message: string) => void lines.push([details, message]),
  };
  let fails = true;
  const ask = reloading(async () => {
    if (fails) throw new Error('latchkey.yaml: rolls is not known.');
  }, log);
  ask();
  await until(() => lines.length === 1);
  fails = false;
  ask();
  await until(() => lines.length === 2);
  expect(lines).toEqual([
    [{ fault: 'latchkey.yaml: rolls is not known.' }, 'reload failed; keeping the previous configuration'],
    'configuration reloaded',
  ]);
});
