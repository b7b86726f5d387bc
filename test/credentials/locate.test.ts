import fc from 'fast-check';
import { locateCredential } from '../../src/credentials/locate.js';
import { Refusal } from '../../src/refusals/refusal.js';

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

  it('none is null', () => {
    expect(by({})).toBeNull();
    expect(by({ cookie: 'authorization=Bearer k1', 'proxy-authorization': 'Bearer k1' })).toBeNull();
    expect(raw('X-API-Kez', 'k1', 'Authorizatioo', 'Bearer k1')).toBeNull();
  });

  it('reads names in any case off the raw fields', () => {
    expect(raw('AUTHORIZATION', 'Bearer k1')).toBe('k1');
    expect(raw('x-Api-kEY', 'k1')).toBe('k1');
  });
});

describe('two credentials', () => {
  it('the same one twice is one, whatever the forms', () => {
    expect(by({ authorization: 'Bearer k1', 'x-api-key': 'k1' })).toBe('k1');
    expect(raw('Authorization', 'Bearer k1', 'Authorization', 'Api-Key k1', 'X-API-Key', 'k1')).toBe('k1');
  });

  it.each<[string, () => unknown]>([
    ['in both headers', () => by({ authorization: 'Bearer k1', 'x-api-key': 'k2' })],
    ['in lists of values', () => by({ 'x-api-key': ['k1', 'k2'] })],
    // `headers` of Node holds the first Authorization alone: the second would pass unseen.
    ['that Node drops', () => raw('Authorization', 'Bearer k1', 'authorization', 'Bearer k2')],
    ['that Node joins', () => raw('X-API-Key', 'k1', 'x-api-key', 'k2')],
    ['an empty one beside a real one', () => by({ authorization: 'Bearer k1', 'x-api-key': '' })],
    ['keys are compared by case', () => by({ authorization: 'Bearer k1', 'x-api-key': 'K1' })],
  ])('different ones are refused: %s', (_, locate) => expect(locate).toThrow(REFUSED));

  it('believes the raw fields and not the others where both are there', () => {
    const source = { headers: { authorization: 'Bearer k1' }, rawHeaders: ['Authorization', 'Bearer k2'] };
    expect(locateCredential(source)).toBe('k2');
  });
});

describe('an Authorization field of another form is refused, not passed over', () => {
  it.each([
    '',
    ' ',
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

  it('even beside a good X-API-Key', () => {
    expect(() => by({ authorization: 'Basic dXNlcjpwYXNz', 'x-api-key': 'k1' })).toThrow(REFUSED);
  });
});

test('an empty X-API-Key is an empty credential, which no key is, and not none', () => {
  expect(by({ 'x-api-key': '' })).toBe('');
  expect(raw('X-API-Key', '  ')).toBe('');
});

test('whatever the fields, it answers or refuses, and a refusal repeats nothing of them', () => {
  const name = fc.constantFrom('Authorization', 'authorization', 'X-API-Key', 'x-api-key', 'Accept');
  const noise = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.stringMatching(/^[A-Za-z0-9_]{20,60}$/));
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

// In time that grew with its square this would not end within the day.
test('a long run of spaces takes no time', () => {
  expect(() => by({ authorization: `Bearer${' '.repeat(20_000_000)}` })).toThrow(REFUSED);
  expect(() => by({ authorization: `${' '.repeat(20_000_000)}x` })).toThrow(REFUSED);
});
