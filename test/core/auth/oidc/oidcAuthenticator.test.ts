import { createHash } from 'node:crypto';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { ConfiguredKeys } from '../../../../src/core/auth/configuredKeys.js';
import { oidcConfiguration, type OidcOptions } from '../../../../src/core/auth/oidc/oidcConfiguration.js';
import { openSqliteStore } from '../../../../src/core/store/sqlite/open.js';
import { AUDIENCE, startIssuer, type Issuer } from '../../../support/issuer.js';
import { openHarness, type Harness } from '../harness.js';

let issuer: Issuer;
let latchkey: Harness;
beforeAll(async () => void (issuer = await startIssuer()));
afterAll(() => issuer.leave());
beforeEach(async () => {
  latchkey = await openHarness();
  latchkey.clock.now = Date.now();
});
afterEach(() => latchkey.close());

const TTL = 1_000;
const refused = (reason: string) => expect.objectContaining({ details: { code: 'UNAUTHENTICATED', reason } });
const AWAY = { details: { code: 'UNAVAILABLE', retryAfter: 5 } };
const seconds = (): number => Math.floor(latchkey.clock.now / 1_000);

function start(options: Partial<OidcOptions> = {}) {
  const authenticator = latchkey.authenticator();
  const trust = (more: Partial<OidcOptions> = {}): void =>
    authenticator.configure(
      true,
      ConfiguredKeys.NONE,
      oidcConfiguration({ issuer: issuer.url, audience: AUDIENCE, ...options, ...more }),
    );
  trust();
  return { ...authenticator, trust };
}

describe('an access token', () => {
  it('has a principal with its subject, client and issuer, its workspace and tier, and its scopes', async () => {
    const principal = await start().authenticate(await issuer.issue({ scope: 'read:assets write:all email' }));
    const id = createHash('sha256')
      .update(JSON.stringify([issuer.url, 'reporter', 'reporter']))
      .digest('hex');
    expect(principal).toEqual({
      kind: 'oidc',
      keyId: `oidc_${id.slice(0, 16)}`,
      familyId: `oidc_${id.slice(0, 16)}`,
      workspaceId: 'default',
      projectId: null,
      userId: null,
      trustedDocuments: null,
      tier: 'GROWTH',
      keyType: 'SECRET',
      scopes: ['read:assets', 'write:all'],
    });
    expect(Object.isFrozen(principal) && Object.isFrozen(principal.scopes)).toBe(true);
    // The store has no record of the token, so its use is not recorded.
    expect(latchkey.uses).toEqual([]);
  });

  it('is accepted without a promise or a read after it was verified, and is verified again after ttl', async () => {
    const authenticator = start();
    const token = await issuer.issue();
    const principal = await authenticator.authenticate(token);
    expect(latchkey.reads.splice(0)).toEqual(['workspaces.find']);
    for (let i = 0; i < 1_000; i++) expect(authenticator.atOnce(token)).toBe(principal);
    expect(latchkey.reads).toEqual([]);
    latchkey.clock.now += TTL;
    expect(await authenticator.authenticate(token)).toEqual(principal);
    expect(latchkey.reads).toEqual(['workspaces.find']);
  });

  it('is verified once for four hundred concurrent requests, which count as no failures', async () => {
    const authenticator = start();
    const token = await issuer.issue();
    await Promise.all(Array.from({ length: 400 }, () => authenticator.authenticate(token, '192.0.2.1')));
    expect(latchkey.reads).toEqual(['workspaces.find']);
    await authenticator.authenticate(await issuer.issue(), '192.0.2.1');
  });

  it('applies a changed tier immediately after the change was announced', async () => {
    const authenticator = start();
    const token = await issuer.issue();
    await authenticator.authenticate(token);
    await latchkey.store.workspaces.setTier('default', 'STARTER', latchkey.clock.now);
    authenticator.forget({ kind: 'workspace', workspaceId: 'other' });
    expect(authenticator.atOnce(token)).toMatchObject({ tier: 'GROWTH' });
    authenticator.forget({ kind: 'workspace', workspaceId: 'default' });
    expect(await authenticator.authenticate(token)).toMatchObject({ tier: 'STARTER' });
  });

  it('is another caller for another subject, client or issuer, and the same caller with other scopes', async () => {
    const authenticator = start();
    const id = async (claims: object) => (await authenticator.authenticate(await issuer.sign(claims))).keyId;
    const own = await id({});
    expect(await id({ scope: 'admin' })).toBe(own);
    const others = [
      { sub: 'other' },
      { client_id: 'other' },
      { client_id: undefined },
      { client_id: undefined, azp: 'o' },
    ];
    expect(new Set([own, ...(await Promise.all(others.map(id)))]).size).toBe(5);
    // Joined without a separator, these two would be equal.
    expect(await id({ sub: 'a', client_id: 'bc' })).not.toBe(await id({ sub: 'ab', client_id: 'c' }));
  });

  it('is refused with 503 while the store is unavailable, and accepted afterwards', async () => {
    const authenticator = start();
    const token = await issuer.issue();
    await latchkey.store.close();
    await expect(authenticator.authenticate(token)).rejects.toMatchObject({ details: { code: 'UNAVAILABLE' } });
    latchkey.readFrom(await openSqliteStore({ dir: latchkey.dir }));
    expect(await authenticator.authenticate(token)).toMatchObject({ kind: 'oidc' });
  });

  it.each(['RS256', 'PS256', 'EdDSA'] as const)('may be signed by %s', async (alg) => {
    const other = await startIssuer(alg);
    try {
      expect(await start({ issuer: other.url }).authenticate(await other.issue())).toMatchObject({ kind: 'oidc' });
      await expect(
        start({ issuer: other.url, algorithms: ['ES256'] }).authenticate(await other.issue()),
      ).rejects.toEqual(refused('unknown'));
    } finally {
      await other.leave();
    }
  });
});

describe('the scopes of a token', () => {
  const scopes = async (claims: object, options: Partial<OidcOptions> = {}) =>
    (await start(options).authenticate(await issuer.sign({ scope: undefined, ...claims }))).scopes;

  it.each<[string, object, Partial<OidcOptions>, string[]]>([
    ['scopes as a text', { scope: 'read:a  write:b read:a openid' }, {}, ['read:a', 'write:b']],
    ['scopes as a list', { scp: ['read:a', 'READ:B', 1, null] }, { scopesClaim: 'scp' }, ['read:a']],
    ['the word admin', { scope: 'admin' }, {}, ['admin']],
    // A user who agrees to the scopes that a client requests must not give access to other workspaces.
    ['not the word platform', { scope: 'platform read:a' }, {}, ['read:a']],
    ['no bundle', { scope: 'read-only read-write' }, {}, []],
    ['neither claim', {}, {}, []],
    ['scopes of another form', { scope: { 'read:a': true } }, {}, []],
    ['roles as a list', { roles: ['viewer', 'unknown', 'constructor'] }, {}, ['read:all']],
    ['roles as a text', { roles: 'viewer editor' }, {}, ['read:all', 'write:all']],
    ['both', { scope: 'write:a', roles: ['viewer'] }, {}, ['write:a', 'read:all']],
    ['a path', { realm_access: { roles: ['viewer'] } }, { rolesClaim: 'realm_access.roles' }, ['read:all']],
    ['a name with dots', { 'https://a.b/roles': ['viewer'] }, { rolesClaim: 'https://a.b/roles' }, ['read:all']],
    ['nothing inherited', {}, { rolesClaim: 'constructor.name' }, []],
  ])('%s', async (_, claims, options, expected) => {
    expect(await scopes(claims, options)).toEqual(expected);
  });
});

describe('the workspace of a token', () => {
  it('is read from a claim if one is configured', async () => {
    await latchkey.store.workspaces.ensure({ id: 'ws_a', name: 'a', tier: 'STARTER', createdAt: 0 });
    const authenticator = start({ workspaceClaim: 'org' });
    expect(await authenticator.authenticate(await issuer.sign({ org: 'ws_a' }))).toMatchObject({
      workspaceId: 'ws_a',
      tier: 'STARTER',
    });
    for (const org of [undefined, 'ws_b', '', 1, ['ws_a'], '../ws_a']) {
      const token = await issuer.sign({ org });
      for (let i = 0; i < 2; i++) {
        await expect(authenticator.authenticate(token)).rejects.toEqual(refused('unknown'));
        await expect(authenticator.authenticate(token)).rejects.toThrow('names no workspace');
      }
    }
  });

  it('causes 503 if it is configured but does not exist', async () => {
    await expect(start({ workspace: 'gone' }).authenticate(await issuer.sign())).rejects.toMatchObject(AWAY);
  });
});

describe('a token that is not for this server is refused', () => {
  const rejected = async (token: string, reason: string, options: Partial<OidcOptions> = {}) => {
    const authenticator = start(options);
    await expect(authenticator.authenticate(token)).rejects.toEqual(refused(reason));
    // A refused token is not cached as valid.
    await expect(authenticator.authenticate(token)).rejects.toEqual(refused(reason));
    expect(latchkey.reads).toEqual([]);
  };

  it('by its signature', async () => {
    const { privateKey } = await generateKeyPair('ES256');
    await rejected(await issuer.sign({}, {}, privateKey), 'unknown');
    const [header, payload, signature = ''] = (await issuer.sign()).split('.');
    await rejected(`${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`, 'unknown');
    await rejected(`${header}.${payload}.`, 'unknown');
    const admin = Buffer.from(JSON.stringify({ ...JSON.parse(atob(payload ?? '')), scope: 'admin' }));
    await rejected(`${header}.${admin.toString('base64url')}.${signature}`, 'unknown');
    await rejected(`${header}.AAAA.${signature}`, 'unknown');
  });

  // CVE-2015-9235 and similar: the token chooses the algorithm, and `none` needs no key.
  it.each(['none', 'None', 'NONE', 'nOnE'])('by the algorithm %s', async (alg) => {
    const header = Buffer.from(JSON.stringify({ alg, typ: 'at+jwt' })).toString('base64url');
    const [, payload, signature] = (await issuer.sign()).split('.');
    await rejected(`${header}.${payload}.`, 'unknown');
    await rejected(`${header}.${payload}.${signature}`, 'unknown');
  });

  // CVE-2016-5431 and similar: the public key is used as an HMAC secret.
  it('by HS256 under the public key', async () => {
    const pem = await exportSPKI(issuer.publicKey());
    for (const secret of [pem, pem.trim(), pem.replace(/-.*-|\n/g, '')]) {
      const now = seconds();
      const token = await new SignJWT({ scope: 'admin', client_id: 'reporter' })
        .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' })
        .setIssuer(issuer.url)
        .setAudience(AUDIENCE)
        .setSubject('somebody')
        .setExpirationTime(now + 600)
        .sign(new TextEncoder().encode(secret));
      await rejected(token, 'unknown');
    }
  });

  it('by a key in its header, or at an address in its header (CVE-2018-0114)', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = await exportJWK(publicKey);
    for (const header of [
      { jwk, kid: 'mine' },
      { jku: 'https://evil.example/jwks', kid: 'mine' },
    ]) {
      await rejected(await issuer.sign({}, header, privateKey), 'unknown');
    }
  });

  it('by an unsupported critical header (RFC 7515 section 4.1.11)', async () => {
    const { privateKey } = await generateKeyPair('ES256');
    const token = await issuer.sign({}, {}, privateKey);
    const header = Buffer.from(JSON.stringify({ alg: 'ES256', crit: ['x'], x: 1 })).toString('base64url');
    await rejected(`${header}.${token.split('.').slice(1).join('.')}`, 'unknown');
  });

  it.each<[string, { iss?: unknown; [claim: string]: unknown }, string]>([
    ['another audience', { aud: 'https://other.example' }, 'unknown'],
    ['none', { aud: undefined }, 'unknown'],
    ['an audience that begins alike', { aud: `${AUDIENCE}/more` }, 'unknown'],
    ['another issuer', { iss: 'https://other.example' }, 'unknown'],
    ['no issuer', { iss: undefined }, 'unknown'],
    ['an issuer with a slash more', { iss: 'slash' }, 'unknown'],
    ['no expiry', { exp: undefined }, 'unknown'],
    ['an expiry that is a text', { exp: '9999999999' }, 'unknown'],
    ['no subject', { sub: undefined }, 'unknown'],
    ['an empty subject', { sub: '' }, 'unknown'],
    ['a subject that is no text', { sub: ['somebody'] }, 'unknown'],
    ['a key of its client (RFC 9449)', { cnf: { jkt: 'x' } }, 'unknown'],
  ])('by its claims: %s', async (_, claims, reason) => {
    const given = claims.iss === 'slash' ? { iss: `${issuer.url}/` } : claims;
    await rejected(await issuer.sign(given), reason);
  });

  it('by its audience, if the issuer created it for another server', async () => {
    await rejected(await issuer.issue({ audience: 'https://other.example/' }), 'unknown');
    expect(await start().authenticate(await issuer.sign({ aud: ['https://other.example', AUDIENCE] }))).toMatchObject({
      kind: 'oidc',
    });
  });

  it('by its kind: an ID token, an event, or another type', async () => {
    for (const claim of ['nonce', 'at_hash', 'c_hash', 's_hash', 'events']) {
      await rejected(await issuer.sign({ [claim]: 'x' }, { typ: 'JWT' }), 'unknown');
      await rejected(await issuer.sign({ [claim]: 'x' }, { typ: undefined }), 'unknown');
    }
    for (const typ of ['logout+jwt', 'dpop+jwt', 'secevent+jwt', 'JWS', '']) {
      await rejected(await issuer.sign({}, { typ }), 'unknown');
    }
    for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt', 'JWT']) {
      expect(await start().authenticate(await issuer.sign({}, { typ }))).toMatchObject({ kind: 'oidc' });
    }
    // Its type says that it is an access token, so it may have these claims.
    expect(await start().authenticate(await issuer.sign({ nonce: 'x' }))).toMatchObject({ kind: 'oidc' });
  });
});

describe('times of a token', () => {
  it('are checked in each request, with the clock tolerance, even if the token is cached', async () => {
    const authenticator = start();
    const token = await issuer.sign({ exp: seconds() + 1 });
    const end = (seconds() + 1 + 5) * 1_000;
    latchkey.clock.now = end - 1;
    const principal = await authenticator.authenticate(token);
    expect(authenticator.atOnce(token)).toBe(principal);
    latchkey.clock.now = end;
    expect(() => authenticator.atOnce(token)).toThrow('has expired');
    await expect(authenticator.authenticate(token)).rejects.toEqual(refused('expired'));
    latchkey.clock.now += TTL;
    await expect(authenticator.authenticate(token)).rejects.toEqual(refused('expired'));
    await expect(start({ clockTolerance: 60 }).authenticate(token)).resolves.toMatchObject({ kind: 'oidc' });
  });

  it('end a token of a real issuer', async () => {
    const authenticator = start({ clockTolerance: 0 });
    const token = await issuer.issue();
    await authenticator.authenticate(token);
    latchkey.clock.now += 601_000;
    await expect(authenticator.authenticate(token)).rejects.toEqual(refused('expired'));
  });

  it('can be at most the end of the year 9999', async () => {
    const authenticator = start();
    const last = 253_402_300_799;
    await expect(authenticator.authenticate(await issuer.sign({ exp: last }))).resolves.toMatchObject({ kind: 'oidc' });
    for (const exp of [last + 1, 1e308]) {
      await expect(authenticator.authenticate(await issuer.sign({ exp }))).rejects.toThrow('before the year 10000');
    }
  });

  it('include nbf, even if the clock is set back', async () => {
    const authenticator = start();
    const begin = seconds() + 60;
    const token = await issuer.sign({ nbf: begin });
    await expect(authenticator.authenticate(token)).rejects.toThrow('not valid yet');
    latchkey.clock.now = (begin - 6) * 1_000;
    await expect(authenticator.authenticate(token)).rejects.toEqual(refused('unknown'));
    latchkey.clock.now = (begin - 5) * 1_000;
    await authenticator.authenticate(token);
    expect(authenticator.atOnce(token)).not.toBeInstanceOf(Promise);
    latchkey.clock.now -= 1_000;
    await expect(authenticator.authenticate(token)).rejects.toThrow('not valid yet');
  });
});

describe('failures', () => {
  it('are counted by address, and do not affect cached tokens', async () => {
    const authenticator = start();
    const known = await issuer.issue();
    await authenticator.authenticate(known, '192.0.2.1');
    const { privateKey } = await generateKeyPair('ES256');
    const wrong = await issuer.sign({}, {}, privateKey);
    for (let i = 0; i < 300; i++) {
      await expect(authenticator.authenticate(wrong, '192.0.2.1')).rejects.toEqual(refused('unknown'));
    }
    await expect(authenticator.authenticate(wrong, '192.0.2.1')).rejects.toMatchObject({
      details: { code: 'RATE_LIMITED' },
    });
    expect(authenticator.atOnce(known, '192.0.2.1')).not.toBeInstanceOf(Promise);
    latchkey.clock.now += TTL;
    await authenticator.authenticate(known, '192.0.2.1');
    await expect(authenticator.authenticate(wrong, '192.0.2.2')).rejects.toEqual(refused('unknown'));
  });

  it('are not counted while the issuer is unavailable', async () => {
    const other = await startIssuer();
    const authenticator = start({ issuer: other.url });
    const token = await other.issue();
    await other.leave();
    for (let i = 0; i < 400; i++) {
      await expect(authenticator.authenticate(token, '192.0.2.1')).rejects.toMatchObject(AWAY);
    }
    await other.comeBack();
    latchkey.clock.now += 5_000;
    await authenticator.authenticate(token, '192.0.2.1');
    await other.leave();
  });
});

describe('the issuer', () => {
  it('can be unavailable while its keys are cached, even for new tokens', async () => {
    const other = await startIssuer();
    const authenticator = start({ issuer: other.url });
    const [one, two] = [await other.issue(), await other.issue({ scope: 'admin' })];
    await authenticator.authenticate(one);
    await other.leave();
    expect(await authenticator.authenticate(two)).toMatchObject({ scopes: ['admin'] });
    // Its keys stay cached during a reload with the same issuer.
    authenticator.trust({ audience: 'https://other.example' });
    await expect(authenticator.authenticate(one)).rejects.toEqual(refused('unknown'));
    authenticator.trust({ issuer: issuer.url });
    await expect(authenticator.authenticate(one)).rejects.toEqual(refused('unknown'));
    authenticator.trust();
    await expect(authenticator.authenticate(one)).rejects.toMatchObject(AWAY);
  });

  it('can rotate its key, and the old key is refused', async () => {
    const other = await startIssuer();
    const authenticator = start({ issuer: other.url });
    const old = await other.issue();
    await authenticator.authenticate(old);
    await other.rotate();
    latchkey.clock.now += 30_000;
    expect(await authenticator.authenticate(await other.issue())).toMatchObject({ kind: 'oidc' });
    await expect(authenticator.authenticate(old)).rejects.toEqual(refused('unknown'));
    await other.leave();
  });
});

describe('access tokens and keys', () => {
  it('never looks up a JWT as a key, or verifies a key as a token', async () => {
    const authenticator = start();
    const { key, token } = await latchkey.issue();
    expect(await authenticator.authenticate(token)).toMatchObject({ kind: 'key', keyId: key.id });
    expect(authenticator.atOnce(token)).not.toBeInstanceOf(Promise);
    latchkey.reads.splice(0);
    await expect(authenticator.authenticate('eyJhbGciOiJFUzI1NiJ9.e30.c2ln')).rejects.toEqual(refused('unknown'));
    expect([latchkey.reads, latchkey.gate.counts.comparisons]).toEqual([[], 0]);
  });

  it('refuses a JWT as malformed as soon as access tokens are disabled', async () => {
    const authenticator = start();
    const token = await issuer.issue();
    await authenticator.authenticate(token);
    authenticator.configure(true, ConfiguredKeys.NONE, null);
    expect(() => authenticator.atOnce(token)).toThrow('malformed');
    await expect(authenticator.authenticate(token)).rejects.toEqual(refused('malformed'));
    await expect(latchkey.authenticator().authenticate(token)).rejects.toEqual(refused('malformed'));
  });

  it('accepts access tokens if keys are disabled', async () => {
    const authenticator = latchkey.authenticator();
    authenticator.configure(false, ConfiguredKeys.NONE, oidcConfiguration({ issuer: issuer.url, audience: AUDIENCE }));
    expect(await authenticator.authenticate(await issuer.issue())).toMatchObject({ kind: 'oidc' });
  });

  it('applies a new configuration to a verification in progress', async () => {
    const authenticator = start();
    const judged = authenticator.authenticate(await issuer.issue());
    authenticator.trust({ audience: 'https://other.example' });
    await expect(judged).rejects.toEqual(refused('unknown'));
  });

  it.each([8_193, 100_000])('refuses a token of %i characters', async (length) => {
    const token = (await issuer.sign()).padEnd(length, 'A');
    await expect(start().authenticate(token)).rejects.toEqual(refused('malformed'));
  });
});
