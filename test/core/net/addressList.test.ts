import fc from 'fast-check';
import { BlockList, isIPv4 } from 'node:net';
import { AddressList, isAddressOrRange } from '../../../src/core/net/addressList.js';

describe('an address list', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.8', false],
    ['192.0.2.0/24', '192.0.2.255', true],
    ['192.0.2.0/24', '192.0.3.0', false],
    // Not a comparison of strings: a range is not a prefix of an address.
    ['192.0.2.1', '192.0.2.10', false],
    ['10.0.0.0/8', '10.255.1.2', true],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['192.0.2.0/24', '::ffff:192.0.2.9', true],
    ['192.0.2.0/24', '::ffff:192.0.3.9', false],
    ['::ffff:192.0.2.7', '192.0.2.7', true],
    ['::ffff:192.0.2.0/120', '192.0.2.9', true],
    ['::ffff:192.0.2.0/120', '192.0.3.9', false],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['2001:DB8::1', '2001:db8:0:0::0:1', true],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['::/0', '2001:db8::1', true],
    ['192.0.2.0/24', 'nonsense', false],
    ['192.0.2.0/24', '', false],
    ['192.0.2.0/24', '192.0.2.1, 10.0.0.1', false],
  ])('of %s asked for %s: %s', (range, address, allowed) => {
    expect(new AddressList([range]).has(address)).toBe(allowed);
    expect(new AddressList(['198.51.100.0/30', range]).has(address)).toBe(allowed);
  });

  it('does not contain an unknown address', () => {
    expect(new AddressList(['0.0.0.0/0', '::/0']).has(null)).toBe(false);
  });

  it('agrees with the bits of an address, whatever the range', () => {
    const octet = fc.integer({ min: 0, max: 255 });
    const address = fc.tuple(octet, octet, octet, octet);
    const bitsOf = (octets: readonly number[]) => octets.map((n) => n.toString(2).padStart(8, '0')).join('');
    fc.assert(
      fc.property(address, address, fc.integer({ min: 0, max: 32 }), (base, asked, bits) => {
        const expected = bitsOf(base).slice(0, bits) === bitsOf(asked).slice(0, bits);
        expect(new AddressList([`${base.join('.')}/${bits}`]).has(asked.join('.'))).toBe(expected);
      }),
    );
  });

  it('agrees with Node about IPv4 addresses, even in ranges of IPv6', () => {
    const octet = fc.constantFrom(0, 1, 127, 128, 192, 255);
    const ipv4 = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'));
    const range = fc.oneof(
      fc.tuple(ipv4, fc.integer({ min: 0, max: 32 })),
      fc.tuple(
        fc.oneof(
          ipv4.map((address) => `::ffff:${address}`),
          ipv4.map((address) => `::${address}`),
          fc.constantFrom('::', '::ffff:0:0', '::fffe:0:0', '2001:db8::', '8000::'),
        ),
        fc.integer({ min: 0, max: 128 }),
      ),
    );
    fc.assert(
      fc.property(fc.array(range, { minLength: 1, maxLength: 3 }), ipv4, (ranges, asked) => {
        const node = new BlockList();
        for (const [address, bits] of ranges) node.addSubnet(address, bits, isIPv4(address) ? 'ipv4' : 'ipv6');
        const list = new AddressList(ranges.map((each) => each.join('/')));
        expect(list.has(asked)).toBe(node.check(asked, 'ipv4'));
        expect(list.has(`::ffff:${asked}`)).toBe(node.check(`::ffff:${asked}`, 'ipv6'));
      }),
      { numRuns: 1_000 },
    );
  });
});

it.each([
  '',
  '192.0.2',
  '192.0.2.256',
  '192.0.2.0/33',
  '192.0.2.0/-1',
  '192.0.2.0/',
  '192.0.2.0/08',
  '192.0.2.0/24/24',
  '192.0.2.*',
  '2001:db8::/129',
  'fe80::1%eth0',
  'localhost',
  ' 192.0.2.1',
  '1'.repeat(100),
])('%j is neither an address nor a range', (text) => {
  expect(isAddressOrRange(text)).toBe(false);
  expect(() => new AddressList([text])).toThrow(TypeError);
});

test('remembers the last addresses without mixing them up', () => {
  const list = new AddressList(['10.0.0.0/8', '2001:db8::/32']);
  const inside = ['10.1.2.3', '2001:db8::1', '10.1.2.3', '10.9.9.9'];
  const outside = ['192.0.2.1', '2001:db9::1', 'unknown', '', null];
  for (let i = 0; i < 3; i += 1) {
    for (const address of inside) {
      for (const other of outside) expect([list.has(address), list.has(other)]).toEqual([true, false]);
    }
  }
});
