import fc from 'fast-check';
import {
  isMeantAsToken,
  isToken,
  KNOWN_PREFIXES,
  MAX_CREDENTIAL_LENGTH,
  mintToken,
  parseToken,
  randomBase62,
  shownPrefix,
  TOKEN_PATTERN,
} from '../../../src/core/keys/token.js';
import { CODE_POINT } from '../../support/codePoint.js';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

const prefix = fc.stringMatching(/^[a-z][a-z0-9]{0,9}$/);
const minted = fc.tuple(prefix, fc.constantFrom('LIVE', 'TEST')).map(([name, env]) => mintToken(name, env));

function findsIn(text: string): string[] {
  return text.match(TOKEN_PATTERN) ?? [];
}

describe('mintToken and parseToken', () => {
  it('writes the prefix, environment and 54 base62 characters, and parses them again', () => {
    fc.assert(
      fc.property(minted, ({ token, ...parts }) => {
        expect(token).toMatch(/^[a-z][a-z0-9]{0,9}_(live|test)_[0-9A-Za-z]{54}$/);
        expect(parts.lookupId).toHaveLength(16);
        expect(parts.secret).toHaveLength(32);
        expect(parseToken(token)).toEqual(parts);
      }),
    );
  });

  // Another product used only the prefix up to the first underscore, so that `lks_live_...` became `lks_...`.
  it('keeps type and environment together as the prefix, across the first underscore', () => {
    const { token, tokenPrefix } = mintToken('lks', 'LIVE');
    expect(tokenPrefix).toBe('lks_live');
    expect(token.startsWith('lks_live_')).toBe(true);
    expect(parseToken(token)?.tokenPrefix).toBe('lks_live');
    expect(mintToken('aa', 'TEST').tokenPrefix).toBe('aa_test');
  });

  it('detects every change of a single character, at any position', () => {
    fc.assert(
      fc.property(minted, fc.nat(), fc.constantFrom(...Array.from(`${ALPHABET}_`)), ({ token }, at, character) => {
        const i = at % token.length;
        fc.pre(token[i] !== character);
        expect(isToken(token.slice(0, i) + character + token.slice(i + 1))).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  it('detects every swap of two neighbors and every missing, doubled or added character', () => {
    fc.assert(
      fc.property(minted, fc.nat(), ({ token }, at) => {
        const i = at % (token.length - 1);
        const [a = '', b = ''] = [token[i], token[i + 1]];
        if (a !== b) expect(isToken(token.slice(0, i) + b + a + token.slice(i + 2))).toBe(false);
        expect(isToken(token.slice(0, i) + token.slice(i + 1))).toBe(false);
        expect(isToken(token.slice(0, i) + a + token.slice(i))).toBe(false);
        expect(isToken(`${token}0`)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it.each([' ', '\t', '\n', '\0', '​', '%20', '=', '-', 'é', 'А'])(
    'refuses %j before, after and inside a token',
    (alien) => {
      const { token } = mintToken('lks', 'LIVE');
      for (const text of [alien + token, token + alien, token.slice(0, 20) + alien + token.slice(20)]) {
        expect(parseToken(text)).toBeNull();
      }
    },
  );

  it('refuses a prefix in capitals and an unknown environment', () => {
    const { token } = mintToken('lks', 'LIVE');
    for (const text of [token.replace('lks', 'LKS'), token.replace('live', 'LIVE'), token.replace('live', 'prod')]) {
      expect(parseToken(text)).toBeNull();
    }
  });

  it('refuses more than 256 characters, whatever they start with', () => {
    const { token } = mintToken('lks', 'LIVE');
    expect(parseToken(token.padEnd(MAX_CREDENTIAL_LENGTH + 1, '0'))).toBeNull();
    const onlyLong = new Proxy(new String('a'.repeat(MAX_CREDENTIAL_LENGTH + 1)), {
      get(text, property) {
        if (property === 'length') return text.length;
        throw new Error(`It was read: ${String(property)}`);
      },
    });
    expect(parseToken(onlyLong as string)).toBeNull();
  });

  it('never throws, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: CODE_POINT, maxLength: 300 }), (text) => {
        expect(parseToken(text)).toBeNull();
      }),
    );
  });
});

describe('N3: isMeantAsToken', () => {
  it.each(['lks', 'lkc', 'lkr', 'sk', 'ck', 'rk'])('recognizes a part of a token with the prefix %s', (prefix) => {
    expect(isMeantAsToken(`${prefix}_live_abc`, KNOWN_PREFIXES)).toBe(true);
  });

  it.each([
    'lks_live_',
    'lks_test_abc',
    'LKS_live_abc',
    '"lks_live_abc"',
    'key=lks_live_abc',
    `zz_live_${'A'.repeat(54)}`,
  ])('recognizes %s as a token of the installation', (text) => expect(isMeantAsToken(text, ['lks'])).toBe(true));

  it.each([
    '',
    'lks',
    'lks_live',
    'lks-live-abc',
    'lks_prod_abc',
    'lkc_live_abc',
    'zz_live_abc',
    'xlks_live_abc',
    '_live_',
    'live_abc',
  ])('recognizes %s as something else', (text) => expect(isMeantAsToken(text, ['lks'])).toBe(false));

  it('recognizes every token by its prefix, however the rest was cut or changed', () => {
    const change = fc.tuple(fc.nat({ max: 70 }), fc.string({ maxLength: 40 }));
    fc.assert(
      fc.property(change, ([at, more]) => {
        const { token } = mintToken('lks', 'LIVE');
        expect(isMeantAsToken(token.slice(0, 'lks_live_'.length + at) + more, ['lks'])).toBe(true);
      }),
    );
    expect(isMeantAsToken(`lks_live_${'a'.repeat(10_000)}`, ['lks'])).toBe(false);
  });
});

describe('TOKEN_PATTERN', () => {
  it('finds every token in prose, JSON, shell, URLs and logs, and nothing around it', () => {
    const around = fc.constantFrom<[string, string]>(
      ['', ''],
      ['Authorization: Bearer ', '\r\n'],
      ['{"token":"', '"}'],
      ['export KEY=', '; run'],
      ['https://x.example/?k=', '&b=1'],
      ["'", "',"],
      ['key_', ' '],
      ['the key (', ').'],
      ['A', ' '],
    );
    fc.assert(
      fc.property(minted, around, ({ token }, [before, behind]) => {
        expect(findsIn(before + token + behind)).toEqual([token]);
      }),
    );
  });

  it('finds a token next to an escaped line break, and two adjacent tokens', () => {
    const [a, b] = [mintToken('lks', 'LIVE').token, mintToken('lkr', 'TEST').token];
    expect(findsIn(JSON.stringify({ text: `one\n${a}\n${b}` })).join()).toContain(a);
    expect(findsIn(a + b)).toEqual([a, b]);
  });

  it('rejects near misses', () => {
    const { token } = mintToken('lks', 'LIVE');
    const misses = [
      token.slice(0, -1),
      token.replace('_live_', '_prod_'),
      token.replace('_live_', '-live-'),
      token.replace('_', ''),
      token.toUpperCase(),
      `${token.slice(0, 30)} ${token.slice(30)}`,
      token.slice(0, 30) + '-' + token.slice(31),
      `1_${token.slice(4)}`,
    ];
    for (const miss of misses) expect(findsIn(miss)).toEqual([]);
  });

  it('leaves false matches to the checksum', () => {
    const { token } = mintToken('lks', 'LIVE');
    const forged = token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A');
    expect(findsIn(forged)).toEqual([forged]);
    expect(isToken(forged)).toBe(false);
  });

  // In quadratic time, this would not end within an hour.
  it('takes linear time for a text designed to mislead it', () => {
    const text = 'a1'.repeat(1_000_000) + '_live_'.repeat(500_000) + `lks_live_${'0'.repeat(53)} `.repeat(20_000);
    expect(findsIn(text)).toEqual([]);
  });
});

describe('randomBase62', () => {
  // 62 characters give 61 degrees of freedom. Random text exceeds 128 once in a million runs. The bias of `byte % 62` gives over 1,000.
  it('draws all characters with the same probability', () => {
    const draws = 620_000;
    const counts = new Map<string, number>();
    for (const character of randomBase62(draws)) counts.set(character, (counts.get(character) ?? 0) + 1);
    expect(counts.size).toBe(62);
    const expected = draws / 62;
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(chiSquare).toBeLessThan(128);
    // A distribution that is too even would not be random either.
    expect(chiSquare).toBeGreaterThan(18);
  });

  it('returns the requested length, and never the same text twice', () => {
    for (const length of [0, 1, 16, 32, 1000]) expect(randomBase62(length)).toHaveLength(length);
    expect(new Set(Array.from({ length: 10_000 }, () => randomBase62(16))).size).toBe(10_000);
  });
});

describe('shownPrefix', () => {
  it('contains no part of the secret', () => {
    const parts = mintToken('lks', 'TEST');
    expect(shownPrefix(parts)).toBe(parts.token.slice(0, 'lks_test_'.length + 6));
  });
});
