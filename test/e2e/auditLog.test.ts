import { verifyAudit } from '../../src/management/audit/verifyAudit.js';
import { createKey, startService, type TestService } from '../support/service.js';
import { act, attempt, refusalOf } from './operations.js';

let latchkey: TestService;
beforeAll(async () => {
  latchkey = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE' } });
});
afterAll(() => latchkey.close());

const LOG = `query ($first: Int, $after: String, $filter: AuditFilter) { auditLog(first: $first, after: $after, filter: $filter) {
  nodes { seq action subject actorKind actor address userAgent before after projectId } pageInfo { hasNextPage endCursor } } }`;

// oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into answers freely.
async function log(variables: object = {}, token = latchkey.adminToken): Promise<any> {
  return (await latchkey.query(LOG, { variables, token })).body.data.auditLog;
}

test('writes the entry of a change before the response, with author, address and values', async () => {
  const { id } = await createKey(latchkey, { name: 'first', scopes: ['read:all'] });
  const made = await latchkey.query(
    'mutation ($id: ID!) { updateApiKey(input: { id: $id, name: "second" }) { apiKey { name } } }',
    { variables: { id }, headers: { 'user-agent': 'pipeline/7' } },
  );
  expect(made.status).toBe(200);
  const { viewer } = (await latchkey.query('{ viewer { credential { id } } }')).body.data;
  expect((await log({ first: 2 })).nodes).toEqual([
    expect.objectContaining({
      action: 'KEY_UPDATED',
      subject: id,
      actorKind: 'KEY',
      actor: viewer.credential.id,
      address: '127.0.0.1',
      userAgent: 'pipeline/7',
      before: { name: 'first' },
      after: { name: 'second' },
    }),
    expect.objectContaining({ action: 'KEY_CREATED', subject: id, before: null }),
  ]);
});

test('is paged and filtered, and contains no secret', async () => {
  const { id, token } = await createKey(latchkey, { name: 'paged', scopes: ['read:all'] });
  await act(latchkey, 'revokeApiKey', { id, reason: 'done' });
  const all = await log({ first: 100 });
  expect(JSON.stringify(all)).not.toContain(token.slice(9));
  const seqs = all.nodes.map(({ seq }: { seq: number }) => seq);
  expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, i) => seqs.length - i));
  const first = await log({ first: 1 });
  expect(first.pageInfo.hasNextPage).toBe(true);
  expect((await log({ first: 1, after: first.pageInfo.endCursor })).nodes[0].seq).toBe(seqs.length - 1);
  expect((await log({ filter: { subject: id } })).nodes.map(({ action }: { action: string }) => action)).toEqual([
    'KEY_REVOKED',
    'KEY_CREATED',
  ]);
  expect(
    (await log({ filter: { subject: id, actions: ['KEY_REVOKED', 'WORKSPACE_TIER_CHANGED'] } })).nodes,
  ).toHaveLength(1);
  expect((await log({ filter: { to: '2001-01-01T00:00:00Z' } })).nodes).toEqual([]);
});

test.each([
  [{ after: 'x' }, ['after']],
  [{ after: '0' }, ['after']],
  [{ first: 0 }, ['first']],
  [{ first: 101 }, ['first']],
  [{ filter: { subject: '$ne' } }, ['filter', 'subject']],
])('%j is refused', async (variables, path) => {
  const answer = await latchkey.query(LOG, { variables });
  expect(refusalOf(answer)).toMatchObject({ code: 'BAD_USER_INPUT', path });
});

test('requires admin; a bound key reads only the entries of its project', async () => {
  const reader = await createKey(latchkey, { name: 'reader', scopes: ['read:all', 'write:all'] });
  expect((await latchkey.query(LOG, { token: reader.token })).status).toBe(403);
  const { project } = await act(latchkey, 'createProject', { name: 'Audited' });
  const bound = await createKey(latchkey, { name: 'bound', scopes: ['admin'], projectId: project.id });
  const { nodes } = await log({}, bound.token);
  expect(nodes.map(({ action, projectId }: { action: string; projectId: string }) => [action, projectId])).toEqual([
    ['KEY_CREATED', project.id],
    ['PROJECT_CREATED', project.id],
  ]);
  expect((await log({ filter: { projectId: 'prj_other' } }, bound.token)).nodes).toEqual([]);
});

test('the chain of all entries is valid', async () => {
  const { audit } = latchkey.service.store;
  expect(await verifyAudit(audit, 'default')).toMatchObject({ outcome: 'whole' });
});

test('accepts a key only from its allowed addresses', async () => {
  const here = await createKey(latchkey, {
    name: 'here',
    scopes: ['read:all'],
    allowedAddresses: ['127.0.0.0/8', '::1'],
  });
  const there = await createKey(latchkey, { name: 'there', scopes: ['read:all'], allowedAddresses: ['192.0.2.0/24'] });
  const ask = (token: string) =>
    latchkey.query('{ viewer { scopes } }', { token, headers: { 'x-forwarded-for': '192.0.2.1' } });
  expect((await ask(here.token)).status).toBe(200);
  const refused = await ask(there.token);
  expect([refused.status, refused.body.errors[0].extensions]).toEqual([403, { code: 'ADDRESS_NOT_ALLOWED' }]);
  await act(latchkey, 'updateApiKey', { id: there.id, allowedAddresses: ['127.0.0.1'] });
  expect((await ask(there.token)).status).toBe(200);
  await act(latchkey, 'updateApiKey', { id: here.id, allowedAddresses: ['192.0.2.1'] });
  expect((await ask(here.token)).status).toBe(403);
  await act(latchkey, 'updateApiKey', { id: here.id, allowedAddresses: [] });
  expect((await ask(here.token)).status).toBe(200);
  for (const allowedAddresses of [['192.0.2.0/33'], ['all'], Array<string>(101).fill('192.0.2.1')]) {
    const wrong = await attempt(latchkey, 'updateApiKey', { id: here.id, allowedAddresses });
    expect(refusalOf(wrong).code).toBe('BAD_USER_INPUT');
  }
});
