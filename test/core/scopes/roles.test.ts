import fc from 'fast-check';
import { Roles } from '../../../src/core/scopes/roles.js';

describe('the built-in roles', () => {
  const roles = new Roles();

  it.each([
    ['admin', ['admin']],
    ['editor', ['read:all', 'write:all']],
    ['viewer', ['read:all']],
  ])('%s', (role, scopes) => expect(roles.scopesOf([role])).toEqual(scopes));

  it('are the only ones by default', () => {
    expect(roles.names).toEqual(['admin', 'editor', 'viewer']);
  });
});

describe('custom roles', () => {
  it('are added to the built-in ones, with bundles replaced by their scopes', () => {
    const roles = new Roles({ analyst: ['read:assets'], both: ['read-write', 'read:all'] });
    expect(roles.names).toEqual(['admin', 'editor', 'viewer', 'analyst', 'both']);
    expect(roles.scopesOf(['both'])).toEqual(['read:all', 'write:all']);
  });

  it('replace built-in ones, except admin', () => {
    const roles = new Roles({ viewer: ['read:assets'] });
    expect(roles.scopesOf(['viewer'])).toEqual(['read:assets']);
    expect(() => new Roles({ admin: ['read:all'] })).toThrow('admin is built in');
  });

  it.each(['', ' led', 'trailing ', 'two  spaces', 'a\tb', 'x'.repeat(129)])('cannot have the name %j', (name) => {
    expect(() => new Roles({ [name]: ['read:all'] })).toThrow(TypeError);
  });

  it.each(['', 'read', 'Read:all', 'read:', 'ADMIN', 'viewer', 'read:all '])('cannot have the scopes %j', (scope) => {
    expect(() => new Roles({ analyst: ['read:all', scope] })).toThrow('Allowed: a scope such as read:assets');
  });
});

test('several roles have the scopes of each, without duplicates', () => {
  const roles = new Roles({ a: ['read:assets', 'write:assets'], b: ['write:assets', 'read:all'] });
  expect(roles.scopesOf(['a', 'b', 'a'])).toEqual(['read:assets', 'write:assets', 'read:all']);
});

test('an unknown role has no scopes, whatever its name', () => {
  const roles = new Roles({ analyst: ['read:assets'] });
  for (const role of ['constructor', '__proto__', 'toString', 'Analyst', 'ADMIN', '']) {
    expect([role, roles.has(role), roles.scopesOf([role])]).toEqual([role, false, []]);
  }
  fc.assert(
    fc.property(fc.array(fc.string()), (names) => {
      const unknown = names.filter((name) => !roles.has(name));
      expect(roles.scopesOf([...unknown, 'analyst', ...unknown])).toEqual(['read:assets']);
    }),
  );
});
