import fc from 'fast-check';
import { jsonText, visible } from '../../src/cli/visibleText.js';
import { CODE_POINT } from '../support/codePoint.js';

const anything = fc.string({ unit: CODE_POINT });
// oxlint-disable-next-line no-control-regex -- They are what is looked for.
const OBEYED = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;

test.each([
  ['\u001b]0;owned\u0007', '\\u{1b}]0;owned\\u{7}'],
  ['\u009b2J', '\\u{9b}2J'],
  ['a\u202eb', 'a\\u{202e}b'],
  ['two\nlines', 'two\\u{a}lines'],
  ['Ключ 🔑 ordinary', 'Ключ 🔑 ordinary'],
])('%j', (text, shown) => expect(visible(text)).toBe(shown));

test('removes everything that a terminal would execute', () => {
  fc.assert(fc.property(anything, (text) => !OBEYED.test(visible(text))));
});

test('JSON keeps its meaning, and contains no control characters except its own line breaks', () => {
  fc.assert(
    fc.property(anything, (text) => {
      const written = jsonText({ text });
      expect(JSON.parse(written)).toEqual({ text });
      expect(OBEYED.test(written.replaceAll('\n', ''))).toBe(false);
    }),
  );
});
