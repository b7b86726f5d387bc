import fc from 'fast-check';
import { grants, requireScope } from '../../../src/core/scopes/grammar.js';
import { meet } from '../../../src/core/scopes/meet.js';

const SCOPES = ['platform', 'admin', 'read:all', 'read:assets', 'read:alerts', 'write:all', 'write:assets', 'run:jobs'];
const scopes = fc.subarray(SCOPES);

it.each([
  [['admin'], ['read:all'], ['read:all']],
  [
    ['read:all', 'write:assets'],
    ['read:assets', 'write:all'],
    ['read:assets', 'write:assets'],
  ],
  [['read:all'], ['write:all'], []],
  [['platform'], ['admin'], ['admin']],
  [['admin', 'read:all'], ['admin'], ['admin']],
  [[], ['admin'], []],
])('%j and %j have %j in common', (one, other, both) => {
  expect(meet(one, other).sort()).toEqual(both);
});

it('grants exactly the scopes that both grant', () => {
  fc.assert(
    fc.property(scopes, scopes, fc.constantFrom(...SCOPES), (one, other, required) => {
      const need = requireScope(required);
      expect(grants(meet(one, other), need)).toBe(grants(one, need) && grants(other, need));
    }),
  );
});

it('does not depend on the order, and has no scope that another one includes', () => {
  fc.assert(
    fc.property(scopes, scopes, (one, other) => {
      const both = meet(one, other);
      expect(meet(other, one).sort()).toEqual(both.toSorted());
      for (const scope of both)
        expect(
          grants(
            both.filter((each) => each !== scope),
            requireScope(scope),
          ),
        ).toBe(false);
    }),
  );
});
