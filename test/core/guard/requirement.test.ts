import {
  and,
  ANY_CREDENTIAL,
  inWords,
  isMet,
  lacking,
  or,
  requirementOf,
  scopesOf,
} from '../../../src/core/guard/requirement.js';

const a = requirementOf([['read:a']]);
const b = requirementOf([['read:b']]);
const either = requirementOf([['read:a'], ['read:b', 'write:b']]);

describe('isMet and lacking', () => {
  it.each([
    [a, ['read:a'], []],
    [a, [], ['read:a']],
    [a, ['read:all'], []],
    [a, ['admin'], []],
    [a, ['write:all'], ['read:a']],
    [either, ['read:a'], []],
    [either, ['read:b', 'write:b'], []],
    [either, ['write:b'], ['read:a']],
    [
      requirementOf([
        ['read:a', 'read:b', 'read:c'],
        ['write:a', 'write:b'],
      ]),
      ['write:b'],
      ['write:a'],
    ],
    [ANY_CREDENTIAL, [], []],
  ])('%j with the scopes %j lacks %j', (requirement, held, missing) => {
    expect(lacking(requirement, held)).toEqual(missing);
    expect(isMet(requirement, held)).toBe(missing.length === 0);
  });

  it('a requirement without alternatives is never met', () => {
    expect(isMet({ anyOf: [] }, ['platform'])).toBe(false);
    expect(lacking({ anyOf: [] }, ['platform'])).toEqual(['admin']);
  });
});

describe('and', () => {
  it('requires both', () => {
    expect(scopesOf(and(a, b))).toEqual([['read:a', 'read:b']]);
    expect(isMet(and(a, b), ['read:a'])).toBe(false);
    expect(isMet(and(a, b), ['read:b'])).toBe(false);
    expect(isMet(and(a, b), ['read:a', 'read:b'])).toBe(true);
  });

  it('distributes over alternatives', () => {
    expect(scopesOf(and(either, requirementOf([['x:x'], ['y:y']])))).toEqual([
      ['read:a', 'x:x'],
      ['read:a', 'y:y'],
      ['read:b', 'write:b', 'x:x'],
      ['read:b', 'write:b', 'y:y'],
    ]);
  });

  it('any credential adds nothing, on either side, and removes nothing', () => {
    expect(and(ANY_CREDENTIAL, a)).toBe(a);
    expect(and(a, ANY_CREDENTIAL)).toBe(a);
    expect(isMet(and(or([ANY_CREDENTIAL, a]), b), [])).toBe(false);
  });
});

describe('or', () => {
  it('requires one', () => {
    expect(isMet(or([a, b]), ['read:b'])).toBe(true);
    expect(isMet(or([a, b]), ['read:c'])).toBe(false);
    expect(isMet(or([]), ['platform'])).toBe(false);
  });
});

describe('inWords', () => {
  it.each([
    [ANY_CREDENTIAL, 'a valid API key'],
    [or([a, ANY_CREDENTIAL]), 'a valid API key'],
    [a, '`read:a`'],
    [either, '`read:a`, or `read:b` and `write:b`'],
  ])('%#', (requirement, words) => {
    expect(inWords(requirement)).toBe(words);
  });
});

it('rejects an invalid scope', () => {
  expect(() => requirementOf([['read']])).toThrow(new TypeError('"read" is not a valid scope.'));
});
