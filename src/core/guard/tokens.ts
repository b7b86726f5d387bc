import { GraphQLError, Lexer, Source, TokenKind } from 'graphql';

/** Returns how many tokens a document has, as graphql-js counts them against `maxLexicalTokens`; counts no further than `most`. */
export function countTokens(document: string, most: number): number {
  const lexer = new Lexer(new Source(document));
  let tokens = 0;
  try {
    while (tokens < most && lexer.advance().kind !== TokenKind.EOF) tokens += 1;
  } catch (error) {
    // Not GraphQL from here on: the parser stops at this place too.
    if (!(error instanceof GraphQLError)) throw error;
  }
  return tokens;
}
