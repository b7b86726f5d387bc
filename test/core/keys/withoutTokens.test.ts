import { withoutTokens } from '../../../src/core/keys/withoutTokens.js';
import { mintToken } from '../../../src/core/keys/token.js';

const { token } = mintToken('lks', 'LIVE');
const earlier = mintToken('sk', 'LIVE').token;

test.each(['\n', '\t', '\r', '\u0001', '"', '\\', ' ', ''])(
  'replaces a token behind %j in extensions and the message',
  (before) => {
    for (const secret of [token, earlier]) {
      const given = {
        message: `a ${secret}`,
        extensions: { code: 'X', at: [{ detail: `x${before}${before && secret}` }], [secret]: 1 },
      };
      const told = withoutTokens(given);
      expect(JSON.stringify(told)).not.toContain(secret);
      expect(told).toMatchObject({ message: 'a [key]', extensions: { code: 'X' } });
      if (before !== '')
        expect(told.extensions).toEqual({ code: 'X', at: [{ detail: `x${before}[key]` }], '[key]': 1 });
    }
  },
);

test('returns an error without tokens as it is', () => {
  const error = { message: 'No.', extensions: { code: 'X', n: 1.5, list: [null, true, 'a\nb'] } };
  expect(withoutTokens(error)).toBe(error);
});

test('keeps only the code of extensions that cannot be serialized', () => {
  const extensions: Record<string, unknown> = { code: 'X' };
  extensions.self = extensions;
  expect(withoutTokens({ message: 'No.', extensions })).toEqual({ message: 'No.', extensions: { code: 'X' } });
});
