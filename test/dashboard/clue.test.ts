import { hash } from 'node:crypto';
import fc from 'fast-check';
import { digestOf, reduce } from '../../src/dashboard/keys/clue.js';
import { mintToken } from '../../src/keys/token.js';

const { token, tokenPrefix, lookupId, secret } = mintToken('sk', 'LIVE');
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
])('U4: reduces a token with %s to its prefix and lookup id', (_, text) => {
  expect(reduce(text)).toEqual({ text: shown, kind: 'token' });
});

test('U4: reduces the body of a token to its lookup id', () => {
  expect(reduce(token.slice(tokenPrefix.length + 1))).toEqual({ text: lookupId, kind: 'token' });
});

test('U4: no part of a secret passes, however the token was copied', () => {
  const minted = fc.constantFrom('sk', 'rk', 'acme1').map((prefix) => mintToken(prefix, 'TEST'));
  const noise = fc.constantFrom('', ' ', '\n', '"', '\t', 'Bearer ', "' -H '", 'key=');
  fc.assert(
    fc.property(
      minted,
      noise,
      noise,
      fc.nat(70),
      fc.constantFrom('', '\n', '  ', '\u00AD'),
      (mint, before, after, at, within) => {
        const clue = reduce(before + mint.token.slice(0, at) + within + mint.token.slice(at) + after);
        if (clue.kind === 'secret') return;
        for (let i = 0; i + 8 <= mint.secret.length; i++) expect(clue.text).not.toContain(mint.secret.slice(i, i + 8));
      },
    ),
    { numRuns: 2_000 },
  );
});

test('U4: searches by digest for text that may be another system’s token', async () => {
  for (const text of [secret, `SG.${secret}`, '550e8400-e29b-41d4-a716-446655440000', `ghp_${secret}`]) {
    expect(reduce(`Bearer "${text}"`)).toEqual({ kind: 'secret', secret: text });
  }
  const digest = `sha256:${'0a'.repeat(32)}`;
  expect(reduce(digest)).toEqual({ text: digest, kind: 'token' });
  expect(await digestOf(secret)).toEqual({ text: `sha256:${hash('sha256', secret, 'hex')}`, kind: 'token' });
});

test.each([
  'airflow',
  'load_test_runner_eu',
  'load_test_productionbackendworkers ',
  'production-backend-2026-eu-west-1',
  'ProductionBackendServiceKey',
  'n'.repeat(100),
  'Nächtlicher Import für Kunden',
  'key_6mrPLr6oo6pkxhfv',
  'sk_live_Ab12Cd',
  '',
])('U4: leaves %j as it is', (text) => {
  expect(reduce(text)).toMatchObject({ text });
});
