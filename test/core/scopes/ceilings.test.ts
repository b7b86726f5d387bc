import fc from 'fast-check';
import { Ceilings, ceilingInWords, OWN_CEILINGS, withinCeiling } from '../../../src/core/scopes/ceilings.js';
import { grants, requireScope } from '../../../src/core/scopes/grammar.js';
import { KEY_TYPES } from '../../../src/core/store/records.js';

describe('withinCeiling', () => {
  it.each([
    ['admin', { SECRET: true, CLIENT: false, READ_ONLY: false }],
    ['platform', { SECRET: true, CLIENT: false, READ_ONLY: false }],
    ['read:assets', { SECRET: true, CLIENT: true, READ_ONLY: true }],
    ['read:all', { SECRET: true, CLIENT: true, READ_ONLY: true }],
    ['write:assets', { SECRET: true, CLIENT: true, READ_ONLY: false }],
    ['write:all', { SECRET: true, CLIENT: true, READ_ONLY: false }],
    ['reader:assets', { SECRET: true, CLIENT: true, READ_ONLY: false }],
    ['read', { SECRET: false, CLIENT: false, READ_ONLY: false }],
    ['read:*', { SECRET: false, CLIENT: false, READ_ONLY: false }],
    ['', { SECRET: false, CLIENT: false, READ_ONLY: false }],
  ] as const)('%s', (scope, expected) => {
    expect(Object.fromEntries(KEY_TYPES.map((type) => [type, withinCeiling(type, scope)]))).toEqual(expected);
  });

  it('CLIENT and READ_ONLY keys cannot have admin or platform, and READ_ONLY keys cannot write', () => {
    const scope = fc.oneof(
      fc.stringMatching(/^[a-z]{1,8}:[a-z]{1,8}$/),
      fc.constantFrom('admin', 'platform', 'write:all', 'read:all'),
    );
    fc.assert(
      fc.property(fc.array(scope), (scopes) => {
        for (const type of ['CLIENT', 'READ_ONLY'] as const) {
          const held = scopes.filter((one) => withinCeiling(type, one));
          for (const high of ['admin', 'platform']) expect(grants(held, requireScope(high))).toBe(false);
          if (type === 'READ_ONLY') expect(grants(held, requireScope('write:assets'))).toBe(false);
        }
      }),
    );
  });

  it('describes the scopes of each type', () => {
    expect(new Set(KEY_TYPES.map(ceilingInWords)).size).toBe(KEY_TYPES.length);
  });
});

describe('the ceilings of an installation', () => {
  it('are the scopes of the types by default', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.stringMatching(/^(read|write):[a-z]{1,8}$/), fc.constantFrom('admin', 'platform', '')),
        fc.constantFrom(...KEY_TYPES),
        (text, type) => {
          expect(OWN_CEILINGS.admits(type, text)).toBe(withinCeiling(type, text));
        },
      ),
    );
    for (const type of KEY_TYPES) expect(OWN_CEILINGS.inWords(type)).toBe(ceilingInWords(type));
  });

  it('allow their scopes and those that these include, and never more than the type', () => {
    const ceilings = new Ceilings({ CLIENT: ['write:events', 'read-only'], SECRET: ['admin'] });
    for (const within of ['write:events', 'read:all', 'read:assets']) {
      expect([within, ceilings.admits('CLIENT', within)]).toEqual([within, true]);
    }
    for (const beyond of ['write:all', 'write:assets', 'admin', 'platform', 'nonsense']) {
      expect([beyond, ceilings.admits('CLIENT', beyond)]).toEqual([beyond, false]);
    }
    expect(ceilings.admits('SECRET', 'write:assets')).toBe(true);
    expect(ceilings.admits('SECRET', 'platform')).toBe(false);
    expect(ceilings.admits('READ_ONLY', 'read:all')).toBe(true);
    expect(ceilings.inWords('CLIENT')).toBe('scopes covered by write:events, read:all');
  });

  it.each([
    ['CLIENT', 'admin'],
    ['READ_ONLY', 'write:events'],
    ['READ_ONLY', 'read-write'],
    ['SECRET', 'no scope'],
  ] as const)('of %s cannot be extended to %s', (type, beyond) => {
    expect(() => new Ceilings({ [type]: [beyond] })).toThrow('cannot have');
  });
});
