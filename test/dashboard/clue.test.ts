import { hash } from 'node:crypto';
import fc from 'fast-check';
import { digested, isLookedUp, reduce } from '../../src/dashboard/keys/reducedClue.js';
import { mintToken } from '../../src/core/keys/token.js';

const { token, tokenPrefix, lookupId, secret } = mintToken('lks', 'LIVE');
const shown = `${tokenPrefix}_${lookupId}`;

test.each([
  ['the token', token],
  ['spaces around it', `  ${token}\n`],
  ['quotes', `"${token}"`],
  ['curly quotes', `“${token}”,`],
  ['Bearer before it', `Bearer ${token}`],
  ['a whole header', `Authorization: Bearer ${token}`],
  ['a command', `curl -H 'X-API-Key: ${token}' https://api.example.com/graphql`],
  ['JSON', `{"token":"${token}"}`],
  ['an assignment', `LATCHKEY_API_KEY=${token}`],
  ['a line break in it', `${token.slice(0, 40)}\n${token.slice(40)}`],
  ['short lines', token.replace(/.{12}/g, '$&\n')],
  ['an invisible character in it', `${token.slice(0, 12)}\u200B${token.slice(12)}`],
  ['its last characters missing', token.slice(0, 45)],
  ['one character too many', `${token}x`],
])('U4: reduces a token with %s to its prefix and lookup ID', (_, text) => {
  expect(reduce(text)).toEqual({ text: shown, kind: 'token' });
});

test('U4: reads prefixes, lookup ids and key ids with text around them', () => {
  expect(reduce(`the key “${token.slice(0, 15)}…” leaked`)).toEqual({ text: token.slice(0, 15), kind: 'token' });
  expect(reduce('Bearer lks_live_ab***')).toEqual({ text: 'lks_live_ab', kind: 'token' });
  expect(reduce(`lookup id: ${lookupId}.`)).toEqual({ text: lookupId, kind: 'token' });
  const id = 'key_6mrPLr6oo6pkxhfv';
  expect(reduce(`https://keys.example/dashboard/keys/${id}?a=b`)).toEqual({ text: id, kind: 'token' });
  for (const text of [id, 'airflow', lookupId, 'lks_live_ab', `lookup id: ${lookupId}`])
    expect(isLookedUp(text)).toBe(true);
  for (const text of ['Nächtlicher Import', 'two words', 'n'.repeat(25)]) expect(isLookedUp(text)).toBe(false);
});

test.each(['key_6mrPLr6oo6pkxhfv', 'usr_6mrPLr6oo6pkXhfv', 'ws_6mrPLr6oo6pkXhfv', 'airflow', ''])(
  'U4: treats %j as an ID or a name, not as a token',
  (text) => expect(reduce(text)).toEqual({ text, kind: 'text' }),
);

test('U4: reduces the body of a token to its lookup ID', () => {
  expect(reduce(token.slice(tokenPrefix.length + 1))).toEqual({ text: lookupId, kind: 'token' });
});

test('U4: no part of a secret remains, however the token was copied', async () => {
  const minted = fc.constantFrom('lks', 'lkr', 'sk', 'acme1').map((prefix) => mintToken(prefix, 'TEST'));
  const noise = fc.constantFrom(
    '',
    ' ',
    '\n',
    '"',
    '\t',
    'Bearer ',
    "' -H '",
    'key=',
    '?token=',
    'lookup id: ',
    '%22',
    '…',
    'x',
  );
  const within = fc.constantFrom('', '\n', '  ', '\u00AD', '=\r\n', '\n> ', '-', '|', '…', '***', '_');
  await fc.assert(
    fc.asyncProperty(
      minted,
      noise,
      noise,
      fc.nat(70),
      within,
      fc.boolean(),
      async (mint, before, after, at, split, isPasted) => {
        const clue = reduce(before + mint.token.slice(0, at) + split + mint.token.slice(at) + after, isPasted);
        const sent =
          clue.kind === 'secret'
            ? ((await digested(clue))?.text ?? '')
            : clue.kind === 'refused'
              ? clue.problem
              : clue.text;
        for (let i = 0; i + 8 <= mint.secret.length; i++) expect(sent).not.toContain(mint.secret.slice(i, i + 8));
      },
    ),
    { numRuns: 1_000, seed: 11 },
  );
});

test('U4: replaces a token of another system with its digest, whatever is around it', async () => {
  const base62 = Array.from('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz');
  const letters = fc.string({ unit: fc.constantFrom(...base62), minLength: 32, maxLength: 64 });
  const start = fc.constantFrom('SG.', 'ghp_', 'glpat-', 'xoxb-', '');
  const around = fc.constantFrom(
    ['', ''],
    ['Bearer ', ''],
    ['API_KEY="', '"'],
    ['{"token":"', '"}'],
    ['https://x.example/?key=', '&a=b'],
  );
  await fc.assert(
    fc.asyncProperty(start, letters, around, async (prefix, random, [before = '', after = '']) => {
      fc.pre(/\d/.test(random) && /[a-z]/.test(random));
      const token = prefix + random;
      const clue = reduce(before + token + after, true);
      if (clue.kind !== 'secret') throw new Error(`${token} is not taken for a secret`);
      const { text } = (await digested(clue)) ?? { text: '' };
      expect(text).toContain(hash('sha256', token, 'hex'));
      expect(text).not.toContain(random.slice(0, 8));
      // The URL contains the text, which is read again on reload.
      expect(reduce(text)).toEqual({ text, kind: 'token' });
    }),
    { numRuns: 500, seed: 11 },
  );
});

test('U4: searches by digest for text that may be another system’s token', async () => {
  for (const text of [
    secret,
    `SG.${secret}`,
    '550e8400-e29b-41d4-a716-446655440000',
    `ghp_${secret}`,
    'ab'.repeat(32),
  ]) {
    expect(reduce(`Bearer "${text}"`)).toMatchObject({ kind: 'secret', clues: [], secrets: [text] });
  }
  const digest = `sha256:${'0a'.repeat(32)}`;
  expect(reduce(digest)).toEqual({ text: digest, kind: 'token' });
  const unreduced = { kind: 'secret', clues: [], secrets: [secret] } as const;
  expect(await digested(unreduced)).toEqual({ text: `sha256:${hash('sha256', secret, 'hex')}`, kind: 'token' });
});

test('U4: searches for the beginning of a pasted token as a token of another system too', async () => {
  const word = token.slice(0, 32);
  const clue = reduce(`STRIPE_KEY=${word}`, true);
  expect(clue).toEqual({ kind: 'secret', clues: [shown], secrets: [word] });
  expect(reduce(`STRIPE_KEY=${word}…`, true)).toEqual({ kind: 'token', text: shown });
  expect(reduce(word)).toEqual({ kind: 'token', text: shown });
});

test('U4: reports a wrong checksum, several tokens, and a missing token', () => {
  const mistyped = `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`;
  expect(reduce(mistyped)).toEqual({ text: shown, kind: 'token', isMistyped: true });
  const other = mintToken('lkc', 'TEST').token;
  const problems: [string, string][] = [
    [`${token}\n${other}`, 'The text has 2 tokens. Search for one at a time.'],
    ['Dear all, nothing in this long message looks like a token. '.repeat(3), 'There is no token in this text.'],
    ['x'.repeat(32_769), 'The text has more than 32768 characters.'],
  ];
  for (const [text, problem] of problems) {
    expect(reduce(text)).toEqual({ kind: 'refused', problem: expect.stringContaining(problem) });
  }
});

test.each([
  'airflow',
  'load_test_runner_eu',
  'load_test_productionbackendworkers ',
  'load_test_runner',
  'production-backend-2026-eu-west-1',
  'ProductionBackendServiceKey',
  'n'.repeat(100),
  'Nächtlicher Import für Kunden',
  'lks_live_Ab12Cd',
])('U4: does not change %j', (text) => {
  expect(reduce(text)).toMatchObject({ text });
});
