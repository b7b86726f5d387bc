import { tokenHolderOf, workspaceOf } from '../../../../src/core/auth/oidc/claims.js';
import { oidcConfiguration, type OidcOptions } from '../../../../src/core/auth/oidc/oidcConfiguration.js';
import { Roles } from '../../../../src/core/scopes/roles.js';

const GUID = '8f3c1f0e-6b2d-4c1a-9e57-0d2b6c1f4a11';
const DIGITS = '0f3c1f0e-6b2d-4c1a-9e57-0d2b6c1f4a11';
const NAMES = [GUID, DIGITS, '/team/admins', 'Data Platform Team', 'CN=admins,OU=Groups,DC=example', 'équipe données'];

const scopesOf = (claims: object, options: Partial<OidcOptions> = {}, defined: Record<string, string[]> = {}) =>
  tokenHolderOf(
    { iss: 'https://a.example', sub: 's', exp: 1, ...claims },
    oidcConfiguration({ issuer: 'https://a.example', audience: 'a', ...options }),
    { workspaceId: 'default', tier: 'GROWTH', roles: new Roles(defined) },
  ).scopes;

describe('role names', () => {
  it.each(NAMES)('grants the scopes of the role %s, and nothing for a similar name', (name) => {
    const defined = { [name]: ['write:events'] };
    expect(scopesOf({ roles: [name] }, {}, defined)).toEqual(['write:events']);
    expect(scopesOf({ roles: name }, {}, defined)).toEqual(['write:events']);
    for (const other of [name.slice(0, -1), `${name}x`, ` ${name} `, name.toUpperCase()]) {
      expect(scopesOf({ roles: [other] }, {}, defined)).toEqual([]);
    }
  });

  it('reads a text that is a role with spaces as one role, not as its words', () => {
    const defined = { 'Team admins': ['read:all'], admins: ['write:all'] };
    expect(scopesOf({ roles: 'Team admins' }, {}, defined)).toEqual(['read:all']);
    expect(scopesOf({ roles: 'admins' }, {}, defined)).toEqual(['write:all']);
    expect(scopesOf({ roles: ['Other', 'admins'] }, {}, defined)).toEqual(['write:all']);
  });

  it.each(['Team  admins', 'Team admins x', 'Other admins', 'admins Team'])(
    'reads no word of a role name with spaces from the text %j, but every other role',
    (roles) => {
      const defined = { 'Team admins': ['read:all'], admins: ['write:all'] };
      expect(scopesOf({ roles }, {}, defined)).toEqual([]);
      expect(scopesOf({ roles: `${roles} viewer` }, {}, defined)).toEqual(['read:all']);
    },
  );

  it('treats composed and decomposed names as equal', () => {
    expect(scopesOf({ roles: ['e\u0301quipe'] }, {}, { équipe: ['read:all'] })).toEqual(['read:all']);
  });

  it.each(['', ' a', 'a ', 'a  b', 'a\tb', 'a\nb', 'a\u0000', 'a\u202eb', 'a\u200bb', 'a\u00a0b', 'x'.repeat(129)])(
    'refuses the name %j',
    (name) => {
      expect(() => new Roles({ [name]: ['read:all'] })).toThrow('is not a valid role name');
    },
  );
});

describe('dots in the name of a claim', () => {
  const NAME = 'https://example.com/roles';

  it('finds a claim with dots in its name before any path', () => {
    expect(scopesOf({ [NAME]: ['viewer'] }, { rolesClaim: NAME })).toEqual(['read:all']);
    expect(scopesOf({ 'a.b': ['viewer'], a: { b: ['admin'] } }, { rolesClaim: 'a.b' })).toEqual(['read:all']);
    expect(scopesOf({ a: { b: ['viewer'] } }, { rolesClaim: 'a.b' })).toEqual(['read:all']);
  });

  it('uses a list only as a path of exact names', () => {
    const rolesClaim = ['resource_access', 'my.client', 'roles'];
    expect(scopesOf({ resource_access: { 'my.client': { roles: ['viewer'] } } }, { rolesClaim })).toEqual(['read:all']);
    expect(scopesOf({ resource_access: { my: { client: { roles: ['admin'] } } } }, { rolesClaim })).toEqual([]);
    const split = { 'https://example': { 'com/roles': ['admin'] } };
    expect(scopesOf(split, { rolesClaim: [NAME] })).toEqual([]);
    expect(scopesOf({ ...split, [NAME]: ['viewer'] }, { rolesClaim: [NAME] })).toEqual(['read:all']);
    expect(scopesOf({}, { rolesClaim: ['constructor', 'name'] })).toEqual([]);
  });

  it('works the same for scopes and workspaces', () => {
    expect(scopesOf({ 'x.y': 'read:assets' }, { scopesClaim: ['x.y'] })).toEqual(['read:assets']);
    const oidc = oidcConfiguration({ issuer: 'https://a.example', audience: 'a', workspaceClaim: ['org.id'] });
    const claims = { iss: 'https://a.example', sub: 's', exp: 1 };
    expect(workspaceOf({ ...claims, 'org.id': 'acme' }, oidc)).toBe('acme');
    expect(workspaceOf({ ...claims, org: { id: 'acme' } }, oidc)).toBeNull();
  });

  it.each([[[]], [['']], [Array(11).fill('a')], [['a', 1]], [{}], ['é']])('refuses %j as a claim', (rolesClaim) => {
    expect(() =>
      oidcConfiguration({ issuer: 'https://a.example', audience: 'a', rolesClaim: rolesClaim as never }),
    ).toThrow(/rolesClaim .*the name of a claim/);
  });
});
