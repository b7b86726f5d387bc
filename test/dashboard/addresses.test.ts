import fc from 'fast-check';
import { addressesFault, isAddressOrRange, linesOf } from '../../src/dashboard/keys/addresses.js';
import * as server from '../../src/core/net/addressList.js';

it('the page accepts the same addresses as the server', () => {
  const bits = fc.oneof(
    fc.constant(''),
    fc.integer({ min: -1, max: 200 }).map((bits) => `/${bits}`),
  );
  const text = fc.oneof(
    fc.tuple(fc.oneof(fc.ipV4(), fc.ipV6(), fc.ipV4Extended()), bits).map((parts) => parts.join('')),
    fc.string({ unit: fc.constantFrom(...Array.from('0123456789abf.:/%[]')) }),
  );
  fc.assert(
    fc.property(text, (text) => isAddressOrRange(text) === server.isAddressOrRange(text)),
    { numRuns: 2_000 },
  );
});

it.each([
  ['192.0.2.7', true],
  ['192.0.2.0/24', true],
  ['::ffff:192.0.2.1', true],
  ['2001:db8::/32', true],
  ['192.0.2.7/33', false],
  ['192.0.2', false],
  ['01.2.3.4', false],
  ['fe80::1%eth0', false],
  ['example.com', false],
])('%s: %s', (text, is) => {
  expect([isAddressOrRange(text), server.isAddressOrRange(text)]).toEqual([is, is]);
});

it('an error names the first invalid address', () => {
  expect(linesOf(' 10.0.0.1,\n\n ::1 ')).toEqual(['10.0.0.1', '::1']);
  expect(addressesFault('10.0.0.1\n::1')).toBeNull();
  expect(addressesFault('10.0.0.1\nhere\nthere')).toContain('“here”');
  expect(addressesFault(Array.from({ length: 101 }, (_, i) => `10.0.0.${i}`).join('\n'))).toContain('at most 100');
});
