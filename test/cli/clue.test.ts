import fc from 'fast-check';
import { hash } from 'node:crypto';
import { clueInArgument, clueInToken } from '../../src/cli/commands/keys/clue.js';
import { mintToken } from '../../src/keys/token.js';

const { token, tokenPrefix, lookupId, secret } = mintToken('sk', 'LIVE');
const FOREIGN = 'ghp_16C7e42F292c6912E7710c838347Ae178B4a';

test('U4: sends the lookup ID of a token, whatever stands around it', () => {
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
    fc.property(fc.integer({ min: 9, max: token.length - 1 }), fc.constantFrom('', '…', '...'), (length, end) => {
      const { text } = clueInToken(token.slice(0, length) + end);
      expect(`${tokenPrefix}_${lookupId}`.startsWith(text)).toBe(true);
      expect(text.length).toBe(Math.min(length, `${tokenPrefix}_${lookupId}`.length));
    }),
    { seed: 11 },
  );
  const mistyped = `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`;
  expect(clueInToken(mistyped)).toEqual({
    text: lookupId,
    warning: 'The checksum of the token is wrong. It may be mistyped or incomplete.',
  });
});

test('U4: sends the SHA-256 of every other text on standard input', () => {
  for (const text of [FOREIGN, 'hunter2', 'short1', 'with blanks', 'ключ']) {
    expect(clueInToken(text).text).toBe(`sha256:${hash('sha256', text, 'hex')}`);
  }
  fc.assert(
    fc.property(fc.string({ minLength: 8, maxLength: 300 }), (text) => {
      fc.pre(text.trim().length >= 8 && !/^(key|conf)_|^[a-z][a-z0-9]*_(live|test)_|^[0-9a-f]{64}$/.test(text.trim()));
      expect(clueInToken(text).text).toMatch(/^sha256:[0-9a-f]{64}$/);
    }),
    { seed: 11 },
  );
});

test('U4: refuses two tokens in one line, and repeats neither', () => {
  const other = mintToken('ck', 'TEST');
  expect(() => clueInToken(`${token} ${other.token}`)).toThrow('Standard input has 2 tokens in its first line.');
});

test('U4: accepts names, prefixes, lookup IDs and key IDs as an argument', () => {
  for (const text of [
    'airflow',
    'Airflow production 2026 EU-West',
    'airflow-production-eu-west-1-loader',
    `${tokenPrefix}_${lookupId.slice(0, 6)}`,
    `${tokenPrefix}_${lookupId}`,
    lookupId,
    'key_7Hq2mZ0aV9tR4xYb',
    `sha256:${'0a'.repeat(32)}`,
  ]) {
    expect(clueInArgument(` ${text} `)).toBe(text);
  }
});

test('U4: refuses an argument with a part of a secret, without repeating it', () => {
  for (const text of [token, token.slice(0, -1), token.slice(0, 30), FOREIGN]) {
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
