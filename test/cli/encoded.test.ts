import fc from 'fast-check';
import { TokenFinder, type Find } from '../../src/cli/scan/tokenFinder.js';
import { tokensIn } from '../../src/cli/scan/scannedContent.js';
import { checksum } from '../../src/shared/text/checksum.js';

/** @param lookupId may be short */
const tokenOf = (prefix: string, lookupId: string): string => {
  const unchecked = `${prefix}_${lookupId.padEnd(16, 'Zq7xVb2Kd9Rt4LmW')}${'p8Yc3HnJ6sTfXw5G'.repeat(2)}`;
  return unchecked + checksum(unchecked);
};
const token = tokenOf('lk9_test', 'Hk3');
const prefix = token.slice(0, 'lk9_test_'.length + 6);

/** Writes each character of a text in another way. */
const each = (write: (code: string) => string) => (text: string) =>
  text.replace(/./gs, (character) => write(hexOf(character)));
/** Only the underscores. */
const only = (written: string) => (text: string) => text.replaceAll('_', written);
const hexOf = (character: string) => character.charCodeAt(0).toString(16).padStart(2, '0');
const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64');
/** Lines of 64 characters with the indentation of YAML. */
const wrapped = (text: string) => text.replace(/.{64}(?=.)/g, '$&\n    ');

const ENCODINGS: readonly (readonly [string, (text: string) => string])[] = [
  ['percent-encoding of _', only('%5F')],
  ['percent-encoding in lower case', only('%5f')],
  ['percent-encoding of everything', each((hex) => `%${hex}`)],
  ['percent-encoding, twice', only('%255F')],
  ['escape() of JavaScript', only('%u005f')],
  ['JSON', only('\\u005f')],
  ['JSON of everything', each((hex) => `\\u00${hex}`)],
  ['JSON in JSON', only('\\\\u005F')],
  ['JavaScript', only('\\x5f')],
  ['JavaScript with braces', only('\\u{5f}')],
  ['Python', only('\\U0000005f')],
  ['C', only('\\137')],
  ['HTML, decimal', only('&#95;')],
  ['HTML, decimal with zeros, everything', each((hex) => `&#00${Number.parseInt(hex, 16)};`)],
  ['HTML, decimal without a semicolon', only('&#95')],
  ['HTML, hexadecimal', only('&#x5F;')],
  ['HTML, hexadecimal with zeros', only('&#x0005f;')],
  ['HTML, by name', only('&lowbar;')],
  ['Markdown', only('\\_')],
  ['quoted-printable', only('=5F')],
  ['quoted-printable with soft line breaks', (text) => text.replaceAll('_', '=5F').replace(/.{20}/g, '$&=\r\n')],
  ['base64', base64],
  ['base64url', (text) => Buffer.from(text).toString('base64url')],
  ['base64 of a user and a password', (text) => base64(`user:${text}`)],
  ['base64 of something longer', (text) => base64(`{"auths":{"registry":{"password":"${text}"}}}\n`)],
  ['base64 of UTF-16, as PowerShell has it', (text) => Buffer.from(`curl ${text}`, 'utf16le').toString('base64')],
  ['wrapped base64', (text) => wrapped(base64(`KEY=${text}\n`))],
  ['wrapped base64 in JSON', (text) => wrapped(base64(text)).replaceAll('\n    ', '\\n')],
  ['base64 of base64', (text) => base64(base64(`user:${text}`))],
  ['base64 of percent-encoding', (text) => base64(text.replaceAll('_', '%5F'))],
  ['percent-encoding of base64', (text) => encodeURIComponent(base64(text))],
];

function finds(text: string, part = 65_536): Find[] {
  const bytes = Buffer.from(text);
  const finder = new TokenFinder();
  const found: Find[] = [];
  for (let at = 0; at < bytes.length; at += part) found.push(...finder.push(bytes.subarray(at, at + part)));
  return found;
}

test('F12: finds a token in a URL where = and the first characters look like quoted-printable', () => {
  for (const prefix of ['acme_live', 'ad_test', 'e5_live'])
    expect(finds(`?a=%20b&key=${only('%5F')(tokenOf(prefix, '0a'))}&c=d`)).toHaveLength(1);
});

describe.each(ENCODINGS)('F12: a token in %s', (_, encode) => {
  it('is found once, at its position, wherever the chunks are cut', () => {
    const text = `é first\n  "value" ${encode(token)}\nlast`;
    const [only, ...others] = finds(text);
    expect(others).toEqual([]);
    expect(only).toMatchObject({ line: 2, prefix });
    // For base64, the group that contains the token.
    expect(only?.column).toBeGreaterThanOrEqual(11);
    for (const part of [1, 7, 63, 500]) expect(finds(text, part)).toEqual([only]);
  });

  it('is found in UTF-16', async () => {
    const bytes = Buffer.from(`\ufeffa\r\nb ${encode(token)}\r\n`, 'utf16le');
    const found: Find[] = [];
    const content = (async function* () {
      yield bytes;
    })();
    for await (const find of tokensIn(content, () => undefined)) found.push(find);
    expect(found).toEqual([expect.objectContaining({ line: 2, prefix })]);
  });

  it('is found anywhere in any kind of text, as often as it occurs', () => {
    const filler = fc.oneof(fc.string(), fc.base64String(), fc.constantFrom('%', '=', '\\', '&#', '=\n', ' lks_live_'));
    fc.assert(
      fc.property(
        fc.array(filler, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 100, max: 3_000 }),
        (words, part) => {
          const text = words.join(` ${encode(token)} `);
          expect(finds(text, part).filter((find) => find.prefix === prefix)).toHaveLength(words.length - 1);
        },
      ),
      { numRuns: 30, seed: 12 },
    );
  });

  it.each(['0', '95', '5F', 'a7', 'F00', 'x1', 'n', 'u00'])('is found if its lookup ID begins with %s', (start) => {
    expect(finds(`"value" ${encode(tokenOf('lk9_test', start))}\n`)).toHaveLength(1);
  });

  it('is not found if its checksum is wrong', () => {
    expect(finds(encode(`${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`))).toEqual([]);
  });
});

test('F12: the position is the first character of the token, even in base64', () => {
  for (let before = 0; before < 9; before++) {
    const [find] = finds(base64(`${'x'.repeat(before)} ${token}`));
    expect(find?.column).toBe(1 + Math.floor(((before + 1) * 4) / 3));
  }
  expect(finds(`${'a'.repeat(10)}\n${wrapped(base64(`${'x'.repeat(60)} ${token}`))}`)).toEqual([
    { line: 3, column: 5 + Math.floor((61 * 4) / 3) - 64, prefix },
  ]);
});

test("F12: keeps fewer than 8 characters of a token's secret", () => {
  const secret = token.slice('lk9_test_'.length + 16);
  for (const [, encode] of ENCODINGS) {
    const told = JSON.stringify(finds(encode(token)));
    for (let at = 0; at + 8 <= secret.length; at++) expect(told).not.toContain(secret.slice(at, at + 8));
  }
});

test('F12: the work for a text is linear in its length, whatever it contains', () => {
  const hostile = [
    '%25',
    '&#',
    '\\u00',
    '=\n',
    '\\',
    'bGl2',
    base64(base64('live')),
    base64('live '),
    'dGVzd',
    'A',
    '_live_',
  ];
  for (const word of hostile) {
    // 512 kB in which each character can start a match.
    const text = word.repeat(Math.ceil(524_288 / word.length));
    expect(finds(text)).toEqual([]);
  }
});
