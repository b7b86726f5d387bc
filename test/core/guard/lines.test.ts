import { getLocation, Source } from 'graphql';
import fc from 'fast-check';
import { MAX_LINES, refuseLines } from '../../../src/core/guard/lines.js';

describe('R4: the lines of a document', () => {
  it('are counted as by graphql-js', () => {
    const text = fc
      .array(fc.constantFrom('\n', '\r', '\r\n', 'a', ' ', '\u2028'), { maxLength: 60 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, (body) => {
        const { line: lines } = getLocation(new Source(body), body.length);
        expect(refuseLines(body, lines)).toBeNull();
        if (lines > 1) expect(refuseLines(body, lines - 1)?.message).toContain(`more than ${lines - 1} lines`);
      }),
      { seed: 20_261_129, numRuns: 500 },
    );
  });

  it('are limited to 2000 by default', () => {
    expect(refuseLines('\n'.repeat(MAX_LINES - 1), MAX_LINES)).toBeNull();
    expect(refuseLines('\n'.repeat(MAX_LINES), MAX_LINES)?.extensions).toMatchObject({
      code: 'GRAPHQL_VALIDATION_FAILED',
    });
  });
});
