import fc from 'fast-check';
import { leastScopes } from '../../../src/core/guard/least.js';
import { isMet, requirementOf, type Requirement } from '../../../src/core/guard/requirement.js';
import { grants, requireScope } from '../../../src/core/scopes/grammar.js';
import { runs } from '../../support/runs.js';

const of = (...anyOf: string[][]): Requirement => requirementOf(anyOf);
const ANY_KEY = of([]);

describe('the least scopes', () => {
  test.each([
    ['of nothing are none', [], ['admin'], []],
    ['of what any key may are none', [ANY_KEY], ['admin'], []],
    ['are each one once', [of(['read:a']), of(['read:a']), of(['read:b'])], ['admin'], ['read:a', 'read:b']],
    ['are all of one list', [of(['read:a', 'write:a'])], ['admin'], ['read:a', 'write:a']],
    ['hold none that another grants', [of(['read:a']), of(['read:all'])], ['admin'], ['read:all']],
    [
      'are admin alone where a field asks for it',
      [of(['read:a']), of(['admin']), of(['write:b'])],
      ['admin'],
      ['admin'],
    ],
    ['are platform alone where a field asks for it', [of(['admin']), of(['platform'])], ['platform'], ['platform']],
    ['take what is needed anyway', [of(['read:a'], ['read:b']), of(['read:b'])], ['admin'], ['read:b']],
    ['take the narrower of two', [of(['admin'], ['read:a'])], ['admin'], ['read:a']],
    [
      'take two that read before one that writes',
      [of(['write:a'], ['read:a', 'read:b'])],
      ['admin'],
      ['read:a', 'read:b'],
    ],
    ['take one resource before all of them', [of(['read:all'], ['write:a'])], ['admin'], ['write:a']],
    [
      'take the one that serves most',
      [of(['read:a'], ['read:z']), of(['read:b'], ['read:z']), of(['read:c'], ['read:z'])],
      ['read:all'],
      ['read:z'],
    ],
    ['never reach for what is not held', [of(['read:a'], ['write:b'])], ['write:b'], ['write:b']],
    [
      'hold none to spare where some were not held',
      [of(['read:b'], ['read:a']), of(['read:a'])],
      ['read:b'],
      ['read:a'],
    ],
    ['are sought everywhere where nothing held will do', [of(['read:a'], ['write:b'])], ['read:c'], ['read:a']],
  ] as const)('%s', (_, requirements, held, expected) => {
    expect(leastScopes(requirements, held)).toEqual(expected);
  });
});

const SCOPES = ['read:a', 'read:b', 'read:c', 'read:all', 'write:a', 'write:b', 'write:all', 'admin', 'platform'];
const requirement = fc
  .array(fc.uniqueArray(fc.constantFrom(...SCOPES), { maxLength: 3 }), { minLength: 1, maxLength: 4 })
  .map((anyOf) => requirementOf(anyOf));
const held = fc.uniqueArray(fc.constantFrom(...SCOPES), { maxLength: 4 });
const meetsAll = (requirements: readonly Requirement[], scopes: readonly string[]): boolean =>
  requirements.every((each) => isMet(each, scopes));

test('meet every requirement, and none is superfluous or included in another', () => {
  fc.assert(
    fc.property(fc.array(requirement, { maxLength: 12 }), held, (requirements, holds) => {
      const least = leastScopes(requirements, holds);
      expect(meetsAll(requirements, least)).toBe(true);
      for (const scope of least) {
        const others = least.filter((other) => other !== scope);
        expect(meetsAll(requirements, others)).toBe(false);
        expect(grants(others, requireScope(scope))).toBe(false);
      }
      if (!meetsAll(requirements, holds)) return;
      for (const scope of least) expect(grants(holds, requireScope(scope))).toBe(true);
      expect(leastScopes(requirements.toReversed(), holds)).toEqual(least);
    }),
    { numRuns: runs(500) },
  );
});

/** Of all sets of scopes that meet the requirements, the one with the fewest of the widest kind, then of the next. */
function leastByTrial(requirements: readonly Requirement[]): readonly number[] {
  let best: readonly number[] | null = null;
  for (let bits = 0; bits < 2 ** SCOPES.length; bits++) {
    const scopes = SCOPES.filter((_, i) => (bits >> i) & 1);
    if (!meetsAll(requirements, scopes)) continue;
    const width = widthOf(scopes);
    if (best === null || isLess(width, best)) best = width;
  }
  return best ?? [];
}

const isLess = (a: readonly number[], b: readonly number[]): boolean => {
  const at = a.findIndex((n, i) => n !== b[i]);
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0);
};

const widthOf = (scopes: readonly string[]): readonly number[] => [
  scopes.filter((scope) => scope === 'platform').length,
  scopes.filter((scope) => scope === 'admin').length,
  scopes.filter((scope) => scope.endsWith(':all')).length,
  scopes.filter((scope) => /^write:[^l]+$/.test(scope)).length,
  scopes.filter((scope) => /^read:[^l]+$/.test(scope)).length,
];

test('are the narrowest of all possible sets', () => {
  fc.assert(
    fc.property(fc.array(requirement, { maxLength: 6 }), (requirements) => {
      expect(widthOf(leastScopes(requirements, ['platform']))).toEqual(leastByTrial(requirements));
    }),
    { numRuns: runs(100) },
  );
});

test('meet a hundred requirements with many alternatives, and none is superfluous', () => {
  const requirements = Array.from({ length: 100 }, (_, i) =>
    of(...Array.from({ length: 10 }, (_, j) => [`read:r${(i * 7 + j * j * 13) % 60}`, `read:s${(i * i + j) % 50}`])),
  );
  const least = leastScopes(requirements, ['read:all']);
  expect(meetsAll(requirements, least)).toBe(true);
  for (const scope of least)
    expect(
      meetsAll(
        requirements,
        least.filter((other) => other !== scope),
      ),
    ).toBe(false);
});
