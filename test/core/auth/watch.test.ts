import { KeyWatch } from '../../../src/core/auth/watch.js';
import type { KeyEvent } from '../../../src/core/keys/keyEvent.js';
import { aKey } from '../store/fixtures.js';

const HOUR = 60 * 60_000;

test('reports a new address once, and never the first one after a start', () => {
  const told: KeyEvent[] = [];
  const watch = new KeyWatch((event) => told.push(event));
  const key = aKey('ws', { expiresAt: null });
  for (const address of ['a', 'a', 'b', 'a', 'b', null, 'c']) watch.used(key, 0, address);
  expect(told.map(({ type, address }) => [type, address])).toEqual([
    ['NEW_ADDRESS', 'b'],
    ['NEW_ADDRESS', 'c'],
  ]);
});

test('reports the expiry within the last day, within the last hour, and again if it was moved later', () => {
  const told: number[] = [];
  const key = aKey('ws');
  const watch = new KeyWatch(({ at }) => told.push(at));
  const use = (at: number, end: number) => watch.used({ ...key, expiresAt: end }, at, 'a');
  const end = 48 * HOUR;
  for (const left of [25, 24, 23, 2, 1, 0.5]) use(end - left * HOUR, end);
  expect(told.map((at) => (end - at) / HOUR)).toEqual([24, 1]);
  use(end - 0.4 * HOUR, 2 * end);
  use(2 * end - HOUR, 2 * end);
  expect(told).toHaveLength(3);
});
