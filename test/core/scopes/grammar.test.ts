import fc from 'fast-check';
import { grants, missingOf, parseScope, requireScope } from '../../../src/core/scopes/grammar.js';
import { CODE_POINT } from '../../support/codePoint.js';

const action = fc.stringMatching(/^[a-z][a-z0-9-]{0,31}$/);
const resource = fc.stringMatching(/^[a-z][a-z0-9._-]{0,63}$/);
const grant = fc.tuple(action, resource).map(([a, r]) => `${a}:${r}`);
const scope = fc.oneof({ weight: 8, arbitrary: grant }, { weight: 1, arbitrary: fc.constantFrom('admin', 'platform') });
/** Only a few words, so that granted and required scopes often match. */
const common = fc.constantFrom('read:a', 'read:b', 'read:all', 'write:a', 'write:all', 'admin', 'platform');

const granted = (held: readonly string[], required: string) => grants(held, requireScope(required));

describe('parseScope', () => {
  it.each([
    ['admin', { kind: 'word', text: 'admin' }],
    ['platform', { kind: 'word', text: 'platform' }],
    ['read:assets', { kind: 'grant', text: 'read:assets', action: 'read', resource: 'assets' }],
    ['read:all', { kind: 'grant', text: 'read:all', action: 'read', resource: 'all' }],
    ['x-1:a.b_c-d', { kind: 'grant', text: 'x-1:a.b_c-d', action: 'x-1', resource: 'a.b_c-d' }],
    [`${'a'.repeat(32)}:${'b'.repeat(64)}`, expect.objectContaining({ kind: 'grant' })],
  ])('%s', (text, parsed) => {
    expect(parseScope(text)).toEqual(parsed);
  });

  it.each([
    '',
    ' ',
    'read',
    'read:',
    ':assets',
    ':',
    'read::assets',
    'read:assets:all',
    'read:*',
    '*',
    '*:*',
    'all',
    'Admin',
    'ADMIN',
    'admin ',
    ' admin',
    'admin\n',
    'read:assets\n',
    'read: assets',
    'READ:assets',
    'read:Assets',
    '1read:assets',
    'read:1',
    'read:-',
    'read:assets,write:assets',
    'read:аssets',
    'reаd:assets',
    'read:assets\u0000',
    '__proto__',
    'constructor',
    'read:__proto__',
    'toString',
    `${'a'.repeat(33)}:b`,
    `a:${'b'.repeat(65)}`,
    'read-only',
    'read-write',
  ])('%j is not a scope', (text) => {
    expect(parseScope(text)).toBeNull();
    expect(() => requireScope(text)).toThrow(TypeError);
  });

  it('a random text is not a scope, and grants only itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: CODE_POINT }), common, (text, required) => {
        fc.pre(!/^(?:admin|platform|[a-z][a-z0-9-]{0,31}:[a-z][a-z0-9._-]{0,63})$/.test(text));
        expect(parseScope(text)).toBeNull();
        expect(granted([text], required)).toBe(false);
      }),
    );
  });

  it('a scope with inserted text is a different scope or none', () => {
    fc.assert(
      fc.property(grant, fc.nat(100), fc.string({ minLength: 1, maxLength: 3 }), (text, at, put) => {
        const changed = text.slice(0, at) + put + text.slice(at);
        expect(parseScope(changed)?.text ?? changed).toBe(changed);
        expect(granted([changed], text)).toBe(changed === `${text.split(':')[0] ?? ''}:all`);
      }),
    );
  });
});

describe('grants', () => {
  it.each([
    [['read:a'], 'read:a', true],
    [['read:a'], 'read:b', false],
    [['read:all'], 'read:a', true],
    [['read:all'], 'write:a', false],
    [['read:a'], 'read:all', false],
    [['read:all'], 'admin', false],
    [['read:all', 'write:all'], 'admin', false],
    [['admin'], 'read:a', true],
    [['admin'], 'read:all', true],
    [['admin'], 'admin', true],
    [['admin'], 'platform', false],
    [['platform'], 'admin', true],
    [['platform'], 'platform', true],
    [['platform'], 'read:a', true],
    [[], 'read:a', false],
    [['readx:all'], 'read:a', false],
    [['READ:ALL', 'Admin', '*'], 'read:a', false],
  ])('%j grants %s: %s', (held, required, expected) => {
    expect(granted(held, required)).toBe(expected);
  });

  it('more scopes never grant less', () => {
    fc.assert(
      fc.property(fc.array(common), fc.array(scope), common, (held, more, required) => {
        if (granted(held, required)) expect(granted([...more, ...held], required)).toBe(true);
        if (!granted([...held, ...more], required)) expect(granted(held, required)).toBe(false);
      }),
    );
  });

  it('each scope grants itself, admin all except platform, platform all, and all its action', () => {
    fc.assert(
      fc.property(scope, grant, (one, other) => {
        expect(granted([one], one)).toBe(true);
        expect(granted(['admin'], one)).toBe(one !== 'platform');
        expect(granted(['platform'], one)).toBe(true);
        const [a = '', b = ''] = [one.split(':')[0], other.split(':')[0]];
        if (one.includes(':')) expect(granted([`${a}:all`], one)).toBe(true);
        if (a !== b) expect(granted([`${a}:all`], other)).toBe(false);
        expect(granted([other], 'admin')).toBe(false);
        expect(granted([other], 'platform')).toBe(false);
      }),
    );
  });

  it('is transitive', () => {
    fc.assert(
      fc.property(common, common, common, (one, two, three) => {
        if (granted([one], two) && granted([two], three)) expect(granted([one], three)).toBe(true);
      }),
    );
  });
});

describe('missingOf', () => {
  it('lists the wanted scopes that are not granted, in order', () => {
    expect(missingOf(['read:all'], ['write:a', 'read:a', 'admin'])).toEqual(['write:a', 'admin']);
    expect(missingOf(['admin'], ['write:a', 'read:all', 'admin'])).toEqual([]);
    expect(missingOf(['admin'], ['platform'])).toEqual(['platform']);
  });
});
