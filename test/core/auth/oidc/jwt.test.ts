import fc from 'fast-check';
import { SignJWT } from 'jose';
import { randomBytes } from 'node:crypto';
import { looksLikeJwt, MAX_JWT_LENGTH } from '../../../../src/core/auth/oidc/jwt.js';
import { mintToken } from '../../../../src/core/keys/token.js';

const part = (fields: unknown): string => Buffer.from(JSON.stringify(fields)).toString('base64url');

test.each([
  ['a signed one', `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ sub: 'a' })}.c2ln`],
  ['one that is not signed (RFC 7519 section 6)', `${part({ alg: 'none' })}.${part({ sub: 'a' })}.`],
  ['one with white space in its header', `${Buffer.from(' {\n"alg" : "x" }').toString('base64url')}.e30.c2ln`],
  ['one whose claims are none', `${part({ alg: 'RS256' })}.AAAA.c2ln`],
  ['the longest', `${part({ alg: 'a' })}.e30.`.padEnd(MAX_JWT_LENGTH, 'A')],
])('%s is a JWT', (_, text) => {
  expect(looksLikeJwt(text)).toBe(true);
});

test.each([
  ['nothing', ''],
  ['two parts', `${part({ alg: 'RS256' })}.e30`],
  ['an encrypted one, in five parts', `${part({ alg: 'dir', enc: 'A256GCM' })}..a.b.c`],
  ['a header without alg', `${part({ typ: 'JWT' })}.e30.c2ln`],
  ['a header whose alg is no text', `${part({ alg: 1 })}.e30.c2ln`],
  ['a header that is a list', `${part(['alg'])}.e30.c2ln`],
  ['a header that is null', `${part(null)}.e30.c2ln`],
  ['a header that is no JSON', 'AAAA.e30.c2ln'],
  ['parts in base64 with padding', `${part({ alg: 'RS256' })}=.e30.c2ln`],
  ['white space after it', `${part({ alg: 'RS256' })}.e30.c2ln\n`],
  ['a host name', 'api.example.com'],
  ['one too long', `${part({ alg: 'a' })}.e30.`.padEnd(MAX_JWT_LENGTH + 1, 'A')],
])('%s is not a JWT', (_, text) => {
  expect(looksLikeJwt(text)).toBe(false);
});

test('never throws, and never recognizes a Latchkey token as a JWT', () => {
  const text = fc.oneof(
    fc.string(),
    fc.array(fc.base64String(), { maxLength: 5 }).map((parts) => parts.join('.')),
  );
  fc.assert(fc.property(text, (given) => typeof looksLikeJwt(given) === 'boolean'));
  for (let i = 0; i < 100; i++) expect(looksLikeJwt(mintToken('lks', 'LIVE').token)).toBe(false);
});

test('recognizes every JWT that jose creates', async () => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), async (claims) => {
      const token = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(randomBytes(32));
      expect(looksLikeJwt(token)).toBe(token.length <= MAX_JWT_LENGTH);
    }),
    { numRuns: 50 },
  );
});
