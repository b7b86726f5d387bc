import fc from 'fast-check';
import { BUNDLES, expandBundles } from '../../../src/core/scopes/bundles.js';
import { parseScope } from '../../../src/core/scopes/grammar.js';

describe('expandBundles', () => {
  it.each([
    [['read-only'], ['read:all']],
    [['read-write'], ['read:all', 'write:all']],
    [
      ['read-write', 'read-only'],
      ['read:all', 'write:all'],
    ],
    [
      ['write:all', 'read-write', 'write:all'],
      ['write:all', 'read:all'],
    ],
    [
      ['admin', 'read:a'],
      ['admin', 'read:a'],
    ],
    [
      ['constructor', '__proto__'],
      ['constructor', '__proto__'],
    ],
    [[], []],
  ])('expands %j to %j', (scopes, expanded) => {
    expect(expandBundles(scopes)).toEqual(expanded);
  });

  it('a bundle is not a scope, contains only scopes, and never admin or platform', () => {
    for (const [name, scopes] of BUNDLES) {
      expect(parseScope(name)).toBeNull();
      expect(scopes.length).toBeGreaterThan(0);
      for (const scope of scopes) expect(parseScope(scope)?.kind).toBe('grant');
    }
  });

  it('expanding twice is the same as expanding once', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('read-only', 'read-write', 'read:a', 'admin', 'read:all')), (scopes) => {
        const expanded = expandBundles(scopes);
        expect(expandBundles(expanded)).toEqual(expanded);
        expect(new Set(expanded).size).toBe(expanded.length);
      }),
    );
  });
});
