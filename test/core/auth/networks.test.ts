import { Networks, subjectOf } from '../../../src/core/auth/networks.js';
import { ANONYMOUS } from '../../../src/core/auth/principal.js';
import { Limiter } from '../../../src/core/limits/limiter.js';
import { tierTable } from '../../../src/core/limits/tierTable.js';

const clockAt = (start: number) => {
  let now = start;
  return { now: () => now, pass: (ms: number) => (now += ms) };
};

test('R5: gives one window to an IPv4 address and to the first 64 bits of an IPv6 address', () => {
  const networks = new Networks(() => 0);
  const of = (address: string) => networks.principalAt(address).network;
  expect(of('2001:db8:1:2::1')).toBe(of('2001:db8:1:2:ffff::9'));
  expect(of('2001:db8:1:2::1')).not.toBe(of('2001:db8:1:3::1'));
  expect(of('203.0.113.7')).not.toBe(of('203.0.113.8'));
  expect(of('::ffff:203.0.113.7')).toBe(of('203.0.113.7'));
  expect(of('unknown')).toBe(of('not an address either'));
});

test('R5: has no window for a caller whose address is unknown', () => {
  const principal = new Networks(() => 0).principalAt(null);
  expect(principal).toBe(ANONYMOUS);
  expect(subjectOf(principal)).toBeNull();
});

test('R5: a flood of addresses takes bounded memory and does not refill the window of a busy network', async () => {
  const clock = clockAt(0);
  const limiter = new Limiter({ clock: clock.now, tiers: tierTable({ ANONYMOUS: { rate: 3, burst: 3 } }) });
  const networks = new Networks(clock.now, 100);
  const ask = (address: string) =>
    limiter.admit(subjectOf(networks.principalAt(address)) ?? { family: '', tier: 'ANONYMOUS' }).outcome;
  for (let i = 0; i < 3; i += 1) expect(ask('203.0.113.7')).toBe('admitted');
  expect(ask('203.0.113.7')).toBe('refused');

  let admitted = 0;
  for (let i = 0; i < 5_000; i += 1) if (ask(`2001:db8:${i.toString(16)}::1`) === 'admitted') admitted += 1;
  // 99 networks with their own windows, and one window for all others.
  expect(admitted).toBe(99 + 3);
  expect(networks.size).toBe(100);
  expect(limiter.size).toBe(101);
  expect(ask('203.0.113.7')).toBe('refused');

  // Still busy after the first minute: it keeps its window and its place.
  clock.pass(59_999);
  expect(ask('203.0.113.7')).toBe('refused');
  clock.pass(1);
  expect(ask('203.0.113.7')).toBe('admitted');
  clock.pass(120_000);
  expect(ask('198.51.100.1')).toBe('admitted');
  expect(networks.size).toBe(1);
  limiter.close();
});
