import fc from 'fast-check';
import { tokenHolderOf, workspaceOf } from '../../../../src/core/auth/oidc/claims.js';
import { oidcConfiguration } from '../../../../src/core/auth/oidc/oidcConfiguration.js';
import { isId } from '../../../../src/core/keys/keyInput.js';
import { parseScope } from '../../../../src/core/scopes/grammar.js';
import { Roles } from '../../../../src/core/scopes/roles.js';

/** Names of a claim, of a nested claim, and of inherited properties. */
const NAMES = ['scope', 'roles', 'realm_access.roles', 'constructor', '__proto__.toString', 'a..b', '.', 'sub'];
const ROLES = new Roles({ analyst: ['read:all', 'write:events'] });

const words = fc.constantFrom(
  'read:a',
  'write:b',
  'admin',
  'platform',
  'analyst',
  'viewer',
  'openid',
  '',
  ' ',
  'READ:A',
);
const claim = fc.oneof(
  fc.array(words).map((list) => list.join(' ')),
  fc.array(fc.oneof(words, fc.jsonValue())),
  fc.record({ roles: fc.array(words) }),
  fc.jsonValue(),
);
const claims = fc.dictionary(
  fc.constantFrom('scope', 'roles', 'realm_access', 'client_id', 'azp', 'constructor'),
  claim,
);

test('grants only valid scopes, never platform, for any claims, and freezes the principal', () => {
  fc.assert(
    fc.property(claims, fc.constantFrom(...NAMES), fc.constantFrom(...NAMES), (given, scopesClaim, rolesClaim) => {
      const oidc = oidcConfiguration({ issuer: 'https://a.example', audience: 'a', scopesClaim, rolesClaim });
      const held = tokenHolderOf({ ...given, iss: 'https://a.example', sub: 's', exp: 1 }, oidc, {
        workspaceId: 'default',
        tier: 'GROWTH',
        roles: ROLES,
      });
      expect(held.keyId).toMatch(/^oidc_[0-9a-f]{16}$/);
      expect(held.scopes.filter((scope) => parseScope(scope) === null || scope === 'platform')).toEqual([]);
      expect(new Set(held.scopes).size).toBe(held.scopes.length);
      expect(Object.isFrozen(held.scopes)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('grants platform through a role that the operator defined', () => {
  const oidc = oidcConfiguration({ issuer: 'https://a.example', audience: 'a' });
  const { scopes } = tokenHolderOf({ iss: 'i', sub: 's', exp: 1, roles: ['root'] }, oidc, {
    workspaceId: 'default',
    tier: 'GROWTH',
    roles: new Roles({ root: ['platform'] }),
  });
  expect(scopes).toEqual(['platform']);
});

test('reads the workspace claim as an ID or null', () => {
  const oidc = oidcConfiguration({ issuer: 'https://a.example', audience: 'a', workspaceClaim: 'org' });
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), fc.string(), fc.constant('ws_a')), (org) => {
      const id = workspaceOf({ iss: 'i', sub: 's', exp: 1, org }, oidc);
      expect(id === null || (id === org && isId(id))).toBe(true);
    }),
  );
});
