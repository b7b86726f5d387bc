import { createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose';
import { authenticated, type AuthenticatedPrincipal } from '../../../../src/core/auth/principal.js';
import { DERIVED_TYPE, MAX_DERIVED_LENGTH } from '../../../../src/core/auth/signing/derivedForm.js';
import { DerivedTokens, type DeriveInput } from '../../../../src/core/auth/signing/derivedTokens.js';
import { PrincipalTokens } from '../../../../src/core/auth/signing/principalTokens.js';
import { PublishedKeys } from '../../../../src/core/auth/signing/publishedKeys.js';
import { signedToken } from '../../../../src/core/auth/signing/signedToken.js';
import { LEEWAY, LONGEST_TOKEN, SigningKeys, SIGNS_FOR } from '../../../../src/core/auth/signing/processKeys.js';
import { Authors } from '../../../../src/core/keys/author.js';
import { StoreUnavailable } from '../../../../src/core/store/storeErrors.js';
import { Roles } from '../../../../src/core/scopes/roles.js';
import { ISSUER, NOON, openHarness, type Harness } from '../harness.js';
import { runs } from '../../../support/runs.js';

const MINUTE = 60_000;
const NOW = NOON / 1_000;

let latchkey: Harness;
let keys: SigningKeys;
let derived: DerivedTokens;
let checked: ReturnType<Harness['authenticator']>;
beforeEach(async () => {
  latchkey = await openHarness();
  const now = () => latchkey.clock.now;
  const { store } = latchkey;
  keys = new SigningKeys({ store: store.signingKeys, now });
  derived = new DerivedTokens({
    keys,
    issuer: ISSUER,
    now,
    authors: new Authors({ store, now, roles: () => new Roles() }),
  });
  checked = latchkey.authenticator();
  await keys.ready();
});
afterEach(async () => {
  await keys.close();
  await latchkey.close();
});

type Issued = Awaited<ReturnType<Harness['issue']>>;
const given = async (
  fields: Parameters<Harness['issue']>[0] = {},
): Promise<Issued & { actor: AuthenticatedPrincipal }> => {
  const issued = await latchkey.issue({ scopes: ['read:orders', 'write:orders', 'read:stock'], ...fields });
  return { ...issued, actor: await latchkey.authenticator().authenticate(issued.token, '192.0.2.1') };
};
const derive = async (actor: AuthenticatedPrincipal, input: Partial<DeriveInput> = {}): Promise<string> =>
  (await derived.derive(actor, { scopes: ['read:orders'], ttl: 15 * MINUTE, ...input })).token;
const refused = (reason: string) => ({ details: { code: 'UNAUTHENTICATED', reason } });

/** Signs any claims, like a process that has a key. */
const signed = (claims: JWTPayload, { typ = DERIVED_TYPE, signer = keys.signer(latchkey.clock.now) } = {}): string =>
  signedToken(signer, typ, claims);
const claimsFor = (keyId: string): JWTPayload => ({
  ...{ iss: ISSUER, aud: ISSUER, sub: keyId, iat: NOW, exp: NOW + 60, jti: 'j1' },
  ...{ key_id: keyId, scope: 'read:orders' },
});

describe('a derived token', () => {
  test('has the claims of its key and fewer scopes', async () => {
    const { key, actor } = await given();
    const result = await derived.derive(actor, { scopes: ['read:orders', 'read:orders'], ttl: 5 * MINUTE });
    expect(result).toMatchObject({ expiresAt: NOON + 5 * MINUTE, scopes: ['read:orders'], audience: ISSUER });
    expect(decodeJwt(result.token)).toEqual({
      ...{ iss: ISSUER, aud: ISSUER, sub: key.id, iat: NOW, exp: NOW + 300, jti: result.id, kind: 'key' },
      ...{ workspace: 'default', key_id: key.id, scope: 'read:orders', plan: 'GROWTH' },
    });
    expect(decodeProtectedHeader(result.token)).toMatchObject({ alg: 'EdDSA', typ: 'latchkey-derived+jwt' });
  });

  test('is accepted like its key, with its own scopes and the same limits', async () => {
    const { key, actor } = await given();
    const principal = await checked.authenticate(await derive(actor));
    expect(principal).toEqual({ ...actor, scopes: ['read:orders'], tokenId: expect.any(String) });
    expect(principal.familyId).toBe(key.familyId);
    expect(Object.isFrozen(principal)).toBe(true);
    expect(latchkey.uses.at(-1)).toEqual([key.id, NOON]);
  });

  test('is read and verified once: later requests create no promise and read nothing', async () => {
    const { actor } = await given();
    const token = await derive(actor);
    latchkey.reads.splice(0);
    const first = await checked.authenticate(token);
    expect(latchkey.reads.splice(0)).toEqual(['signingKeys.find', 'findForDerived']);
    expect(checked.atOnce(token)).toBe(first);
    const second = await derive(actor);
    await checked.authenticate(second);
    expect(latchkey.reads.splice(0)).toEqual([]);
    latchkey.clock.now += 1_000;
    await checked.authenticate(token);
    expect(latchkey.reads.splice(0)).toEqual(['findForDerived']);
  });

  test('is read once for many concurrent requests', async () => {
    const { actor } = await given();
    const token = await derive(actor);
    latchkey.reads.splice(0);
    await Promise.all(Array.from({ length: 50 }, () => checked.authenticate(token, '192.0.2.1')));
    expect(latchkey.reads).toEqual(['signingKeys.find', 'findForDerived']);
  });

  test('is valid until exactly its end', async () => {
    const { actor } = await given();
    const token = await derive(actor, { ttl: MINUTE });
    latchkey.clock.now = NOON + MINUTE - 1;
    await checked.authenticate(token);
    latchkey.clock.now += 1;
    await expect(checked.authenticate(token)).rejects.toMatchObject(refused('expired'));
    await expect(latchkey.authenticator().authenticate(token)).rejects.toMatchObject(refused('expired'));
  });

  test('ends with its key, if that is earlier', async () => {
    const { actor } = await given({ expiresAt: NOON + 90_000 });
    const result = await derived.derive(actor, { scopes: ['read:orders'], ttl: 15 * MINUTE });
    expect(result.expiresAt).toBe(NOON + 90_000);
  });

  test('of a key with a wide scope has the narrow ones that it names', async () => {
    const { actor } = await given({ scopes: ['admin', 'read:all'] });
    expect(await checked.authenticate(await derive(actor))).toMatchObject({ scopes: ['read:orders'] });
  });

  test('never has admin or platform, even if its claims say so', async () => {
    const { key } = await given({ scopes: ['admin', 'platform'] });
    const token = signed({ ...claimsFor(key.id), scope: 'admin platform read:orders' });
    expect(await checked.authenticate(token)).toMatchObject({ scopes: ['read:orders'] });
  });
});

describe('the key of a derived token', () => {
  const changeOf = ({ lookupId }: { readonly lookupId: string }) => ({ kind: 'key', lookupId }) as const;

  test('ends it by its revocation: at once in this process, and elsewhere within the time of the cache', async () => {
    const { key, actor } = await given();
    const token = await derive(actor);
    const elsewhere = latchkey.authenticator();
    await checked.authenticate(token);
    await elsewhere.authenticate(token);
    await latchkey.store.keys.revoke(key.id, null, null, { at: NOON });
    checked.forget(changeOf(key));
    await expect(checked.authenticate(token)).rejects.toMatchObject(refused('revoked'));
    latchkey.clock.now = NOON + 999;
    await elsewhere.authenticate(token);
    latchkey.clock.now = NOON + 1_000;
    await expect(elsewhere.authenticate(token)).rejects.toMatchObject({
      message: 'The key of this derived token was revoked. Derive a new token with a valid key.',
    });
    await expect(derive(actor)).rejects.toMatchObject(refused('revoked'));
  });

  test('ends it by its expiry, even while its record is cached', async () => {
    const { key, actor } = await given();
    const token = await derive(actor, { ttl: 60 * MINUTE });
    await latchkey.store.keys.expire(key.id, null, NOON + 500, { at: NOON });
    await checked.authenticate(token);
    latchkey.clock.now = NOON + 500;
    await expect(checked.authenticate(token)).rejects.toMatchObject(refused('expired'));
    await expect(derive(actor)).rejects.toMatchObject(refused('expired'));
  });

  test('ends it when the user is removed, or the key is removed from the store', async () => {
    const user = {
      id: 'usr_1',
      workspaceId: 'default',
      name: 'Ada',
      roles: ['admin'],
      createdAt: NOON,
      externalId: null,
      removedAt: null,
    };
    await latchkey.store.users.add(user);
    const { key, actor } = await given({ userId: user.id });
    const token = await derive(actor);
    await checked.authenticate(token);
    await latchkey.store.users.remove(user.id, 'default', { at: NOON });
    checked.forget({ kind: 'workspace', workspaceId: 'default' });
    await expect(checked.authenticate(token)).rejects.toMatchObject(refused('user_left'));
    await latchkey.store.keys.revoke(key.id, null, null, { at: NOON });
    await latchkey.store.keys.removeEnded(NOON, 100);
    await expect(latchkey.authenticator().authenticate(token)).rejects.toMatchObject(refused('unknown'));
  });

  test('takes scopes away from it, and never adds any', async () => {
    const { key, actor } = await given();
    const token = await derive(actor, { scopes: ['read:orders', 'write:orders'] });
    const update = async (scopes: readonly string[]): Promise<readonly string[]> => {
      await latchkey.store.keys.update(key.id, null, { scopes }, { at: NOON });
      checked.forget(changeOf(key));
      return (await checked.authenticate(token)).scopes;
    };
    expect(await update(['read:orders', 'read:stock'])).toEqual(['read:orders']);
    expect(await update(['read:all'])).toEqual(['read:orders']);
    expect(await update(['read:stock'])).toEqual([]);
    expect(await update(['admin'])).toEqual(['read:orders', 'write:orders']);
  });

  test('restricts it to its addresses, documents and project', async () => {
    const documents = ['a'.repeat(64)];
    await latchkey.store.projects.create({ id: 'prj_1', workspaceId: 'default', name: 'shop', createdAt: NOON });
    const { actor } = await given({ allowedAddresses: ['192.0.2.1'], trustedDocuments: documents, projectId: 'prj_1' });
    const token = await derive(actor);
    const principal = await checked.authenticate(token, '192.0.2.1');
    expect(principal).toMatchObject({ trustedDocuments: new Set(documents), projectId: 'prj_1' });
    await expect(checked.authenticate(token, '192.0.2.2')).rejects.toMatchObject({
      details: { code: 'ADDRESS_NOT_ALLOWED' },
    });
    await expect(checked.authenticate(token)).rejects.toMatchObject({ details: { code: 'ADDRESS_NOT_ALLOWED' } });
  });

  test('does not count the addresses of its tokens as new ones', async () => {
    const { actor } = await given();
    const token = await derive(actor);
    const before = latchkey.addresses.length;
    await checked.authenticate(token, '198.51.100.7');
    expect(latchkey.addresses.slice(before)).toEqual([null]);
  });
});

describe('deriving is refused', () => {
  const principal = (fields: Partial<AuthenticatedPrincipal>): AuthenticatedPrincipal =>
    authenticated({
      ...{ kind: 'key', keyId: 'key_1', familyId: 'key_1', workspaceId: 'default', projectId: null, userId: null },
      ...{ tier: 'GROWTH', keyType: 'SECRET', scopes: ['read:orders'] },
      ...fields,
    });

  test.each(['configured', 'oidc', 'operator'] as const)('for a credential of kind %s', async (kind) => {
    const attempt = derive(principal({ kind }));
    await expect(attempt).rejects.toMatchObject({
      details: { code: 'FORBIDDEN' },
      message: expect.stringMatching(/Create a key/),
    });
  });

  test('for a derived token', async () => {
    const { actor } = await given();
    const child = await checked.authenticate(await derive(actor));
    await expect(derive(child)).rejects.toMatchObject({
      details: { code: 'FORBIDDEN' },
      message: expect.stringMatching(/with the key itself/),
    });
  });

  test.each<[string, Partial<DeriveInput>, object]>([
    [
      'a scope that the key does not have',
      { scopes: ['read:orders', 'write:stock'] },
      { code: 'SCOPE_NOT_HELD', missing: ['write:stock'] },
    ],
    ['admin', { scopes: ['admin'] }, { code: 'BAD_USER_INPUT', path: ['input', 'scopes'] }],
    ['platform', { scopes: ['platform'] }, { code: 'BAD_USER_INPUT', path: ['input', 'scopes'] }],
    ['an invalid scope', { scopes: ['read orders'] }, { code: 'BAD_USER_INPUT', path: ['input', 'scopes'] }],
    ['no scope', { scopes: [] }, { code: 'BAD_USER_INPUT', path: ['input', 'scopes'] }],
    ['101 scopes', { scopes: Array.from({ length: 101 }, (_, i) => `read:o${i}`) }, { code: 'BAD_USER_INPUT' }],
    ['less than a minute', { ttl: MINUTE - 1 }, { code: 'BAD_USER_INPUT', path: ['input', 'ttl'] }],
    ['more than an hour', { ttl: 60 * MINUTE + 1 }, { code: 'BAD_USER_INPUT', path: ['input', 'ttl'] }],
    ['an audience with a space', { audience: 'two words' }, { code: 'BAD_USER_INPUT', path: ['input', 'audience'] }],
    ['an empty audience', { audience: '' }, { code: 'BAD_USER_INPUT', path: ['input', 'audience'] }],
    ['a long audience', { audience: 'x'.repeat(201) }, { code: 'BAD_USER_INPUT', path: ['input', 'audience'] }],
  ])('for %s', async (_, input, details) => {
    const { actor } = await given({ scopes: ['admin'] });
    const { actor: weak } = await given();
    await expect(derive(input.scopes?.includes('admin') === true ? actor : weak, input)).rejects.toMatchObject({
      details,
    });
  });

  test('for a token that would be too long for header fields', async () => {
    const scopes = Array.from({ length: 60 }, (_, i) => `read:${'x'.repeat(60)}${i}`);
    const { actor } = await given({ scopes: ['read:all'] });
    await expect(derive(actor, { scopes })).rejects.toMatchObject({
      details: { path: ['input', 'scopes'] },
      message: expect.stringMatching(/fewer scopes/),
    });
  });
});

describe('is refused as a credential:', () => {
  const jwt = (header: object, payload: object, signature: string): string =>
    `${[header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.${signature}`;

  test('a token for another audience or issuer', async () => {
    const { key, actor } = await given();
    const elsewhere = await derive(actor, { audience: 'https://orders.example' });
    await expect(checked.authenticate(elsewhere)).rejects.toMatchObject({
      ...refused('unknown'),
      message: expect.stringMatching(/another audience/),
    });
    const foreign = signed({ ...claimsFor(key.id), iss: 'https://other.example' });
    await expect(checked.authenticate(foreign)).rejects.toMatchObject({
      ...refused('unknown'),
      message: expect.stringMatching(/another installation/),
    });
  });

  test('a Latchkey-Principal token, even for this audience, and a derived token has another type', async () => {
    const { key, actor } = await given();
    const tokens = new PrincipalTokens({ keys, issuer: ISSUER, now: () => latchkey.clock.now });
    await expect(checked.authenticate(tokens.sign(actor, ISSUER))).rejects.toMatchObject({
      ...refused('malformed'),
      message: expect.stringMatching(/is not a credential/),
    });
    for (const typ of ['JWT', 'at+jwt', 'latchkey-principal+jwt']) {
      await expect(checked.authenticate(signed(claimsFor(key.id), { typ }))).rejects.toMatchObject(
        refused('malformed'),
      );
    }
    expect(decodeProtectedHeader(await derive(actor)).typ).not.toBe('latchkey-principal+jwt');
  });

  test('alg none, and HS256 with the public key as secret', async () => {
    const { key, actor } = await given();
    const { kid } = keys.signer(NOON);
    const payload = claimsFor(key.id);
    const { body } = await new PublishedKeys({ store: latchkey.store.signingKeys, now: () => NOON }).keySet();
    const x = (JSON.parse(body) as { keys: { x: string }[] }).keys[0]?.x ?? '';
    const secrets = [x, Buffer.from(x, 'base64url'), body];
    for (const typ of [DERIVED_TYPE, 'at+jwt']) {
      for (const alg of ['none', 'None', 'HS256', 'RS256', 'ES256', 'Ed25519']) {
        const unsigned = jwt({ alg, typ, kid }, payload, '');
        const signatures = secrets.map((secret) =>
          createHmac('sha256', secret).update(unsigned.slice(0, -1)).digest('base64url'),
        );
        for (const signature of ['', ...signatures]) {
          await expect(checked.authenticate(unsigned + signature)).rejects.toMatchObject({
            details: { code: 'UNAUTHENTICATED' },
          });
        }
      }
    }
    // Duplicate and unknown header members begin like a real token.
    const real = await derive(actor);
    for (const extra of [
      '"alg":"none"',
      '"crit":["b64"],"b64":false',
      `"jwk":{"kty":"OKP","crv":"Ed25519","x":"${x}"}`,
    ]) {
      const header = Buffer.from(`{"alg":"EdDSA","typ":"${DERIVED_TYPE}","kid":"${kid}",${extra}}`).toString(
        'base64url',
      );
      await expect(checked.authenticate([header, ...real.split('.').slice(1)].join('.'))).rejects.toMatchObject({
        details: { code: 'UNAUTHENTICATED' },
      });
    }
  });

  test('a token of a signing key that has ended, even if it has not expired itself', async () => {
    const { key } = await given();
    const signer = keys.signer(NOON);
    latchkey.clock.now = NOON + SIGNS_FOR + LONGEST_TOKEN + LEEWAY - 1;
    const exp = latchkey.clock.now / 1_000 + 600;
    await checked.authenticate(signed({ ...claimsFor(key.id), exp, jti: 'early' }, { signer }));
    latchkey.clock.now += 1;
    await expect(
      checked.authenticate(signed({ ...claimsFor(key.id), exp, jti: 'late' }, { signer })),
    ).rejects.toMatchObject({
      ...refused('unknown'),
      message: expect.stringMatching(/not signed by this installation/),
    });
  });

  test('a token at the bounds of exp and nbf', async () => {
    const { key } = await given();
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: -5, max: 5 }),
        fc.option(fc.integer({ min: -5, max: 5 })),
        fc.uuid(),
        async (end, begin, jti) => {
          const nbf = begin === null ? {} : { nbf: NOW + begin };
          const token = signed({ ...claimsFor(key.id), exp: NOW + end, ...nbf, jti });
          const isValid = end > 0 && (begin ?? 0) <= 0;
          const result = checked.authenticate(token).then(
            () => true,
            () => false,
          );
          expect(await result).toBe(isValid);
        },
      ),
      { numRuns: runs(100) },
    );
    for (const exp of ['soon', null, true, [], {}]) {
      const token = signed({ ...claimsFor(key.id), exp: exp as number });
      await expect(checked.authenticate(token)).rejects.toMatchObject({ details: { code: 'UNAUTHENTICATED' } });
    }
  });

  test('a token with claims of other types, or without them', async () => {
    const { key } = await given();
    for (const name of ['jti', 'key_id', 'scope', 'exp', 'iss', 'aud']) {
      for (const value of [undefined, null, 7, ['a'], { a: 1 }, '\0']) {
        const token = signed({ ...claimsFor(key.id), [name]: value });
        if (name === 'jti' && value === '\0') continue;
        if (name === 'scope' && value === '\0') continue;
        await expect(checked.authenticate(token)).rejects.toMatchObject({ details: { code: 'UNAUTHENTICATED' } });
      }
    }
    for (const keyId of ['key_none', 'x'.repeat(65), "' OR 1=1", 'operator']) {
      await expect(checked.authenticate(signed(claimsFor(keyId)))).rejects.toMatchObject(refused('unknown'));
    }
  });

  test('any token with a changed character', async () => {
    const { actor } = await given();
    const token = await derive(actor);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(token.length - 2),
        fc.constantFrom(...'AZaz09-_.=~ é'.split('')),
        async (i, character) => {
          if (token[i] === character) return;
          const changed = token.slice(0, i) + character + token.slice(i + 1);
          await expect(latchkey.authenticator().authenticate(changed)).rejects.toMatchObject({
            details: { code: 'UNAUTHENTICATED' },
          });
        },
      ),
      { numRuns: runs(300) },
    );
  });

  test('a huge token, before anything is read', async () => {
    const { actor } = await given();
    const token = await derive(actor);
    latchkey.reads.splice(0);
    const pads = [MAX_DERIVED_LENGTH - token.length + 1, 8_000 - token.length, 1e6];
    for (const pad of pads) {
      await expect(checked.authenticate(token + 'A'.repeat(pad))).rejects.toMatchObject(refused('malformed'));
    }
    expect(latchkey.reads).toEqual([]);
  });

  test('every token while keys are disabled', async () => {
    const { actor } = await given();
    const token = await derive(actor);
    await checked.authenticate(token);
    const { ConfiguredKeys } = await import('../../../../src/core/auth/configuredKeys.js');
    checked.configure(false, ConfiguredKeys.NONE);
    await expect(checked.authenticate(token)).rejects.toMatchObject({
      ...refused('unknown'),
      message: expect.stringMatching(/disabled/),
    });
  });
});

describe('unknown signing keys', () => {
  const stranger = (): { kid: string; sign: () => string } => ({
    kid: randomBytes(32).toString('base64url'),
    sign: () => randomBytes(64).toString('base64url'),
  });

  test('are read once each, and their tokens count as failures of the address', async () => {
    const { key } = await given();
    const signer = stranger();
    latchkey.reads.splice(0);
    for (let i = 0; i < 5; i += 1) {
      const token = signed({ ...claimsFor(key.id), jti: `j${i}` }, { signer });
      await expect(checked.authenticate(token, '192.0.2.1')).rejects.toMatchObject(refused('unknown'));
    }
    expect(latchkey.reads.splice(0)).toEqual(['signingKeys.find']);
    for (let i = 5; i < 300; i += 1) {
      await expect(
        checked.authenticate(signed(claimsFor(key.id), { signer: stranger() }), '192.0.2.1'),
      ).rejects.toMatchObject(refused('unknown'));
    }
    latchkey.reads.splice(0);
    for (let i = 0; i < 100; i += 1) {
      await expect(
        checked.authenticate(signed(claimsFor(key.id), { signer: stranger() }), '192.0.2.1'),
      ).rejects.toMatchObject({
        details: { code: 'RATE_LIMITED' },
      });
    }
    expect(latchkey.reads).toHaveLength(20);
  });

  test('with an ID in another form are not read', async () => {
    const { key } = await given();
    latchkey.reads.splice(0);
    for (const kid of ['', 'x', 'a'.repeat(44), '\0'.repeat(43), '../../etc/passwd']) {
      const token = signed(claimsFor(key.id), { signer: { kid, sign: () => 'AA' } });
      await expect(checked.authenticate(token)).rejects.toMatchObject(refused('unknown'));
    }
    expect(latchkey.reads).toEqual([]);
  });

  test('a valid token behind an address over its limit is still accepted', async () => {
    const { key, actor } = await given();
    for (let i = 0; i < 301; i += 1) {
      await checked.authenticate(signed(claimsFor(key.id), { signer: stranger() }), '192.0.2.1').catch(() => undefined);
    }
    const principal = await checked.authenticate(await derive(actor), '192.0.2.1');
    expect(principal.keyId).toBe(key.id);
  });

  test('an unavailable store is not a failure, and nothing is cached', async () => {
    const { key, actor } = await given();
    const token = await derive(actor);
    const { store } = latchkey;
    latchkey.readFrom({
      ...store,
      signingKeys: { ...store.signingKeys, find: () => Promise.reject(new StoreUnavailable(new Error('away'))) },
    });
    for (let i = 0; i < 400; i += 1) {
      await expect(checked.authenticate(token, '192.0.2.1')).rejects.toMatchObject({
        details: { code: 'UNAVAILABLE' },
      });
    }
    latchkey.readFrom(store);
    expect((await checked.authenticate(token, '192.0.2.1')).keyId).toBe(key.id);
  });
});
