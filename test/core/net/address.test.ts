import fc from 'fast-check';
import { isIP } from 'node:net';
import { connectionAddress, readAddress, readNode, UNKNOWN_ADDRESS } from '../../../src/core/net/address.js';

describe('F3: an address is read without what proxies add to it', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:51234', '203.0.113.7'],
    [' 203.0.113.7 ', '203.0.113.7'],
    ['"203.0.113.7:443"', '203.0.113.7'],
    ['203.0.113.7:_port', '203.0.113.7'],
    ['2001:db8::5', '2001:db8::5'],
    ['2001:DB8:0:0:0:0:0:5', '2001:db8::5'],
    ['[2001:db8::5]', '2001:db8::5'],
    ['[2001:db8::5]:443', '2001:db8::5'],
    ['"[2001:db8::5]:443"', '2001:db8::5'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::ffff:cb00:7107', '203.0.113.7'],
    ['0:0:0:0:0:FFFF:203.0.113.7', '203.0.113.7'],
    ['[::ffff:203.0.113.7]:80', '203.0.113.7'],
    ['fe80::1%eth0', 'fe80::1'],
    ['[fe80::1%25eth0]:80', 'fe80::1'],
  ])('%j', (text, expected) => {
    expect(readAddress(text)).toBe(expected);
    expect(readAddress(readAddress(text))).toBe(expected);
  });

  it.each([
    '',
    ' ',
    'unknown',
    '_hidden',
    'localhost',
    '1.2.3',
    '1.2.3.4.5',
    '010.0.0.1',
    '256.0.0.1',
    '1.2.3.4:',
    '1.2.3.4:65536',
    '1.2.3.4:123456',
    '1.2.3.4:80:80',
    '1.2.3.4:-1',
    '1.2.3.4,5.6.7.8',
    '1.2.3.4 5.6.7.8',
    '[1.2.3.4]',
    '[2001:db8::5',
    '2001:db8::5]:443',
    '[2001:db8::5]443',
    '[2001:db8::5]:',
    '[[2001:db8::5]]',
    '""1.2.3.4""',
    '"1.2.3.4',
    '::1%',
    `fe80::1%${'x'.repeat(100)}`,
    ' '.repeat(200) + '1.2.3.4',
  ])('reads %j as unknown', (text) => expect(readAddress(text)).toBe(UNKNOWN_ADDRESS));

  it('returns an address or "unknown" whatever it is given, and the same address with and without a port', () => {
    const v4 = fc.ipV4();
    const v6 = fc.ipV6();
    const port = fc.integer({ min: 0, max: 65_535 });
    fc.assert(
      fc.property(v4, v6, port, (four, six, at) => {
        expect(readAddress(`${four}:${at}`)).toBe(readAddress(four));
        expect(readAddress(`[${six}]:${at}`)).toBe(readAddress(six));
        expect(readNode(`[${six}]`)).toBe(readAddress(six));
        expect(isIP(readAddress(four))).toBe(4);
        expect(isIP(readAddress(six))).not.toBe(0);
      }),
    );
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('1', ':', '.', '[', ']', '"', '%', 'f') })),
        (text) => {
          const read = readAddress(text);
          expect(read === UNKNOWN_ADDRESS || isIP(read) !== 0).toBe(true);
          expect(read).not.toMatch(/[%[\]"]/);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('reads a node of RFC 7239 strictly: IPv6 in brackets', () => {
    expect(readNode('[2001:db8::5]:443')).toBe('2001:db8::5');
    for (const text of ['2001:db8::5', 'unknown', '_hidden', '_hidden:80', 'unknown:80', '', ' 1.2.3.4'])
      expect(readNode(text)).toBe(UNKNOWN_ADDRESS);
  });

  it('reads the address of a connection', () => {
    expect(connectionAddress('::ffff:127.0.0.1')).toBe('127.0.0.1');
    expect(connectionAddress('fe80::1%eth0')).toBe('fe80::1');
    expect(connectionAddress('2001:db8::5')).toBe('2001:db8::5');
    // Of a connection that is closed by now. An address that is null would not count failures at all.
    expect(connectionAddress(undefined)).toBe(UNKNOWN_ADDRESS);
  });
});
