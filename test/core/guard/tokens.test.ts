import fc from 'fast-check';
import { parse } from 'graphql';
import { countTokens } from '../../../src/core/guard/tokens.js';

test('R2: counts tokens as graphql-js does against maxLexicalTokens', () => {
  const parts = ['a', '{ b(c: "x") }', '#note\n', '"""block"""', '...F', '$v', '[1.5e3]', ',', '@skip(if: true)', '\n'];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...parts), { maxLength: 30 }), (chosen) => {
      const document = `query { ${chosen.map((part) => (part === '#note\n' ? part : `${part} `)).join('')} }`;
      const tokens = countTokens(document, 1_000);
      const refused = (maxLexicalTokens: number): boolean => {
        try {
          parse(document, { maxLexicalTokens });
          return false;
        } catch (error) {
          return /more that \d+ tokens|contains more than \d+ tokens/.test(String(error));
        }
      };
      expect(refused(tokens)).toBe(false);
    }),
    { numRuns: 300 },
  );
  const document = '{ a { b } #c\n d(e: "f") }';
  expect(countTokens(document, 1_000)).toBe(12);
  expect(() => parse(document, { maxLexicalTokens: 11 })).toThrow('11 tokens');
  expect(() => parse(document, { maxLexicalTokens: 12 })).not.toThrow();
});

test.each([
  ['nothing', '', 0],
  ['a comment', `#${'x'.repeat(100_000)}`, 0],
  ['what is no GraphQL, up to there', '{ a ? b }', 2],
  ['no further than asked', '{ a b c d e f }', 5],
])('R2: counts %s', (_, document, tokens) => {
  expect(countTokens(document, 5)).toBe(tokens);
});
