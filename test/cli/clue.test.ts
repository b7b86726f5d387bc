import fc from 'fast-check';
import { hash } from 'node:crypto';
import { clueInArgument, clueInToken } from '../../src/cli/commands/keys/clue.js';
import type { Failure } from '../../src/cli/exit.js';
import { mintToken } from '../../src/core/keys/token.js';

const { token, tokenPrefix, lookupId, secret } = mintToken('lks', 'LIVE');
const digestOf = (text: string): string => `sha256:${hash('sha256', text, 'hex')}`;
const FOREIGN = 'ghp_16C7e42F292c6912E7710c838347Ae178B4a';

test('U4: sends the lookup ID of a token, whatever text is around it', () => {
  const expected = { text: lookupId, warning: null };
  for (const line of [
    token,
    ` ${token} `,
    `API_KEY="${token}"`,
    `Authorization: Bearer ${token}`,
    `{"log":"key:\\n${token}"}`,
    `${token} ${token}`,
  ]) {
    expect([line, clueInToken(line)]).toEqual([line, expected]);
  }
});

test('U4: sends no character of the secret of a token that was cut or mistyped', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: `${tokenPrefix}_`.length + 1, max: token.length - 1 }),
      fc.constantFrom('', '…', '...'),
      (length, end) => {
        const { text } = clueInToken(token.slice(0, length) + end);
        const [beginning = '', ...digests] = text.split(' ');
        expect(beginning).toBe(`${tokenPrefix}_${lookupId}`.slice(0, length));
        // Text that was cut without a mark may be a token of another system.
        expect(digests).toEqual(
          end === '' && length > `${tokenPrefix}_${lookupId}`.length ? [digestOf(token.slice(0, length))] : [],
        );
      },
    ),
    { seed: 11 },
  );
  const mistyped = `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`;
  expect(clueInToken(mistyped)).toEqual({
    text: lookupId,
    warning: 'The checksum of the token is wrong. It may be mistyped or incomplete.',
  });
});

test('U4: sends the SHA-256 of a token of another system, whatever text is around it', () => {
  for (const text of [FOREIGN, 'hunter2', 'short1', 'ab'.repeat(32), 'correct-horse-battery-staple']) {
    expect([text, clueInToken(text).text]).toEqual([text, digestOf(text)]);
  }
  for (const line of [
    `Authorization: Bearer ${FOREIGN}`,
    `API_KEY="${FOREIGN}"`,
    `api_key: ${FOREIGN}`,
    `curl -H 'X-API-Key: ${FOREIGN}' https://api.example.com/graphql`,
    `https://api.example.com/graphql?key=${FOREIGN}&page=2`,
  ]) {
    expect([line, clueInToken(line).text]).toEqual([line, digestOf(FOREIGN)]);
  }
});

test('U4: sends no part of standard input except what identifies a key', () => {
  const word =
    /^(?:sha256:[0-9a-f]{64}|(?:[a-z][a-z0-9]{0,9}_(?:live|test)_)?[0-9A-Za-z]{0,16}…?|(?:key|conf)_[0-9A-Za-z]{1,32})$/;
  const part = fc.oneof(
    fc.string({ maxLength: 40 }),
    fc.constantFrom(token, token.slice(0, 30), FOREIGN, 'Bearer ', '\n', '=\r\n', '%3D', '"', 'lks_live_', 'token: '),
  );
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 8 }), (parts) => {
      let text: string;
      try {
        ({ text } = clueInToken(parts.join('')));
      } catch (error) {
        text = (error as Failure).message;
        expect(text).not.toContain(FOREIGN);
      }
      for (let i = 0; i + 8 <= secret.length; i++) expect(text).not.toContain(secret.slice(i, i + 8));
      if (!text.includes('. ')) for (const one of text.split(' ')) expect(one).toMatch(word);
    }),
    { numRuns: 1_000, seed: 11 },
  );
});

test('U4: refuses text on standard input that has no token, and lists what it accepts', () => {
  for (const text of ['with blanks', 'ключ', '🔑', 'no', 'lks_live', 'Cannot read properties of undefined']) {
    expect(() => clueInToken(text)).toThrow(
      'Standard input has no token. Write a token or its beginning (lks_live_Ab12Cd)',
    );
  }
  expect(() => clueInToken('a '.repeat(50_000))).toThrow('more than 32768 characters');
});

test('U4: refuses two tokens without repeating them', () => {
  const other = mintToken('lkc', 'TEST');
  expect(() => clueInToken(`${token} ${other.token}`)).toThrow('The text has 2 tokens. Search for one at a time.');
});

test('U4: accepts prefixes, lookup IDs and key IDs as an argument, even with text around them', () => {
  for (const text of [
    `${tokenPrefix}_${lookupId.slice(0, 6)}`,
    `${tokenPrefix}_${lookupId}`,
    lookupId,
    'key_7Hq2mZ0aV9tR4xYb',
    `sha256:${'0a'.repeat(32)}`,
  ]) {
    expect(clueInArgument(` ${text} `)).toEqual({ text, warning: null });
  }
  const shown = `${tokenPrefix}_${lookupId.slice(0, 6)}`;
  for (const text of [`${shown}…`, `"${shown}"`, `Bearer ${shown}***`]) expect(clueInArgument(text).text).toBe(shown);
});

test('U4: takes each kind of lookup ID on standard input for one, and a short password for a token', () => {
  for (const id of ['aghCDLfoVyGcQUjn', '0a1B2c3D4e5F6071', 'A7KQ2ZX9VB4MTW8R', 'a7kq2zx9vb4mtw8r'])
    expect(clueInToken(`${id}\n`)).toEqual({ text: id, warning: null });
  for (const word of ['correcthorsebatt', 'CorrectHorseBatt', '1234567890123456'])
    expect(clueInToken(word).text).toBe(digestOf(word));
});

test('U4: sends a word with the length of a lookup ID, both next to other clues and as a guess in an argument', () => {
  const digest = `sha256:${'0a'.repeat(32)}`;
  expect(clueInArgument(`${digest} findMatchingKeys`)).toEqual({ text: `${digest} findMatchingKeys`, warning: null });
  const guess = { text: 'findMatchingKeys', warning: null, isGuess: true };
  expect(clueInArgument('the findMatchingKeys again')).toEqual(guess);
});

test('U4: accepts a part of a name as an argument, and a single word as the prefix of an imported key', () => {
  for (const text of ['Airflow production 2026 EU-West', 'airflow-production-eu-west-1-loader', 'Nächtlicher Import']) {
    expect(clueInArgument(text)).toEqual({ text: '', warning: null });
  }
  expect(clueInArgument('airflow-eu')).toEqual({ text: 'airflow-eu', warning: null, isGuess: true });
});

test('U4: refuses an argument with a part of a secret, without repeating it', () => {
  for (const text of [token, token.slice(0, -1), token.slice(0, 30), FOREIGN, `Bearer ${FOREIGN}`, 'ab'.repeat(32)]) {
    let message = '';
    try {
      clueInArgument(text);
    } catch (error) {
      message = (error as Error).message;
    }
    expect([text, message]).toEqual([text, expect.stringContaining('latchkey keys find - < token.txt')]);
    expect(message).not.toContain(secret.slice(0, 6));
    expect(message).not.toContain(FOREIGN);
  }
  expect(() => clueInArgument(' ')).toThrow('The text to find is empty.');
});
