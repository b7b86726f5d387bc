import fc from 'fast-check';
import { decodeCursor, encodeCursor } from '../../../src/management/keys/keyCursor.js';
import { CODE_POINT } from '../../support/codePoint.js';

const position = fc.record({
  createdAt: fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }),
  id: fc.stringMatching(/^key_[0-9A-Za-z]{16}$/),
});

test('decodes the encoded position', () => {
  fc.assert(fc.property(position, (at) => expect(decodeCursor(encodeCursor(at), 'key', 'conf')).toEqual(at)));
});

test('refuses any other text as bad input at `after`, and throws nothing else', () => {
  const text = fc.oneof(
    fc.string({ unit: CODE_POINT, maxLength: 200 }),
    fc.string({ maxLength: 100 }).map((plain) => Buffer.from(plain).toString('base64url')),
    fc.constantFrom(
      ...[
        '',
        '1.key_',
        '--1.key_a',
        '-.key_a',
        '1e3.key_a',
        '1.fam_a',
        '1.key_a%',
        `${'9'.repeat(16)}.key_a`,
        "1.key_a'--",
      ],
      `1.key_${'a'.repeat(33)}`,
    ),
  );
  fc.assert(
    fc.property(text, (cursor) => {
      for (const candidate of [cursor, Buffer.from(cursor).toString('base64url')]) {
        expect(() => decodeCursor(candidate, 'key', 'conf')).toThrow(
          expect.objectContaining({ details: { code: 'BAD_USER_INPUT', path: ['after'] } }),
        );
      }
    }),
  );
});
