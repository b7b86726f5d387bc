import fc from 'fast-check';
import { parseForwarded } from '../../../src/server/net/forwarded.js';

const parsed = (field: string) => parseForwarded(field)?.map((element) => Object.fromEntries(element)) ?? null;

describe('F3: a Forwarded field is parsed strictly', () => {
  it.each<[string, object[]]>([
    ['for=192.0.2.60;proto=http;by=203.0.113.43', [{ for: '192.0.2.60', proto: 'http', by: '203.0.113.43' }]],
    ['For="[2001:db8:cafe::17]:4711"', [{ for: '[2001:db8:cafe::17]:4711' }]],
    ['for=192.0.2.43, for=198.51.100.17', [{ for: '192.0.2.43' }, { for: '198.51.100.17' }]],
    ['for="_gazonk"', [{ for: '_gazonk' }]],
    ['for=unknown;by=_x , proto=https', [{ for: 'unknown', by: '_x' }, { proto: 'https' }]],
    ['host="example.com:8080"; for=192.0.2.43', [{ host: 'example.com:8080', for: '192.0.2.43' }]],
    ['for=""', [{ for: '' }]],
  ])('%s', (field, expected) => expect(parsed(field)).toEqual(expected));

  it.each([
    '',
    ' ',
    ',',
    'for',
    'for=',
    '=1.2.3.4',
    'for =1.2.3.4',
    'for= 1.2.3.4',
    'for=1.2.3.4:80',
    'for=[2001:db8::5]',
    'for=1.2.3.4,',
    ',for=1.2.3.4',
    'for=1.2.3.4,,for=5.6.7.8',
    'for=1.2.3.4;',
    'for=1.2.3.4;for=5.6.7.8',
    'for=1.2.3.4;FOR=5.6.7.8',
    'for="1.2.3.4',
    'for="1.2.3.4"x',
    "for='1.2.3.4:80'",
    'for="1.2.3.4\\"',
    'for="\\1.2.3.4"',
    'for="a b"',
    'for=1.2.3.4 for=5.6.7.8',
    'for=1.2.3.4\u0000',
    'for=é',
    // A Host field with a quote in it, written by a proxy that escapes nothing.
    'for=1.2.3.4;host=",for=6.6.6.6;x="',
    // A quote that the caller left open swallows what the proxy appends.
    'for=", for=1.2.3.4;host="a"',
  ])('refuses %j', (field) => expect(parsed(field)).toBeNull());

  it('reads back what was written, and never more elements than there are commas', () => {
    const token = fc.string({ unit: fc.constantFrom(...'abcXYZ019.-_'.split('')), minLength: 1, maxLength: 8 });
    const quoted = fc.string({ unit: fc.constantFrom(...'ab[]:.@/()<>?{}1'.split('')), maxLength: 12 });
    const value = fc.oneof(
      token.map((text) => [text, text] as const),
      quoted.map((text) => [text, `"${text}"`] as const),
    );
    const element = fc.dictionary(
      token.map((name) => name.toLowerCase()),
      value,
      { minKeys: 1, maxKeys: 4 },
    );
    fc.assert(
      fc.property(fc.array(element, { minLength: 1, maxLength: 5 }), (elements) => {
        const field = elements
          .map((pairs) =>
            Object.entries(pairs)
              .map(([name, [, text]]) => `${name}=${text}`)
              .join(';'),
          )
          .join(', ');
        expect(parseForwarded(field)?.map((found) => [...found])).toEqual(
          elements.map((pairs) => Object.entries(pairs).map(([name, [plain]]) => [name, plain])),
        );
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'for=;,"\\ 1.:[]_'.split('')) }), (field) => {
        const found = parseForwarded(field);
        if (found !== null) expect(found).toHaveLength(field.split(',').length);
      }),
      { numRuns: 2_000 },
    );
  });
});
