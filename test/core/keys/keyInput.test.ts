import fc from 'fast-check';
import {
  assertHeld,
  checkAddresses,
  checkFilter,
  checkName,
  checkReason,
  checkScopes,
  checkTrustedDocuments,
} from '../../../src/core/keys/keyInput.js';
import { Refusal, type RefusalDetails } from '../../../src/core/errors/refusal.js';

const KNOWN = ['admin', 'platform', 'read:all', 'read:assets', 'write:all', 'write:assets'];

function refusalOf(act: () => unknown): RefusalDetails {
  try {
    act();
  } catch (error) {
    if (error instanceof Refusal) return error.details;
    throw error;
  }
  throw new Error('Nothing was refused.');
}

describe('checkName', () => {
  it.each([
    ['Deployment', 'Deployment'],
    ['  padded ', 'padded'],
    ['x'.repeat(100), 'x'.repeat(100)],
    ['Schlüssel 🔑', 'Schlüssel 🔑'],
    ['__proto__', '__proto__'],
  ])('accepts %j', (name, kept) => expect(checkName(name)).toBe(kept));

  it.each([
    '',
    '   ',
    '\u3000',
    'x'.repeat(101),
    'a\nb',
    'a\0b',
    'a\u001b[31mb',
    'a\u202eb',
    'a\u2028b',
    'a\ud800b',
    '\udfff',
  ])('refuses %j', (name) =>
    expect(refusalOf(() => checkName(name))).toEqual({ code: 'BAD_USER_INPUT', path: ['input', 'name'] }),
  );
});

describe('checkReason', () => {
  it.each([
    [null, null],
    [undefined, null],
    [' ', null],
    [' leaked ', 'leaked'],
    ['two\nlines', 'two\nlines'],
    ['x'.repeat(500), 'x'.repeat(500)],
  ])('accepts %j', (reason, kept) => expect(checkReason(reason)).toBe(kept));

  it.each(['x'.repeat(501), 'a\0b', 'a\u001b[2Jb', 'a\ud800b'])('refuses %j', (reason) =>
    expect(refusalOf(() => checkReason(reason))).toEqual({ code: 'BAD_USER_INPUT', path: ['input', 'reason'] }),
  );
});

describe('checkAddresses', () => {
  it('names a wrong address that looks like one', () => {
    expect(() => checkAddresses(['192.0.2.1', '10.0.0.0/33'])).toThrow('Invalid address: "10.0.0.0/33". Use IPv4 ');
    for (const secret of ['0123456789abcdef0123456789abcdef', 'example.com', '10.0.0.1\n'])
      expect(() => checkAddresses([secret])).toThrow('Invalid address. Use IPv4 ');
    expect(checkAddresses(['192.0.2.1', '2001:db8::/32'])).toEqual(['192.0.2.1', '2001:db8::/32']);
  });
});

describe('checkScopes', () => {
  const admin = { type: 'SECRET', known: KNOWN, held: ['admin'] } as const;

  it('expands bundles and removes duplicates', () => {
    expect(checkScopes(['read-only'], admin)).toEqual(['read:all']);
    expect(checkScopes(['read-write', 'read:all', 'read:assets'], admin)).toEqual([
      'read:all',
      'write:all',
      'read:assets',
    ]);
  });

  it.each(['read:nothing', 'Read:assets', 'read', '', '*', 'read:*', 'constructor', '__proto__', ' read:assets'])(
    'refuses the unknown scope %j and lists the known ones',
    (scope) => {
      expect(refusalOf(() => checkScopes(['read:assets', scope], admin))).toEqual({
        code: 'BAD_USER_INPUT',
        path: ['input', 'scopes', 1],
        known: [...KNOWN, 'read-only', 'read-write'],
      });
    },
  );

  it('names a wrong scope that looks like one', () => {
    expect(() => checkScopes(['read:assets', 'read:asset'], admin)).toThrow(
      'There is no such scope: "read:asset". Known scopes: admin, ',
    );
    for (const word of ['foo', 'read_only', 'Read:assets', 'read:raw_orders'])
      expect(() => checkScopes([word], admin)).toThrow(`There is no such scope: "${word}". Known scopes: admin, `);
  });

  it('names a wrong scope of a filter', () => {
    expect(() => checkFilter({ scope: 'foo' })).toThrow('Invalid scope: "foo". Use a scope of a key');
    expect(() => checkFilter({ scope: 'hunter2' })).toThrow('Invalid scope. Use a scope of a key');
    expect(() => checkFilter({ projectId: 'a b' })).toThrow('Invalid ID in projectId. An ID has 1 to 64 letters');
  });

  it('names the position of a wrong scope that may be a secret', () => {
    for (const secret of ['hunter2:hunter2', 'a:bcdefghijklmnopqrstuvwxyz', 'a:b\n', 'reed2', ''])
      expect(() => checkScopes(['read:assets', secret], admin)).toThrow(
        'Scope 2 of the list is unknown. It is not shown here, because it may be a secret. Known scopes: admin, ',
      );
  });

  it('never repeats any other input in the error', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{12,40}$/), (scope) => {
        expect(() => checkScopes([scope], admin)).toThrow(Refusal);
        expect(() => checkScopes([scope], admin)).not.toThrow(new RegExp(scope));
      }),
      { numRuns: 20 },
    );
  });

  it.each([0, 101])('refuses %d scopes', (count) => {
    const scopes = Array.from({ length: count }, () => 'read:assets');
    expect(refusalOf(() => checkScopes(scopes, admin))).toMatchObject({ path: ['input', 'scopes'] });
  });

  describe('ceilings', () => {
    it.each([
      ['CLIENT', 'read:assets'],
      ['CLIENT', 'write:all'],
      ['CLIENT', 'read-write'],
      ['READ_ONLY', 'read:all'],
      ['READ_ONLY', 'read-only'],
    ] as const)('allows %s keys the scope %s', (type, scope) => {
      expect(checkScopes([scope], { ...admin, type })).not.toHaveLength(0);
    });

    it.each([
      ['CLIENT', 'admin'],
      ['CLIENT', 'platform'],
      ['READ_ONLY', 'write:assets'],
      ['READ_ONLY', 'read-write'],
      ['READ_ONLY', 'admin'],
      ['READ_ONLY', 'platform'],
    ] as const)('refuses %s keys the scope %s, whoever grants it', (type, scope) => {
      expect(refusalOf(() => checkScopes([scope], { type, known: KNOWN, held: ['platform'] }))).toEqual({
        code: 'BAD_USER_INPUT',
        path: ['input', 'scopes', 0],
      });
    });
  });

  it("grants only the caller's scopes and lists the missing ones", () => {
    expect(checkScopes(['read:assets'], { ...admin, held: ['read:all'] })).toEqual(['read:assets']);
    expect(
      refusalOf(() => checkScopes(['read:all', 'write:assets', 'platform'], { ...admin, held: ['read:assets'] })),
    ).toEqual({ code: 'SCOPE_NOT_HELD', missing: ['read:all', 'write:assets', 'platform'] });
  });
});

describe('assertHeld', () => {
  it('allows admin to manage everything except platform', () => {
    expect(() => assertHeld(['admin'], ['admin', 'read:all', 'write:assets'])).not.toThrow();
    expect(refusalOf(() => assertHeld(['admin'], ['platform']))).toEqual({
      code: 'SCOPE_NOT_HELD',
      missing: ['platform'],
    });
    expect(() => assertHeld(['platform'], ['platform', 'admin'])).not.toThrow();
  });
});

describe('checkTrustedDocuments', () => {
  const digest = (i: number): string => i.toString(16).padStart(64, '0');

  it('accepts up to a thousand documents, without duplicates and in lower case', () => {
    const most = Array.from({ length: 1_000 }, (_, i) => digest(i));
    expect(checkTrustedDocuments(most)).toEqual(most);
    expect(checkTrustedDocuments(['A'.repeat(64), 'a'.repeat(64), digest(1)])).toEqual(['a'.repeat(64), digest(1)]);
  });

  it('returns null if no documents are given', () => {
    expect([checkTrustedDocuments(null), checkTrustedDocuments(undefined)]).toEqual([null, null]);
  });

  it.each<[string, string[], number[]]>([
    ['an empty list', [], []],
    ['too many', Array.from({ length: 1_001 }, (_, i) => digest(i)), []],
    ['a digest that is too short', [digest(1), digest(2).slice(1)], [1]],
    ['a digest that is too long', [`${digest(1)}0`], [0]],
    ['what is no hexadecimal digit', [`${digest(1).slice(1)}g`], [0]],
    ['a line break behind it', [`${digest(1)}\n`], [0]],
  ])('refuses %s', (_, digests, path) => {
    expect(refusalOf(() => checkTrustedDocuments(digests))).toEqual({
      code: 'BAD_USER_INPUT',
      path: ['input', 'trustedDocuments', ...path],
    });
  });
});
