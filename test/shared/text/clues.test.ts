import { hash } from 'node:crypto';
import fc from 'fast-check';
import { mintToken } from '../../../src/core/keys/token.js';
import { cluesIn, MAX_TEXT } from '../../../src/shared/text/clues/clues.js';
import { checksum } from '../../../src/shared/text/checksum.js';
import { CODE_POINT } from '../../support/codePoint.js';

const tokenPrefix = 'lks_live';
const lookupId = 'Zq7xVb2Kd9Rt4LmW';
const token = completed(`${tokenPrefix}_${lookupId}${'p8Yc3HnJ6sTfXw5G'.repeat(2)}`);
const SENDGRID = `SG.${token.slice(9, 31)}.${token.slice(12, 55)}`;
const BASE64 = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY+w==';
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const whole = { state: 'whole', lookup: lookupId };

const AROUND: readonly (readonly [string, (token: string) => string])[] = [
  ['nothing', (one) => one],
  ['a header', (one) => `Authorization: Bearer ${one}`],
  ['a header of the proxy', (one) => `x-api-key:${one}`],
  ['a variable', (one) => `export API_KEY="${one}";`],
  ['an env file', (one) => `PORT=4000\nAPI_KEY=${one}\nLOG=debug`],
  ['JSON', (one) => JSON.stringify({ user: 'ada', credentials: { token: one } })],
  ['JSON in JSON', (one) => JSON.stringify({ log: JSON.stringify({ token: one }) })],
  ['YAML', (one) => `api:\n  key: ${one}\n  retries: 3\n`],
  ['quoted YAML', (one) => `- { name: API_KEY, value: '${one}' }`],
  [
    'a command',
    (one) => `curl -sS -H 'Authorization: Bearer ${one}' https://api.example.com/graphql -d '{"query":"{ a }"}'`,
  ],
  ['an option', (one) => `deploy --api-key ${one} --region eu-west-1`],
  ['a URL', (one) => `https://api.example.com/graphql?key=${encodeURIComponent(one)}&page=2#top`],
  [
    'a URL in a URL',
    (one) => `https://x.example/?to=${encodeURIComponent(`https://y.example/?key=${encodeURIComponent(one)}`)}`,
  ],
  ['a user of a URL', (one) => `https://ci:${encodeURIComponent(one)}@git.example.com/repo.git`],
  ['percent-encoding', (one) => Array.from(`key=${one}`, (c) => (/\w/.test(c) && c !== '_' ? c : encode(c))).join('')],
  ['Basic credentials', (one) => `Authorization: Basic ${base64(`ci:${one}`)}`],
  ['a secret of Kubernetes', (one) => `data:\n  token: ${base64(one)}\n`],
  ['quoted-printable', (one) => `token=3D${one.slice(0, 31)}=\r\n${one.slice(31)}\r\n\r\nRegards`],
  ['a quoted e-mail', (one) => `> our key is\n> ${one.slice(0, 31)}\n> ${one.slice(31)}\n>\n> Please revoke it.`],
  ['a wrapped e-mail', (one) => `Please revoke the key ${one.slice(0, 31)}\n${one.slice(31)} today.`],
  ['HTML', (one) => `<p>token: <code>${one}</code>&nbsp;</p>`],
  ['Markdown', (one) => `the key **${one.replaceAll('_', '\\_')}** leaked`],
  ['typographic quotes', (one) => `the key “${one}”, which leaked…`],
  ['soft hyphens', (one) => `the key ${one.slice(0, 20)}\u00AD${one.slice(20)}`],
  ['UTF-16', (one) => Buffer.from(`token: ${one}`, 'utf16le').toString('latin1')],
];

function completed(text: string): string {
  return text + checksum(text);
}

function encode(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

test.each(AROUND)('U4: finds a token with %s around it, and one of another system', (_, around) => {
  expect(cluesIn(around(token)).own).toMatchObject([whole]);
  for (const foreign of [SENDGRID, 'ghp_16C7e42F292c6912E7710c838347Ae178B4a', 'z8Kq4LmX2pWv7TnBsRdY']) {
    expect([around(foreign), cluesIn(around(foreign)).secrets]).toEqual([
      around(foreign),
      expect.arrayContaining([foreign]),
    ]);
  }
});

test('U4: finds a token in base64 with slashes and padding', () => {
  for (const text of [
    BASE64,
    `SECRET=${BASE64}`,
    `"token": "${BASE64}"`,
    `https://x.example/?key=${encodeURIComponent(BASE64)}`,
  ]) {
    expect([text, cluesIn(text).secrets]).toEqual([text, expect.arrayContaining([BASE64])]);
  }
});

test.each([
  ['lks_live_Ab12…', 'Ab12'],
  ['Bearer lks_live_ab***', 'ab'],
  ['key "lks_live_Ab12Cd" was used', 'Ab12Cd'],
  ["'lks_live_Ab12Cd...'", 'Ab12Cd'],
  ['lks_live_Ab12****wxyz', 'Ab12'],
  ['lks_live_Ab12XXXXXXXXXXXX', 'Ab12'],
  ['{"prefix":"lks_live_Ab12Cd"}', 'Ab12Cd'],
  ['prefix: lks_live_Ab12Cd, name: airflow', 'Ab12Cd'],
  ['(lks_live_Ab12Cd34Ef56Gh78Ij90)', 'Ab12Cd34Ef56Gh78'],
  ['?prefix=lks%5Flive%5FAb12Cd', 'Ab12Cd'],
])('U4: finds the beginning of a token in %j', (text, lookup) => {
  expect(cluesIn(text).own).toMatchObject([{ state: 'beginning', tokenPrefix: 'lks_live', lookup }]);
});

test.each(['sk', 'ck', 'rk'])('finds tokens with the earlier default prefix %s, and parts of them', (prefix) => {
  const legacy = mintToken(prefix, 'LIVE');
  const body = legacy.token.slice('sk_live_'.length);
  const found = { lookup: legacy.lookupId, isCertain: true };
  expect(cluesIn(`key=${legacy.token}`).own).toMatchObject([{ ...found, state: 'whole' }]);
  expect(cluesIn(`the body ${body} alone`).own).toMatchObject([{ ...found, state: 'whole', tokenPrefix: null }]);
  expect(cluesIn(`log: ${prefix}_test_abcdE`).own).toMatchObject([{ lookup: 'abcdE', isCertain: true }]);
});

test('U4: finds lookup IDs, key IDs and digests with text around them', () => {
  for (const text of [lookupId, `lookup ID: ${lookupId}`, `{"lookupId":"${lookupId}"}`, `(lookup id ${lookupId}).`]) {
    expect([text, cluesIn(text)]).toEqual([text, expect.objectContaining({ lookups: [lookupId], secrets: [] })]);
  }
  // Words of log lines with all three kinds of characters, as most lookup IDs are.
  expect(cluesIn('key Ab12Cd34Ef56Gh78 was refused').lookups).toEqual(['Ab12Cd34Ef56Gh78']);
  for (const text of ['key_7Hq2mZ0aV9tR4xYb', 'id=key_7Hq2mZ0aV9tR4xYb,', '/dashboard/keys/key_7Hq2mZ0aV9tR4xYb?a=b']) {
    expect(cluesIn(text).ids).toEqual(['key_7Hq2mZ0aV9tR4xYb']);
  }
  const digest = hash('sha256', token, 'hex');
  const inBase64 = hash('sha256', token, 'base64');
  for (const text of [
    `sha256:${digest}`,
    `SHA-256=${digest.toUpperCase()}`,
    `sha256-${inBase64}`,
    `(sha256:${digest}).`,
  ]) {
    expect([text, cluesIn(text)]).toEqual([text, expect.objectContaining({ digests: [digest], secrets: [] })]);
  }
});

test.each([
  'not a token',
  'Cannot read properties of undefined (reading "apiKeys")',
  'the lks_live_ prefix',
  'api_key_id = 5; key_identifier',
  'production backend for customers 2026',
  'lookup failed',
  'token: none',
  'ключ',
  'GET /graphql?page=2&size=100 HTTP/1.1',
])('U4: finds nothing in %j', (text) => {
  expect(cluesIn(text)).toEqual({ own: [], ids: [], lookups: [], names: [], digests: [], secrets: [], word: null });
});

test('U4: tells a whole token, a mistyped one and several apart', () => {
  const mistyped = `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`;
  expect(cluesIn(`key: ${mistyped}`).own).toMatchObject([{ state: 'mistyped', lookup: lookupId }]);
  expect(cluesIn(`${token}x`).own).toMatchObject([whole]);
  expect(cluesIn(`${token} ${token.slice(0, 14)}… ${token.slice(8)}`).own).toMatchObject([whole]);
  expect(cluesIn(`run_test_Suite2 ${token}`).own).toMatchObject([{ ...whole, tokenPrefix }]);
  expect(cluesIn(`${token}${mintToken('acme', 'TEST').token}`).own).toHaveLength(2);
});

test('U4: finds a token in any text, and never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: CODE_POINT, maxLength: 300 }), fc.string({ maxLength: 60 }), (before, after) => {
      const found = cluesIn(`${before} ${token}"${after}`).own;
      expect(found.map(({ lookup }) => lookup)).toContain(lookupId);
      cluesIn(before + after);
    }),
    { numRuns: 500, seed: 11 },
  );
});

test.each([
  // No digits, no capitals, no small letters, digits at the beginning.
  'aghCDLfoVyGcQUjn',
  'a7kq2zx9vb4mtw8r',
  'A7KQ2ZX9VB4MTW8R',
  '0a1B2c3D4e5F6071',
])('U4: finds the lookup ID %s in a text', (id) => {
  const digest = `sha256:${'0a'.repeat(32)}`;
  for (const text of [`${digest} ${id}`, `${id}, ${digest}`, `refused\\n${id}\\nagain`, `${id}\n${id}\nrefused`]) {
    expect([text, cluesIn(text)]).toEqual([text, expect.objectContaining({ lookups: [id], names: [], secrets: [] })]);
  }
});

test.each(['findMatchingKeys', 'responsibilities', 'parseXMLDocument', '2026113000000000', '550e8400e29b41d4'])(
  'U4: takes %s for a name, which may be a lookup ID',
  (word) => {
    const found = cluesIn(`the ${word} again`);
    expect(found).toMatchObject({ lookups: [], names: [word], secrets: [] });
  },
);

test('U4: finds a token and a secret that begin like an encoded character', () => {
  const acme = completed(`acme_live_${lookupId}${'p8Yc3HnJ6sTfXw5G'.repeat(2)}`);
  expect(cluesIn(`https://x.example/?key=${acme.replaceAll('_', '%5F')}`).own).toMatchObject([
    { state: 'whole', tokenPrefix: 'acme_live', lookup: lookupId },
  ]);
  const secret = 'ab3F/K7MDENG/bPxRfiCYz8Kq4LmX2pWv7TnBsRdYEXAMPLEKEY';
  expect(cluesIn(`https://x.example/?key=${encodeURIComponent(secret)}`).secrets).toContain(secret);
});

test('U4: takes no part of a secret for a lookup ID', () => {
  for (const text of [
    `${token.slice(0, 24)}\n${token.slice(24, 40)}`,
    `${token.slice(0, 20)} ${token.slice(20, 36)}`,
  ]) {
    expect(cluesIn(text)).toMatchObject({ lookups: [], names: [] });
  }
});

/** A backtracking expression would take minutes. The timeout of the test is the bound. */
test('U4: reads 100 kB of hostile text', () => {
  const parts = [
    '_live_',
    'a_live_ ',
    '%25',
    '=\r\n',
    '\\u005f',
    'a1B2c3d4e5\n',
    'key="',
    'lookup id ',
    'sha256:',
    '?a=b',
    '>',
    ' ',
  ];
  const more = [
    'lks_live_Ab12 ',
    `lks_live_${'A'.repeat(54)}`,
    'key_Aa',
    '&amp;',
    '<wbr',
    'Bearer ',
    '--token ',
    '*',
    'x',
    '…',
    '/:@=',
  ];
  for (const part of [...parts, ...more]) {
    const found = cluesIn(part.repeat(Math.ceil(100_000 / part.length)));
    expect(found.secrets.length).toBeLessThanOrEqual(33);
    for (const list of [found.ids, found.lookups, found.digests]) expect(list.length).toBeLessThan(MAX_TEXT / 8);
  }
});

test('the checksum is the CRC32 that tokens have had from the beginning', () => {
  expect(checksum('')).toBe('000000');
  // The check value of CRC32 (ISO 3309): cbf43926.
  expect(checksum('123456789')).toBe('3jZRME');
});
