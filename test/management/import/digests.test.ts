import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { momentOf } from '../../../src/management/import/cells.js';
import { bcryptOf, sha256Of } from '../../../src/management/import/digests.js';
import { foreignScopes } from '../../../src/management/import/mapScopes.js';
import { locate, lookupIdOf, nameOf, schemeNamed, type ForeignScheme } from '../../../src/core/keys/foreign.js';
import { bcryptHash } from './harness.js';

const schemes: fc.Arbitrary<ForeignScheme> = fc.oneof(
  fc.constant({ kind: 'sha256' } as const),
  fc.record({
    kind: fc.constant('bcrypt' as const),
    hashed: fc.constantFrom('whole' as const, 'rest' as const),
    locator: fc.oneof(
      fc.record({ prefix: fc.integer({ min: 4, max: 128 }) }),
      fc.record({ until: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)) }),
    ),
  }),
);

test('reads a digest in every format of database exports, and no other text', () => {
  fc.assert(
    fc.property(fc.string(), (token) => {
      const digest = createHash('sha256').update(token);
      const hex = digest.copy().digest('hex');
      const base64 = digest.copy().digest('base64');
      const forms = [hex, hex.toUpperCase(), `\\x${hex}`, base64, base64.slice(0, 43), digest.digest('base64url')];
      expect(forms.map(sha256Of)).toEqual(forms.map(() => hex));
      for (const form of forms)
        for (const wrong of [`${form}A`, form.slice(1), ` ${form}`]) expect(sha256Of(wrong)).toBeNull();
    }),
  );
  // Its last character would have bits that belong to no byte.
  expect(sha256Of(`${'A'.repeat(42)}B`)).toBeNull();
});

test('reads bcrypt hashes that the bcrypt package supports, up to the maximum cost', () => {
  const hash = bcryptHash('a token');
  expect(bcryptOf(hash)).toBe(hash);
  expect(bcryptOf(hash.replace('$2b$', '$2y$'))).toBe(hash);
  for (const wrong of [
    hash.replace('$04$', '$16$'),
    hash.replace('$04$', '$03$'),
    hash.replace('$2b$', '$2x$'),
    `${hash}.`,
  ]) {
    expect(bcryptOf(wrong)).toBeNull();
  }
});

test('parses the name of a scheme as lookup IDs contain it', () => {
  fc.assert(
    fc.property(schemes, fc.string({ unit: 'binary-ascii', minLength: 5, maxLength: 200 }), (scheme, token) => {
      expect(schemeNamed(nameOf(scheme))).toEqual(scheme);
      expect(nameOf(scheme)).toMatch(/^[\w-]+$/);
      const located = locate(scheme, token);
      if (located === null) return;
      expect(located.lookupId.startsWith(lookupIdOf(scheme, ''))).toBe(true);
      expect(Buffer.byteLength(located.secret)).toBeLessThanOrEqual(72);
      expect(located.lookupId.length).toBeLessThanOrEqual(200);
    }),
  );
  expect(schemeNamed('argon2')).toBeNull();
});

test('reads only dates that mean the same time everywhere', () => {
  const noon = Date.UTC(2026, 2, 1, 12);
  for (const text of [
    '2026-03-01T12:00:00Z',
    '2026-03-01T12:00:00.000Z',
    '2026-03-01 13:00:00+01',
    '2026-03-01T13:00:00+01:00',
  ]) {
    expect(momentOf(text, 'iso')).toEqual({ value: noon });
  }
  expect(momentOf(noon, 'milliseconds')).toEqual({ value: noon });
  expect(momentOf(String(noon / 1000), 'seconds')).toEqual({ value: noon });
  for (const wrong of ['2026-03-01T12:00:00', '2026-03-01', '2026-13-01T12:00:00Z', 'tomorrow', noon, '', {}, true]) {
    expect(momentOf(wrong, 'iso')).toEqual({ problem: expect.any(String) });
  }
});

test('reads scopes from a list, text, or permissions by resource, and refuses anything else', () => {
  for (const nothing of [null, undefined, '', '[]', '{}', 'null']) expect(foreignScopes(nothing)).toEqual([]);
  for (const two of ['a b', 'a, b', ['a', 'b', 'a'], '["a","b"]']) expect(foreignScopes(two)).toEqual(['a', 'b']);
  for (const permissions of [
    { files: ['read', 'write'] },
    '{"files":["read","write"]}',
    '"{\\"files\\":[\\"read\\",\\"write\\"]}"',
  ]) {
    expect(foreignScopes(permissions)).toEqual(['files:read', 'files:write']);
  }
  for (const wrong of [7, [7], { files: 'read' }, { files: [7] }, '{"files":', true])
    expect(foreignScopes(wrong)).toBeNull();
});
