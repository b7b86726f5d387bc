import fc from 'fast-check';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { PrincipalTokens } from '../../../../src/core/auth/signing/principalTokens.js';
import type { SigningKeys } from '../../../../src/core/auth/signing/processKeys.js';
import { OperatorKey } from '../../../../src/core/auth/operator.js';
import { ANONYMOUS, authenticated, type AuthenticatedPrincipal } from '../../../../src/core/auth/principal.js';
import { PUBLISHED_TIERS } from '../../../../src/core/limits/tierNames.js';
import { NOON, openSigningBench, type SigningBench } from './bench.js';
import { runs } from '../../../support/runs.js';

let bench: SigningBench;
let keys: SigningKeys;
let tokens: PrincipalTokens;
beforeEach(async () => {
  bench = await openSigningBench();
  keys = bench.process();
  tokens = new PrincipalTokens({ keys, issuer: 'https://keys.example', now: () => bench.clock.now });
  await tokens.ready();
});
afterEach(() => bench.close());

const UPSTREAM = 'https://orders.example';

function aPrincipal(fields: Partial<AuthenticatedPrincipal> = {}): AuthenticatedPrincipal {
  return authenticated({
    kind: 'key',
    keyId: 'key_1',
    familyId: 'key_0',
    workspaceId: 'ws_1',
    projectId: 'prj_1',
    userId: 'usr_1',
    tier: 'GROWTH',
    keyType: 'SECRET',
    scopes: ['read:orders', 'write:orders'],
    ...fields,
  });
}

const verified = (token: string) =>
  bench.verified(token, {
    issuer: 'https://keys.example',
    audience: UPSTREAM,
    typ: 'latchkey-principal+jwt',
    algorithms: ['EdDSA'],
    requiredClaims: ['sub', 'exp', 'iat', 'jti'],
  });

describe('Latchkey-Principal', () => {
  test('describes a key, and jose verifies it', async () => {
    const { payload, protectedHeader } = await verified(tokens.sign(aPrincipal(), UPSTREAM));
    expect(payload).toEqual({
      iss: 'https://keys.example',
      aud: UPSTREAM,
      sub: 'key_1',
      iat: NOON / 1_000,
      exp: NOON / 1_000 + 60,
      jti: expect.any(String),
      kind: 'key',
      workspace: 'ws_1',
      project: 'prj_1',
      user: 'usr_1',
      key_id: 'key_1',
      scope: 'read:orders write:orders',
      plan: 'GROWTH',
    });
    expect(protectedHeader).toEqual({ alg: 'EdDSA', typ: 'latchkey-principal+jwt', kid: keys.signer(NOON).kid });
  });

  test('omits claims for values that a caller does not have', async () => {
    const { payload } = await verified(tokens.sign({ ...ANONYMOUS, network: '192.0.2.1' }, UPSTREAM));
    const { iss: _, aud: __, iat: ___, exp: ____, jti: _____, ...own } = payload;
    expect(own).toEqual({ sub: 'anonymous', kind: 'anonymous', scope: '' });
    const operator = new OperatorKey('o'.repeat(32)).principal('GROWTH');
    expect((await verified(tokens.sign(operator, UPSTREAM))).payload).toMatchObject({
      ...{ sub: 'operator', kind: 'operator', workspace: 'default', key_id: 'operator', scope: 'platform' },
    });
    const oidc = aPrincipal({ kind: 'oidc', keyId: 'oidc_1', userId: null, projectId: null });
    const { payload: claims } = await verified(tokens.sign(oidc, UPSTREAM));
    expect(claims).toMatchObject({ sub: 'oidc_1', kind: 'oidc', key_id: 'oidc_1' });
    expect(Object.keys(claims)).not.toEqual(expect.arrayContaining(['user']));
  });

  test('is the same for 30 seconds, and valid for at least 30 more', async () => {
    const first = tokens.sign(aPrincipal(), UPSTREAM);
    bench.clock.now = NOON + 29_999;
    // A record that was read again has another principal with the same fields.
    expect(tokens.sign(aPrincipal(), UPSTREAM)).toBe(first);
    bench.clock.now = NOON + 59_999;
    await expect(verified(first)).resolves.toBeDefined();
    bench.clock.now = NOON + 60_000;
    await expect(verified(first)).rejects.toThrow('exp');
    bench.clock.now = NOON + 30_000;
    expect(tokens.sign(aPrincipal(), UPSTREAM)).not.toBe(first);
    bench.clock.now = NOON - 30_000;
    expect(decodeJwt(tokens.sign(aPrincipal(), UPSTREAM)).iat).toBe(NOON / 1_000 - 30);
  });

  test.each<Partial<AuthenticatedPrincipal>>([
    { scopes: ['read:orders'] },
    { scopes: ['read:orders', 'admin'] },
    { tier: 'STARTER' },
    { workspaceId: 'ws_2' },
    { projectId: null },
    { userId: null },
    { kind: 'configured' },
  ])('is signed again as soon as the key has %j', (change) => {
    const before = tokens.sign(aPrincipal(), UPSTREAM);
    expect(tokens.sign(aPrincipal(change), UPSTREAM)).not.toBe(before);
  });

  test('is for one audience', async () => {
    const [one, two] = [tokens.sign(aPrincipal(), UPSTREAM), tokens.sign(aPrincipal(), 'https://other.example')];
    expect(decodeJwt(two).aud).toBe('https://other.example');
    expect(tokens.sign(aPrincipal(), UPSTREAM)).toBe(one);
    await expect(verified(two)).rejects.toThrow('aud');
  });

  test('names the key that signed it after a rotation', async () => {
    const old = decodeProtectedHeader(tokens.sign(aPrincipal(), UPSTREAM)).kid;
    bench.clock.now = NOON + 11 * 3_600_000;
    await keys.renew();
    bench.clock.now = NOON + 12 * 3_600_000;
    const token = tokens.sign(aPrincipal(), UPSTREAM);
    expect(decodeProtectedHeader(token).kid).not.toBe(old);
    await expect(verified(token)).resolves.toBeDefined();
  });

  test('keeps a bounded number of tokens', () => {
    const scopes = Array.from({ length: 40 }, (_, i) => `read:collection${i}`);
    const first = tokens.sign(aPrincipal(), UPSTREAM);
    const size = tokens.sign(aPrincipal({ keyId: 'key_big', scopes }), UPSTREAM).length;
    for (let i = 0; i < (16 * 2 ** 20) / size + 1; i += 1)
      tokens.sign(aPrincipal({ keyId: `key_${i}_`, scopes }), UPSTREAM);
    expect(tokens.sign(aPrincipal(), UPSTREAM)).not.toBe(first);
  });

  test('carries the claims of any principal, and no changed character verifies', async () => {
    const text = fc.string({ minLength: 1, maxLength: 40 });
    const principals = fc.record({
      keyId: text,
      workspaceId: text,
      userId: fc.option(text),
      tier: fc.constantFrom(...PUBLISHED_TIERS),
      scopes: fc.array(fc.stringMatching(/^[a-z]{1,9}:[a-z]{1,9}$/), { maxLength: 20 }),
    });
    await fc.assert(
      fc.asyncProperty(principals, fc.nat(), fc.nat(255), async (fields, at, value) => {
        const token = tokens.sign(aPrincipal(fields), UPSTREAM);
        const { payload } = await verified(token);
        expect(payload).toMatchObject({ sub: fields.keyId, workspace: fields.workspaceId, plan: fields.tier });
        expect([payload.user ?? null, payload.scope]).toEqual([fields.userId, fields.scopes.join(' ')]);
        const i = at % token.length;
        const changed = token.slice(0, i) + String.fromCharCode(value) + token.slice(i + 1);
        // The last character of a signature has two bits that base64url ignores.
        if (i === token.length - 1 || changed === token) return;
        await expect(verified(changed)).rejects.toThrow();
      }),
      { numRuns: runs(200) },
    );
  });
});
