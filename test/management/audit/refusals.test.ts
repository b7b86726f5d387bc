import { createHash, randomBytes } from 'node:crypto';
import { SentInClear } from '../../../src/management/audit/clear.js';
import { verifyAudit } from '../../../src/management/audit/verifyAudit.js';
import { GatheredEntries } from '../../../src/management/audit/gathered.js';
import { Refusals } from '../../../src/management/audit/refusals.js';
import { authenticated } from '../../../src/core/auth/principal.js';
import { mintToken, randomBase62 } from '../../../src/core/keys/token.js';
import { chained, type AuditDraft, type AuditEntry } from '../../../src/core/store/audit.js';
import { StoreUnavailable } from '../../../src/core/store/storeErrors.js';
import { withChecksum } from '../../core/auth/harness.js';
import { at, HOUR, NOON, startFrozen, type FrozenService } from '../../e2e/frozen.js';
import { act, attempt } from '../../e2e/operations.js';
import { createKey, OPERATOR_KEY } from '../../support/service.js';

const WHO = '{ viewer { scopes } }';
const MINUTE = 60_000;

const withOtherSecret = (token: string): string => withChecksum(token.slice(0, -38) + randomBase62(32));

describe('in the service', () => {
  let latchkey: FrozenService;
  beforeEach(async () => {
    latchkey = await startFrozen({
      env: {
        DEFAULT_TIER: 'ENTERPRISE',
        ADMIN_API_KEY: OPERATOR_KEY,
        KEY_PEPPER: 'pepper-of-these-tests-32-characters',
        REQUIRE_HTTPS: 'true',
        TRUST_PROXY: '10.0.0.0/8',
      },
    });
  });
  afterEach(() => latchkey.close());

  /**
   * Returns the entries of these actions in the log of the default workspace, newest first, after pending entries were
   * written.
   */
  const logged = async (actions: readonly string[], token = OPERATOR_KEY) => {
    await latchkey.service.latchkey.gathered.flush();
    const { body } = await latchkey.query(
      `query ($filter: AuditFilter) { auditLog(first: 100, filter: $filter) {
        nodes { at action subject projectId actorKind actor address userAgent before after } } }`,
      { variables: { filter: { actions } }, token },
    );
    return body.data.auditLog.nodes;
  };
  const refusals = () => logged(['KEY_REFUSED', 'CREDENTIAL_REFUSED']);
  const ask = (token: string, query = WHO) => latchkey.query(query, { token });
  const make = (input: Parameters<typeof createKey>[1] = {}) => createKey(latchkey, input, OPERATOR_KEY);
  /** Over plain HTTP from another machine. */
  const inClear = async (token: string, address = '203.0.113.9', url = '/graphql') =>
    (
      await latchkey.service.server.inject({
        method: 'POST',
        url,
        remoteAddress: address,
        headers: { authorization: `Bearer ${token}`, 'user-agent': 'pipeline/7' },
        payload: { query: WHO },
      })
    ).statusCode;

  test('of a key are one entry with counts, and the installation as the actor', async () => {
    const { id, token } = await make({ scopes: ['read:assets'] });
    const [bound, elsewhere] = [
      await make({ trustedDocuments: [createHash('sha256').update(WHO).digest('hex')] }),
      await make({ allowedAddresses: ['192.0.2.1'] }),
    ];
    expect((await ask(token)).status).toBe(200);
    for (let i = 0; i < 3; i += 1) expect((await ask(token, '{ apiKeys { totalCount } }')).status).toBe(403);
    const many = Array.from({ length: 101 }, (_, i) => `a${i}: viewer { scopes }`).join(' ');
    expect((await ask(token, `{ ${many} }`)).status).toBe(400);
    expect((await ask(bound.token, '{ tiers { tier } }')).status).toBe(403);
    for (let i = 0; i < 2; i += 1) expect((await ask(elsewhere.token)).status).toBe(403);
    latchkey.pass(MINUTE);

    const entry = (subject: string, counts: object) => ({
      at: at(NOON + MINUTE),
      action: 'KEY_REFUSED',
      subject,
      projectId: null,
      actorKind: 'SYSTEM',
      actor: null,
      address: null,
      userAgent: null,
      before: null,
      after: { since: NOON, ...counts },
    });
    expect(await refusals()).toEqual([
      entry(elsewhere.id, { address: 2 }),
      entry(bound.id, { document: 1 }),
      entry(id, { forbidden: 3, limited: 1 }),
    ]);
    // Each refusal is written once, and nothing is written if nothing was refused.
    expect(await refusals()).toHaveLength(3);
    expect(await verifyAudit(latchkey.service.store.audit, 'default')).toMatchObject({ outcome: 'whole' });
  });

  test('of credentials are one entry in the default workspace, with the addresses that have the most failures', async () => {
    const { token, id } = await make();
    await act(latchkey, 'revokeApiKey', { id }, OPERATOR_KEY);
    await ask(token);
    for (let i = 0; i < 2; i += 1) await ask(mintToken('lks', 'LIVE').token);
    await ask('nonsense');
    const { token: guessed } = await make();
    for (let i = 0; i < 21; i += 1) await ask(withOtherSecret(guessed));
    expect(await refusals()).toEqual([
      expect.objectContaining({
        action: 'CREDENTIAL_REFUSED',
        subject: 'default',
        actorKind: 'SYSTEM',
        after: {
          since: NOON,
          revoked: 1,
          unknown: 22,
          malformed: 1,
          limited: 1,
          addresses: [{ address: '127.0.0.1', times: 25 }],
        },
      }),
    ]);
    // A request without a key is not a refused credential.
    expect((await latchkey.query('{ assets { name } }', { token: null })).status).toBe(401);
    expect(await refusals()).toHaveLength(1);
  });

  test('are visible only to admins of the same workspace', async () => {
    const { token: admin, workspace } = await act(
      latchkey,
      'createWorkspace',
      { name: 'other', tier: 'ENTERPRISE' },
      OPERATOR_KEY,
    );
    expect(workspace.id).not.toBe('default');
    const { id, token } = await createKey(latchkey, { scopes: ['read:assets'] }, admin);
    expect((await attempt(latchkey, 'revokeApiKey', { id }, token)).status).toBe(403);
    await ask('nonsense');
    expect(await refusals()).toEqual([expect.objectContaining({ action: 'CREDENTIAL_REFUSED' })]);
    expect(await logged(['KEY_REFUSED', 'CREDENTIAL_REFUSED'], admin)).toEqual([
      expect.objectContaining({ action: 'KEY_REFUSED', subject: id, after: { since: NOON, forbidden: 1 } }),
    ]);
    expect((await ask(token, '{ auditLog { nodes { action } } }')).status).toBe(403);
  });

  test('are also written when the service stops', async () => {
    const { id } = await make();
    const appended: AuditDraft[] = [];
    const { audit } = latchkey.service.store;
    const append = audit.append.bind(audit);
    audit.append = async (draft) => {
      appended.push(draft);
      await append(draft);
    };
    await ask('nonsense');
    await latchkey.service.close();
    expect(id).toMatch(/^key_/);
    expect(appended).toEqual([expect.objectContaining({ action: 'credential.refused' })]);
  });

  describe('a key that was sent over plain HTTP', () => {
    const sent = () => logged(['KEY_SENT_IN_CLEAR']);

    test('is recorded once an hour with the sender and the address, and is refused', async () => {
      const { id, token } = await make();
      for (let i = 0; i < 3; i += 1) expect(await inClear(token)).toBe(403);
      expect(await sent()).toEqual([
        {
          at: at(NOON),
          action: 'KEY_SENT_IN_CLEAR',
          subject: id,
          projectId: null,
          actorKind: 'KEY',
          actor: id,
          address: '203.0.113.9',
          userAgent: 'pipeline/7',
          before: null,
          after: null,
        },
      ]);
      latchkey.pass(HOUR - 1);
      await inClear(token);
      expect(await sent()).toHaveLength(1);
      latchkey.pass(1);
      await inClear(token, '203.0.113.10', '/schema.graphql');
      expect((await sent()).map(({ address }: { address: string }) => address)).toEqual([
        '203.0.113.10',
        '203.0.113.9',
      ]);
    });

    test('is recorded for every kind of key: the operator key, and a key that is allowed only from other addresses', async () => {
      const { id, token } = await make({ allowedAddresses: ['192.0.2.1'] });
      await inClear(OPERATOR_KEY);
      await inClear(token);
      expect((await sent()).map(({ subject }: { subject: string }) => subject)).toEqual([id, 'operator']);
    });

    test('is not recorded if it is wrong, has expired or was sent locally; a wrong key counts as a failure', async () => {
      const { id, token } = await make();
      await inClear(withOtherSecret(token));
      await inClear('nonsense');
      expect((await ask(token)).status).toBe(200);
      await act(latchkey, 'revokeApiKey', { id }, OPERATOR_KEY);
      await inClear(token);
      expect(await sent()).toEqual([]);
      expect((await refusals())[0].after).toEqual({
        since: NOON,
        unknown: 1,
        malformed: 1,
        revoked: 1,
        addresses: [{ address: '203.0.113.9', times: 3 }],
      });
    });
  });
});

describe('in memory', () => {
  const clock = { now: NOON };
  const PRINCIPAL = {
    kind: 'key',
    familyId: 'fam',
    userId: null,
    tier: 'GROWTH',
    keyType: 'SECRET',
    scopes: [],
  } as const;
  const holder = (i: number) => ({ keyId: `key_${i}`, workspaceId: 'ws', projectId: null });

  it('a flood of keys and addresses stays within its limit, and the address with the most failures is first', () => {
    const refusals = new Refusals(() => clock.now);
    for (let i = 0; i < 20_000; i += 1) {
      refusals.key(holder(i), 'limited');
      refusals.credential('unknown', `2001:db8:${randomBytes(2).toString('hex')}:${randomBytes(2).toString('hex')}::1`);
      if (i % 20 === 0) refusals.credential('unknown', '2001:db8::1:2');
    }
    const drafts = refusals.take();
    expect(drafts).toHaveLength(501);
    const { addresses, unknown } = (drafts.at(-1)?.after ?? {}) as {
      unknown: number;
      addresses: { address: string }[];
    };
    expect([unknown, addresses[0]?.address]).toEqual([21_000, '2001:db8:0:0::/64']);
    expect(addresses.length).toBeLessThanOrEqual(10);
    expect(refusals.take()).toEqual([]);

    for (let i = 0; i < 30; i += 1) refusals.credential('unknown', `192.0.2.${i}`);
    expect(refusals.take()[0]?.after).toMatchObject({ unknown: 30, addresses: { length: 10 } });
  });

  it('a flood of keys over plain HTTP stays within its limit, and a key without a place is recorded at its next request', () => {
    const clear = new SentInClear(() => clock.now);
    const principal = (i: number) => authenticated({ ...PRINCIPAL, ...holder(i) });
    for (let i = 0; i < 20_000; i += 1) clear.note(principal(i), { address: null, userAgent: 'x'.repeat(10_000) });
    const taken = clear.take();
    expect(taken.map(({ subject }) => subject)).toEqual(Array.from({ length: 500 }, (_, i) => `key_${i}`));
    expect(taken[0]?.userAgent).toHaveLength(200);
    clear.note(principal(0), { address: null, userAgent: null });
    clear.note(principal(500), { address: null, userAgent: null });
    expect(clear.take().map(({ subject }) => subject)).toEqual(['key_500']);
  });

  /** An audit log that can be unavailable, and records the entries that it accepted. */
  class Log {
    readonly entries: AuditEntry[] = [];
    away = false;
    asked = 0;

    async append(draft: AuditDraft): Promise<void> {
      this.asked += 1;
      if (this.away) throw new StoreUnavailable(null);
      if (draft.subject === 'poison') throw new TypeError('It cannot be stored.');
      if (this.entries.every(({ id }) => id !== draft.id))
        this.entries.push(chained(draft, this.entries.at(-1) ?? null));
    }
  }
  const told = ({ entries }: Log) => entries.map(({ subject, after }) => [subject, after]);

  it('with an unavailable store, tries once a minute, loses nothing and continues to count', async () => {
    const log = new Log();
    const refusals = new Refusals(() => clock.now);
    const gathered = new GatheredEntries(log, [refusals]);
    refusals.key(holder(1), 'limited');
    refusals.key(holder(2), 'limited');
    log.away = true;
    for (let i = 0; i < 3; i += 1) await gathered.flush();
    expect(log.asked).toBe(3);
    refusals.key(holder(1), 'forbidden');
    log.away = false;
    await gathered.close();
    expect(told(log)).toEqual([
      ['key_1', { since: NOON, limited: 1 }],
      ['key_2', { since: NOON, limited: 1 }],
      ['key_1', { since: NOON, forbidden: 1 }],
    ]);
  });

  it('an entry that the store rejects does not block later entries', async () => {
    const log = new Log();
    const refusals = new Refusals(() => clock.now);
    const gathered = new GatheredEntries(log, [refusals]);
    refusals.key({ ...holder(1), keyId: 'poison' }, 'limited');
    refusals.key(holder(2), 'limited');
    await gathered.close();
    expect(told(log)).toEqual([['key_2', { since: NOON, limited: 1 }]]);
  });

  it('concurrent flushes write each entry once', async () => {
    const log = new Log();
    const refusals = new Refusals(() => clock.now);
    const gathered = new GatheredEntries(log, [refusals]);
    for (let i = 0; i < 10; i += 1) refusals.key(holder(i), 'limited');
    await Promise.all([gathered.flush(), gathered.flush(), gathered.close()]);
    expect([log.asked, log.entries.length]).toEqual([10, 10]);
  });
});
