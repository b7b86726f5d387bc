import fc from 'fast-check';
import { locateCredential } from '../../../src/core/auth/locate.js';
import { Refusal } from '../../../src/core/errors/refusal.js';
import { CODE_POINT } from '../../support/codePoint.js';

const by = (headers: Record<string, string | string[]>): string | null => locateCredential({ headers });
const raw = (...rawHeaders: string[]): string | null => locateCredential({ headers: {}, rawHeaders });
const REFUSED = expect.objectContaining({ details: { code: 'BAD_REQUEST' } });

describe('the three forms', () => {
  it.each([
    ['Bearer', { authorization: 'Bearer k1' }],
    ['Api-Key', { authorization: 'Api-Key k1' }],
    ['X-API-Key', { 'x-api-key': 'k1' }],
    ['a scheme in any case', { authorization: 'bEARER k1' }],
    ['api-key in small letters', { authorization: 'api-key k1' }],
    ['several spaces', { authorization: 'Bearer    k1' }],
    ['white space around', { authorization: ' \tBearer k1\t ' }],
    ['white space around X-API-Key', { 'x-api-key': ' k1\t' }],
  ])('%s', (_, headers) => expect(by(headers)).toBe('k1'));

  it('returns null without a credential', () => {
    expect(by({})).toBeNull();
    expect(by({ cookie: 'authorization=Bearer k1', 'proxy-authorization': 'Bearer k1' })).toBeNull();
    expect(raw('X-API-Kez', 'k1', 'Authorizatioo', 'Bearer k1')).toBeNull();
  });

  it('reads names in any case from the raw fields', () => {
    expect(raw('AUTHORIZATION', 'Bearer k1')).toBe('k1');
    expect(raw('x-Api-kEY', 'k1')).toBe('k1');
  });
});

describe('two credentials', () => {
  it('are accepted if they are equal, in any forms', () => {
    expect(by({ authorization: 'Bearer k1', 'x-api-key': 'k1' })).toBe('k1');
    expect(raw('Authorization', 'Bearer k1', 'Authorization', 'Api-Key k1', 'X-API-Key', 'k1')).toBe('k1');
  });

  it.each<[string, () => unknown]>([
    ['in both headers', () => by({ authorization: 'Bearer k1', 'x-api-key': 'k2' })],
    ['in lists of values', () => by({ 'x-api-key': ['k1', 'k2'] })],
    // Node's `headers` contains only the first Authorization field, so the second would be missed.
    ['that Node drops', () => raw('Authorization', 'Bearer k1', 'authorization', 'Bearer k2')],
    ['that Node joins', () => raw('X-API-Key', 'k1', 'x-api-key', 'k2')],
    ['keys are compared by case', () => by({ authorization: 'Bearer k1', 'x-api-key': 'K1' })],
  ])('are refused if they differ: %s', (_, locate) => expect(locate).toThrow(REFUSED));

  it('are read from the raw fields if there are both', () => {
    const source = { headers: { authorization: 'Bearer k1' }, rawHeaders: ['Authorization', 'Bearer k2'] };
    expect(locateCredential(source)).toBe('k2');
  });
});

describe('an Authorization field in another form is refused, not ignored', () => {
  it.each([
    'Bearer',
    'Bearer ',
    'Bearer\tk1',
    'Bearerk1',
    'Bearer=k1',
    'Api-Key',
    'ApiKey k1',
    'Basic dXNlcjpwYXNz',
    'Digest username="x"',
    'Token k1',
    'k1',
    'Bear er k1',
  ])('%j', (value) => {
    expect(() => by({ authorization: value })).toThrow(REFUSED);
    expect(() => raw('Authorization', value)).toThrow(REFUSED);
  });

  it.each(['Token k1', 'k1', 'Bearer\tk1', 'Basic dXNlcjpwYXNz, Bearer k2', 'AWS4-HMAC-SHA256 Credential=x'])(
    'even with a valid X-API-Key: %j',
    (value) => {
      expect(() => by({ authorization: value, 'x-api-key': 'k1' })).toThrow(REFUSED);
      expect(() => raw('X-API-Key', 'k1', 'Authorization', value)).toThrow(REFUSED);
    },
  );
});

describe('F14: a blank field, or a scheme without a key,', () => {
  it.each(['', ' ', '\t', ' \t '])('is ignored: %j', (blank) => {
    expect(by({ 'x-api-key': blank })).toBeNull();
    expect(by({ authorization: blank })).toBeNull();
    expect(by({ authorization: blank, 'x-api-key': blank })).toBeNull();
    expect(by({ authorization: 'Bearer k1', 'x-api-key': blank })).toBe('k1');
    expect(by({ authorization: blank, 'x-api-key': 'k1' })).toBe('k1');
    expect(by({ 'x-api-key': [blank, 'k1', blank, 'k1'] })).toBe('k1');
    expect(raw('X-API-Key', blank, 'Authorization', 'Bearer k1', 'X-API-Key', blank)).toBe('k1');
    expect(raw('Authorization', blank, 'authorization', 'Bearer k1', 'X-API-Key', 'k1')).toBe('k1');
  });

  it.each(['Bearer', 'Bearer ', 'api-key  '])(
    'is ignored with X-API-Key: %j, as clients without a token send it',
    (value) => {
      expect(by({ authorization: value, 'x-api-key': 'k1' })).toBe('k1');
      expect(() => by({ authorization: value, 'x-api-key': ' ' })).toThrow(REFUSED);
    },
  );

  it('does not make two different keys equal', () => {
    expect(() => raw('X-API-Key', '', 'X-API-Key', 'k1', 'Authorization', 'Bearer k2')).toThrow(REFUSED);
  });
});

describe('F14: credentials for a proxy in addition to X-API-Key', () => {
  const PROXYS = [
    'Basic dXNlcjpwYXNz',
    'basic dXNlcjpwYXNz',
    'BASIC',
    'Negotiate YIIZ/+a=',
    'NTLM TlRMTVNTUAAB',
    'Digest username="a b, c", realm="x", nc=00000001, response="0"',
  ];
  it.each(PROXYS)('are ignored: %s', (value) => {
    expect(by({ authorization: value, 'x-api-key': 'k1' })).toBe('k1');
    expect(raw('Authorization', value, 'X-API-Key', 'k1')).toBe('k1');
    expect(raw('X-API-Key', 'k1', 'Authorization', value)).toBe('k1');
    expect(locateCredential({ headers: { authorization: value } }, true)).toBeNull();
  });

  it.each(PROXYS)('are refused if X-API-Key has no key: %s', (value) => {
    expect(() => by({ authorization: value })).toThrow(REFUSED);
    expect(() => by({ authorization: value, 'x-api-key': ' ' })).toThrow(REFUSED);
    expect(() => raw('Authorization', value, 'Authorization', 'Bearer k1')).toThrow(REFUSED);
  });

  it('are never read as a key, whatever their content', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[ -~]{0,40}$/),
        fc.constantFrom('Basic ', 'Digest ', 'Negotiate '),
        (rest, scheme) => {
          let found: string | null = 'k1';
          try {
            found = raw('Authorization', scheme + rest, 'X-API-Key', 'k1');
          } catch (error) {
            expect(error).toBeInstanceOf(Refusal);
          }
          expect(found).toBe('k1');
        },
      ),
    );
  });
});

test('returns or refuses any fields, and a refusal never repeats them', () => {
  const name = fc.constantFrom('Authorization', 'authorization', 'X-API-Key', 'x-api-key', 'Accept');
  const noise = fc.oneof(fc.string({ unit: CODE_POINT, maxLength: 60 }), fc.stringMatching(/^[A-Za-z0-9_]{20,60}$/));
  const value = fc
    .tuple(fc.constantFrom('', 'Bearer ', 'bearer\t', 'Api-Key  ', 'Basic ', ' '), noise)
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 5 }), (fields) => {
      try {
        const found = raw(...fields.flat());
        if (found !== null) expect(fields.some(([, text]) => text.includes(found))).toBe(true);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        expect(error.details).toEqual({ code: 'BAD_REQUEST' });
        for (const [, text] of fields) if (text.length > 30) expect(JSON.stringify(error)).not.toContain(text);
      }
    }),
    { numRuns: 2000 },
  );
});

// In quadratic time, this would not end within a day.
test('takes linear time for a long run of spaces', () => {
  expect(() => by({ authorization: `Bearer${' '.repeat(20_000_000)}` })).toThrow(REFUSED);
  expect(() => by({ authorization: `${' '.repeat(20_000_000)}x` })).toThrow(REFUSED);
});
