import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { PendingCost } from '../../../src/core/guard/request/pendingCost.js';
import { CostTap, keptBytes } from '../../../src/server/gateway/forwardedCost.js';

const MiB = 2 ** 20;
const HEADERS = { 'content-type': 'application/json' };

/** Returns a tap, and whether its cost was settled by the response. */
function aTap(headers: Record<string, string> = HEADERS) {
  const settled: unknown[] = [];
  const cost: Pick<PendingCost, 'settle'> = {
    settle(data) {
      settled.push(data);
      return { estimate: 1, actual: null };
    },
  };
  return { tap: new CostTap(cost as PendingCost, headers), settled };
}

const text = Buffer.from(`{"data":{"a":"${'x'.repeat(MiB)}"}}`);

test('responses that slow callers keep open take a limited amount of memory together', () => {
  const open = Array.from({ length: 200 }, aTap);
  for (const { tap } of open) tap.data(text);
  expect(keptBytes()).toBeGreaterThan(60 * MiB);
  expect(keptBytes()).toBeLessThanOrEqual(64 * MiB);
  for (const [i, { tap }] of open.entries()) tap.end(i % 2 === 0);
  expect(keptBytes()).toBe(0);
  const measured = open.filter(({ settled }) => settled[0] !== null);
  // The ones that were not kept, and those that were cut off, cost the estimate.
  expect(measured.length).toBeGreaterThan(25);
  expect(measured.length).toBeLessThan(35);
  expect(open.every(({ settled }) => settled.length === 1)).toBe(true);
});

test('a response that grows too large frees its memory at once, and nothing is kept after the end', () => {
  const { tap, settled } = aTap();
  for (let i = 0; i < 5; i += 1) tap.data(text);
  expect(keptBytes()).toBe(0);
  tap.end(true);
  tap.data(text);
  expect(keptBytes()).toBe(0);
  expect(settled).toEqual([null]);
});

test('a compressed response counts until it is decoded', async () => {
  const { tap, settled } = aTap({ ...HEADERS, 'content-encoding': 'gzip' });
  const body = gzipSync('{"data":{"a":1}}');
  tap.data(body);
  tap.end(true);
  expect(keptBytes()).toBe(body.length);
  while (settled.length === 0) await delay(1);
  await delay(1);
  expect(settled).toEqual([{ a: 1 }]);
  expect(keptBytes()).toBe(0);
});
