import fc from 'fast-check';
import { DEFAULT_PREFIXES, isToken, mintToken, TOKEN_PATTERN } from '../../src/core/keys/token.js';
import { documentOf } from '../support/session.js';

const page = documentOf('docs/how-to/scan-for-leaked-keys.md');
const gitleaks = /```toml\n(.*?)```/s.exec(page)?.[1] ?? '';
const partner = new RegExp(/^acme\[scr\].*$/m.exec(page)?.[0] ?? '', 'g');

/** The values for GitHub's form in the page's table, by field. */
const form = new Map(
  [...page.matchAll(/^\| (.+?) \| `(.+)` \|$/gm)].map(([, field = '', value = '']) => [
    field,
    value.replaceAll('\\|', '|'),
  ]),
);

const VALUE = /^(?:"[^"\\]*"|'''[^\n]*?'''|\d+|true|false|\[(?:"[^"\\]*"(?:, )?)+\])$/;

/** Reads the TOML that the rule uses: tables, arrays of tables, and values on one line. Other text is an error. */
function tomlOf(text: string): Map<string, string> {
  const values = new Map<string, string>();
  let table = '';
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const header = /^\[\[?([a-z]+)\]\]?$/.exec(line)?.[1];
    const [, key, value = ''] = /^(\w+) = (.+)$/.exec(line) ?? [];
    if (header !== undefined) table = `${header}.`;
    else if (key === undefined || !VALUE.test(value)) throw new Error(`This is not TOML: ${line}`);
    else if (values.has(table + key)) throw new Error(`${table + key} is defined twice.`);
    else values.set(table + key, value);
  }
  return values;
}
const rule = tomlOf(gitleaks);
const regex = new RegExp((rule.get('rules.regex') ?? '').slice(3, -3), 'g');

/** As gitleaks does: a text without a keyword is not searched, and the secret is a group of the match. */
function gitleaksFinds(text: string): string[] {
  const keywords = JSON.parse(rule.get('rules.keywords') ?? '[]') as string[];
  if (!keywords.some((keyword) => text.toLowerCase().includes(keyword))) return [];
  return [...text.matchAll(regex)].map((match) => match[Number(rule.get('rules.secretGroup'))] ?? '');
}

/** As GitHub does for a custom pattern: the text around the secret is part of the expression. */
function githubFinds(text: string): string[] {
  const [before = '', secret = '', after = ''] = ['Before secret', 'Secret format', 'After secret'].map((field) =>
    form.get(field)?.replace('\\A', '^').replace('\\z', '$'),
  );
  const custom = new RegExp(`(?:${before})(${secret})(?=${after})`, 'g');
  return [...text.matchAll(custom)].map((match) => match[1] ?? '');
}

const DEFAULTS = Object.values(DEFAULT_PREFIXES);
/** The prefixes that the page sets before it registers them with GitHub. */
const own = [...(/`KEY_PREFIXES=(.+?)`/.exec(page)?.[1] ?? '').matchAll(/:(\w+)/g)].map(([, one = '']) => one);

const tokenOf = (prefixes: readonly string[]) =>
  fc
    .tuple(fc.constantFrom(...prefixes), fc.constantFrom('LIVE', 'TEST'))
    .map(([type, env]) => mintToken(type, env).token);
const around = [
  (one: string) => one,
  (one: string) => `KEY=${one}\n`,
  (one: string) => `Authorization: Bearer ${one}`,
  (one: string) => `{"token":"${one}"}`,
  (one: string) => `curl 'https://api.example.com/?key=${one}&page=2'`,
];

const partnerFinds = (text: string): string[] => text.match(partner) ?? [];

describe.each([
  { finds: gitleaksFinds, prefixes: DEFAULTS },
  { finds: githubFinds, prefixes: DEFAULTS },
  { finds: partnerFinds, prefixes: own },
])('the pattern of $finds.name', ({ finds, prefixes }) => {
  it('matches generated tokens of each prefix in text', () => {
    fc.assert(
      fc.property(tokenOf(prefixes), fc.constantFrom(...around), (one, write) => {
        expect(finds(write(one))).toEqual([one]);
        expect(isToken(one)).toBe(true);
      }),
    );
  });

  it('rejects near misses', () => {
    const [prefix = ''] = prefixes;
    const { token: one } = mintToken(prefix, 'LIVE');
    const misses = [
      one.slice(0, -1),
      one.slice(1),
      one.replace(prefix, `${prefix.slice(0, -1)}x`),
      one.replace('_live_', '_prod_'),
      one.replace('_live_', '-live-'),
      one.toUpperCase(),
      `${one.slice(0, 30)}-${one.slice(31)}`,
      `${one.slice(0, 30)} ${one.slice(30)}`,
      // A key of another company.
      `sk_live_${'4eC39HqLyjWDarjtT1zdp7dc'.repeat(2)}`,
    ];
    for (const miss of misses) expect([miss, finds(miss)]).toEqual([miss, []]);
  });
});

test('the pattern for the partner program does not match the keys of other installations', () => {
  expect(own).toHaveLength(DEFAULTS.length);
  for (const prefix of DEFAULTS) expect(partnerFinds(mintToken(prefix, 'LIVE').token)).toEqual([]);
});

test('gitleaks and GitHub ignore a longer word that begins like a token', () => {
  const { token: one } = mintToken('lkc', 'TEST');
  expect([gitleaksFinds(`${one}x`), githubFinds(`${one}x`), githubFinds(`x${one}`)]).toEqual([[], [], []]);
});

test('gitleaks finds a token after an escape, and two tokens in a line', () => {
  const [a, b] = [mintToken('lks', 'LIVE').token, mintToken('lkr', 'TEST').token];
  expect(gitleaksFinds(`{"log":"a\\n${a}"}`)).toEqual([a]);
  expect(gitleaksFinds(`${a} ${b}`)).toEqual([a, b]);
});

test('the rule has the fields that gitleaks requires, and one keyword for each default prefix', () => {
  expect([...rule.keys()]).toEqual([
    'title',
    'extend.useDefault',
    'rules.id',
    'rules.description',
    'rules.regex',
    'rules.secretGroup',
    'rules.keywords',
  ]);
  expect(JSON.parse(rule.get('rules.keywords') ?? '')).toEqual(DEFAULTS.map((one) => `${one}_`));
});

test('no pattern uses look-around or back-references, which RE2 and Hyperscan do not support', () => {
  for (const { source } of [regex, partner, new RegExp(form.get('Secret format') ?? '')]) {
    expect(source).not.toMatch(/\(\?[=!<]|\\[1-9]/);
  }
});

test('the page shows the expression for every prefix', () => {
  expect(page).toContain(`\n${TOKEN_PATTERN.source}\n`);
});

/** The checksum, as the page describes it, without the code of the product. */
function describedChecksum(text: string): string {
  let crc = 0xffffffff;
  for (const byte of Buffer.from(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  let rest = (crc ^ 0xffffffff) >>> 0;
  let written = '';
  for (; rest > 0; rest = Math.floor(rest / 62)) written = digits.charAt(rest % 62) + written;
  return written.padStart(6, '0');
}

test('the description of the checksum is right', () => {
  expect(page).toContain('the CRC32 (ISO 3309) of all characters before them');
  fc.assert(fc.property(tokenOf(DEFAULTS), (one) => expect(one.slice(-6)).toBe(describedChecksum(one.slice(0, -6)))));
});
