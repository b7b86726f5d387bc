import fc from 'fast-check';
import { decodeEventCursor, encodeEventCursor } from '../../../src/demo/events/cursor.js';
import { CODE_POINT } from '../../support/codePoint.js';

const position = fc.record({
  at: fc.integer({ min: 0, max: 8_640_000_000_000 }),
  id: fc.stringMatching(/^[A-Za-z0-9_.\-/:]{1,100}$/),
});

test('decodes an encoded position', () => {
  fc.assert(fc.property(position, (at) => expect(decodeEventCursor(encodeEventCursor(at))).toEqual(at)));
});

test('rejects any other text as bad input at `after`, and throws no other error', () => {
  const text = fc.oneof(
    fc.string({ unit: CODE_POINT, maxLength: 300 }).filter((plain) => !/^\d{1,15}\./.test(plain)),
    fc.constantFrom(
      '',
      '1',
      '.a',
      '1.',
      '-1.a',
      '1e3.a',
      '1.a b',
      '1.a\n',
      `${'9'.repeat(16)}.a`,
      `1.${'a'.repeat(101)}`,
    ),
  );
  fc.assert(
    fc.property(text, (plain) => {
      expect(() => decodeEventCursor(Buffer.from(plain).toString('base64url'))).toThrow(
        expect.objectContaining({ details: { code: 'BAD_USER_INPUT', path: ['after'] } }),
      );
    }),
  );
});
