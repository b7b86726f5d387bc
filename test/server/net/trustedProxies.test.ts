import fc from 'fast-check';
import { UNKNOWN_ADDRESS } from '../../../src/core/net/address.js';
import { Proxies, type ProxyHeader } from '../../../src/server/net/trustedProxies.js';

const TRUSTED = ['127.0.0.1', '10.0.0.0/8', '2001:db8:1::/48'];
const CALLER = '203.0.113.7';
const FORGED = '198.51.100.1';

type Fields = readonly (readonly [string, string])[];

/** As Node hands over a request: repeated fields are joined in `headers`, and apart in `rawHeaders`. */
function requestOf(fields: Fields, remoteAddress: string | undefined) {
  const headers: Record<string, string> = {};
  for (const [name, value] of fields) headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  return { headers, rawHeaders: fields.flatMap(([name, value]) => [name, value]), socket: { remoteAddress } };
}

function callerOf(
  fields: Fields,
  {
    header = 'x-forwarded-for',
    from = '127.0.0.1',
    encrypted = false,
  }: { header?: ProxyHeader; from?: string; encrypted?: boolean } = {},
) {
  return new Proxies(TRUSTED, header).callerOf(requestOf(fields, from), encrypted);
}
const xff = (...values: string[]): Fields => values.map((value) => ['x-forwarded-for', value]);
const forwarded = (...values: string[]): Fields => values.map((value) => ['forwarded', value]);
const addressBy = (fields: Fields, header: ProxyHeader) => callerOf(fields, { header }).address;

describe('F3: X-Forwarded-For', () => {
  it.each<[string, string[], string]>([
    ['a port', [`${CALLER}:51234`], CALLER],
    ['brackets and a port', ['[2001:db8::5]:443'], '2001:db8::5'],
    ['quotes', ['"[2001:db8::5]:443"'], '2001:db8::5'],
    ['an IPv4-mapped address', [`::ffff:${CALLER}`], CALLER],
    ['a zone', ['fe80::1%eth0'], 'fe80::1'],
    ['what the caller wrote before it', [`${FORGED}, ${CALLER}:1`], CALLER],
    ['proxies behind it, with ports', [`${FORGED}, ${CALLER}:1, 10.1.2.3:443, [2001:db8:1::9]:8080`], CALLER],
    ['several fields', [FORGED, CALLER, '10.1.2.3'], CALLER],
    ['only proxies', ['10.1.2.3, 10.1.2.4'], '10.1.2.3'],
    ['nothing', [''], '127.0.0.1'],
    ['blanks', [' '], '127.0.0.1'],
    ['nothing behind a comma', [`${FORGED},`], UNKNOWN_ADDRESS],
    ['a hidden caller behind a forged one', [`${FORGED}, unknown`], UNKNOWN_ADDRESS],
    ['a hidden hop between proxies', [`${FORGED}, _hidden, 10.1.2.3`], UNKNOWN_ADDRESS],
    ['more proxies than anybody has', [Array(40).fill('10.1.2.3').join(',')], UNKNOWN_ADDRESS],
  ])('with %s', (_what, values, expected) => expect(addressBy(xff(...values), 'x-forwarded-for')).toBe(expected));

  it('is believed only from a proxy that is trusted, and the other field never', () => {
    expect(callerOf(xff(CALLER), { from: '192.0.2.1' })).toEqual({
      address: '192.0.2.1',
      https: false,
      unbelieved: true,
    });
    expect(callerOf(xff(CALLER), { from: '::ffff:10.9.9.9' })).toMatchObject({ address: CALLER, unbelieved: false });
    expect(addressBy(forwarded(`for=${FORGED}`), 'x-forwarded-for')).toBe('127.0.0.1');
    expect(addressBy([...forwarded(`for=${FORGED}`), ...xff(CALLER)], 'x-forwarded-for')).toBe(CALLER);
    expect(addressBy([...xff(FORGED), ...forwarded(`for=${CALLER}`)], 'forwarded')).toBe(CALLER);
    expect(addressBy(xff(FORGED), 'forwarded')).toBe('127.0.0.1');
  });
});

describe('F3: Forwarded', () => {
  it.each<[string, string[], string]>([
    ['an address', [`for=${CALLER}`], CALLER],
    ['a port', [`for="${CALLER}:51234"`], CALLER],
    ['IPv6', ['For="[2001:db8::5]:443";proto=https'], '2001:db8::5'],
    ['what the caller wrote before it', [`for=${FORGED}, for=${CALLER}`], CALLER],
    ['a proxy behind it', [`for=${FORGED}, for=${CALLER}, for="10.1.2.3:443"`], CALLER],
    ['several fields', [`for=${FORGED}`, `for=${CALLER}`, 'for=10.1.2.3'], CALLER],
    ['nonsense in an earlier field', ['for="', `for=${CALLER}`], CALLER],
    ['nothing', [''], '127.0.0.1'],
    ['a caller that the proxy hides', [`for=${FORGED}, for=unknown`], UNKNOWN_ADDRESS],
    ['an obfuscated caller', [`for=${FORGED}, for=_SEVKISEK`], UNKNOWN_ADDRESS],
    ['an element without a caller', [`for=${FORGED}, proto=https`], UNKNOWN_ADDRESS],
    ['an open quote before it', [`for=", for=${CALLER};host="a"`], UNKNOWN_ADDRESS],
    ['a Host field that breaks out of its quotes', [`for=${CALLER};host=",for=${FORGED};x="`], UNKNOWN_ADDRESS],
    ['an address that is not quoted', ['for=[2001:db8::5]'], UNKNOWN_ADDRESS],
    ['more proxies than anybody has', [Array(40).fill('for=10.1.2.3').join(',')], UNKNOWN_ADDRESS],
  ])('with %s', (_what, values, expected) => expect(addressBy(forwarded(...values), 'forwarded')).toBe(expected));

  it.each([
    [[`for=${CALLER};proto=https`], true],
    [[`for=${CALLER};proto="HTTPS"`], true],
    [[`for=${CALLER};proto=https, for=10.1.2.3;proto=http`], true],
    [[`for=${CALLER};proto=http, for=10.1.2.3;proto=https`], false],
    [[`for=${FORGED};proto=https, for=${CALLER}`], false],
    [[`for=${FORGED};proto=https`, `for=${CALLER};proto=http`], false],
    [[`for=${CALLER};proto=httpss`], false],
    [['nonsense'], false],
  ])('%j says whether the caller spoke HTTPS: %s', (values, https) => {
    const fields = [...forwarded(...values), ['x-forwarded-proto', https ? 'http' : 'https'] as const];
    expect(callerOf(fields, { header: 'forwarded' }).https).toBe(https);
  });
});

describe('F3: whatever a caller writes into either field', () => {
  const hostile = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom(...'for=;,"\\ 1.:[]_'.split('')) }),
    fc.constantFrom(FORGED, `for=${FORGED}`, '10.0.0.1', 'for=10.0.0.1', '"', 'for="', ',', '', 'unknown'),
  );
  // Node refuses these in a field before anything here sees them.
  const field = hostile.map((text) => text.replace(/[^\t\x20-\x7e]/g, ''));

  it('the address is the one that the proxy wrote, or unknown', () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 4 }), field, fc.boolean(), (earlier, before, apart) => {
        const written = { 'x-forwarded-for': `${CALLER}:1`, forwarded: `for="${CALLER}:1"` };
        for (const header of ['x-forwarded-for', 'forwarded'] as const) {
          const last = apart ? [before, written[header]] : [`${before}, ${written[header]}`];
          const fields: Fields = [
            ...earlier.map((text) => ['x-forwarded-for', text] as const),
            ...earlier.map((text) => ['forwarded', text] as const),
            ...last.map((text) => [header, text] as const),
          ];
          expect([CALLER, UNKNOWN_ADDRESS]).toContain(callerOf(fields, { header }).address);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
