import { brief, discreetly } from '../../../src/core/guard/discretion.js';

describe('discreetly', () => {
  it.each([
    [
      'Cannot query field "asets" on type "Query". Did you mean "assets" or "asset"?',
      '{ asets }',
      'Cannot query field "asets" on type "Query".',
    ],
    [
      'Field "assets" of type "[Asset!]!" must have a selection of subfields. Did you mean "assets { ... }"?',
      '{ assets }',
      'Field "assets" of type "[…!]!" must have a selection of subfields.',
    ],
    [
      'Argument "Query.asset(name:)" of type "String!" is required, but it was not provided.',
      '{ asset }',
      'Argument "Query.asset(…:)" of type "String!" is required, but it was not provided.',
    ],
    ['Value "A" does not exist in "Tier" enum.', 'A', 'Value "A" does not exist in "…" enum.'],
    ['Unknown directive "@secret".', '{ a @other }', 'Unknown directive "@…".'],
    [
      'Variable "$v" got invalid value "\\"" at "v.status"; Value "\\"" does not exist in "Status" enum.',
      '$v {"status":"\\""}',
      'Variable "$v" got invalid value "\\"" at "v.status"; Value "\\"" does not exist in "…" enum.',
    ],
    ['Syntax Error: Expected Name, found "}".', '{ a(}', 'Syntax Error: Expected Name, found "}".'],
  ])('%s', (message, written, told) => {
    expect(discreetly([written])(message)).toBe(told);
  });

  it('keeps names that occur in any part of the request', () => {
    const message = 'Unknown argument "first" on field "Query.assets".';
    expect(discreetly(['{ assets }', 'first'])(message)).toBe(message);
  });
});

describe('brief', () => {
  it('shortens a message that repeats a whole request, and no shorter one', () => {
    expect(brief('x'.repeat(1_000))).toBe('x'.repeat(1_000));
    expect(brief('x'.repeat(250_000))).toBe(`${'x'.repeat(1_000)}…`);
  });
});
