import { createHash } from 'node:crypto';
import { createKey, startService, type TestService } from '../../support/service.js';
import { connect, type Connected } from './client.js';

/** The tools, called by the official client, with keys of every kind. */
const ALL = ['search_schema', 'describe_type', 'run_query', 'run_mutation', 'explain_access', 'whoami'];
const REGISTER = 'mutation ($name: String!) { registerAsset(input: { name: $name }) { name } }';
const TRUSTED = '{ viewer { scopes } }';

let latchkey: TestService;
const clients: Connected[] = [];

async function as(token: string): Promise<Connected> {
  const connected = await connect(latchkey, token);
  clients.push(connected);
  return connected;
}
const withScopes = async (...scopes: string[]) => as((await createKey(latchkey, { scopes })).token);

beforeAll(async () => {
  // Limits use this clock too, so no request becomes available again during a test.
  const now = Date.now();
  latchkey = await startService({ now: () => now, env: { DEFAULT_TIER: 'ENTERPRISE' } });
});
afterAll(async () => {
  for (const client of clients) await client.close();
  await latchkey.close();
});

describe('an admin key', () => {
  let admin: Connected;
  beforeAll(async () => void (admin = await as(latchkey.adminToken)));

  it('is offered every tool, each with a title, a bounded input and annotations', async () => {
    const { tools } = await admin.client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(ALL);
    for (const { name, title, description, inputSchema, annotations } of tools) {
      expect([title, description].every((text) => text !== undefined && text !== '')).toBe(true);
      expect(inputSchema.additionalProperties).toBe(false);
      expect(annotations?.readOnlyHint).toBe(name !== 'run_mutation');
      expect(annotations?.destructiveHint).toBe(name === 'run_mutation');
    }
    expect(admin.client.getServerVersion()?.name).toBe('latchkey');
    expect(admin.client.getInstructions()).toContain('search_schema');
  });

  it('finds operations by words, and all operations without words', async () => {
    const { value } = await admin.call('search_schema', { query: 'create key' });
    expect(value.found[0]).toMatchObject({
      coordinate: 'Mutation.createApiKey',
      signature: 'createApiKey(input: CreateApiKeyInput!): CreateApiKeyPayload',
      requires: [['admin']],
    });
    const all = await admin.call('search_schema', { limit: 50 });
    const coordinates: string[] = all.value.found.map(({ coordinate }: { coordinate: string }) => coordinate);
    expect(coordinates).toEqual(expect.arrayContaining(['Query.viewer', 'Mutation.revokeApiKey']));
    expect(coordinates.every((one) => /^(Query|Mutation|Subscription)\.\w+$/.test(one))).toBe(true);
  });

  it('reads a type with the requirements of its fields', async () => {
    const { value } = await admin.call('describe_type', { name: 'Asset' });
    expect(value.sdl).toMatch(/^"""A table[^]*type Asset \{/);
    expect(value.requires).toContainEqual({ coordinate: 'Asset.downstream', requires: [['read:assets']] });
    expect(value.refersTo).toContain('Freshness');
    const gone = await admin.call('describe_type', { name: '__proto__' });
    expect([gone.isError, gone.value.errors[0].extensions.code]).toEqual([true, 'NOT_FOUND']);
  });

  it('runs queries only with run_query, and mutations only with run_mutation', async () => {
    const variables = { name: 'by-mcp' };
    const wrong = await admin.call('run_query', { document: REGISTER, variables });
    expect([wrong.isError, wrong.value.errors[0].message]).toEqual([true, expect.stringContaining('run_mutation')]);
    const look = { document: '{ asset(name: "by-mcp") { name } }' };
    expect((await admin.call('run_query', look)).value).toEqual({ data: { asset: null } });

    const made = await admin.call('run_mutation', { document: REGISTER, variables });
    expect(made).toEqual({ isError: false, value: { data: { registerAsset: variables } } });
    expect((await admin.call('run_query', look)).value).toEqual({ data: { asset: variables } });

    const query = await admin.call('run_mutation', look);
    expect([query.isError, query.value.errors[0].message]).toEqual([true, expect.stringContaining('run_query')]);
  });

  it('checks the operation that is named', async () => {
    const document = `query Look { viewer { scopes } } ${REGISTER.replace('mutation', 'mutation Make')}`;
    const variables = { name: 'named' };
    const wrong = await admin.call('run_query', { document, operationName: 'Make', variables });
    expect([wrong.isError, wrong.value.errors[0].message]).toEqual([true, expect.stringContaining('run_mutation')]);
    const right = await admin.call('run_query', { document, operationName: 'Look' });
    expect(right.value).toEqual({ data: { viewer: { scopes: ['admin'] } } });
    const look = await admin.call('run_query', { document: '{ asset(name: "named") { name } }' });
    expect(look.value.data.asset).toBeNull();
  });

  it.each(['run_query', 'run_mutation'])('is shown from %s where subscriptions are', async (name) => {
    const { isError, value } = await admin.call(name, { document: 'subscription { assetChanged { name } }' });
    expect(isError).toBe(true);
    expect(value.errors[0].message).toContain('/graphql/stream');
  });

  it('gets the same error as from /graphql for an invalid document', async () => {
    const document = '{ viewr { scopes } }';
    const { isError, value } = await admin.call('run_query', { document });
    expect(isError).toBe(true);
    expect(value).toEqual((await latchkey.query(document)).body);
  });

  it('gets an error for a result that is too long, which says that a mutation ran', async () => {
    const repeated = Array.from({ length: 120 }, (_, i) => `a${i}: description`).join(' ');
    const input = `{ name: "long", description: "${'x'.repeat(2_000)}" }`;
    const made = await admin.call('run_mutation', {
      document: `mutation { registerAsset(input: ${input}) { ${repeated} } }`,
    });
    expect([made.isError, made.value.errors[0].extensions.code]).toEqual([true, 'ANSWER_TOO_LONG']);
    expect(made.value.errors[0].message).toContain('The mutation ran: do not repeat it.');
    const look = await admin.call('run_query', { document: `{ asset(name: "long") { ${repeated} } }` });
    expect(look.value.errors[0].message).toContain('Request less');
    const short = await admin.call('run_query', { document: '{ asset(name: "long") { name } }' });
    expect(short.value.data.asset).toEqual({ name: 'long' });
  });

  it('explains its own access to an operation without running it', async () => {
    const variables = { name: 'explained' };
    const { value } = await admin.call('explain_access', { document: REGISTER, variables });
    expect(value).toMatchObject({ allowed: true, reasons: [], missingScopes: [], cost: 1, category: 'write' });
    const look = await admin.call('run_query', { document: '{ asset(name: "explained") { name } }' });
    expect(look.value.data.asset).toBeNull();
  });
});

describe('a key that may only read', () => {
  let reader: Connected;
  beforeAll(async () => void (reader = await withScopes('read:assets')));

  it('is not offered run_mutation, and cannot call it', async () => {
    expect(await reader.tools()).toEqual(ALL.filter((name) => name !== 'run_mutation'));
    await expect(reader.call('run_mutation', { document: REGISTER, variables: { name: 'sneaked' } })).rejects.toThrow(
      'not found',
    );
    const { body } = await latchkey.query('{ asset(name: "sneaked") { name } }');
    expect(body.data.asset).toBeNull();
  });

  it('cannot run a mutation with run_query, however it is written', async () => {
    const written = [
      REGISTER,
      `query A { viewer { scopes } } ${REGISTER.replace('mutation', 'mutation B')}`,
      `fragment F on Mutation { registerAsset(input: { name: "sneaked" }) { name } } mutation { ...F }`,
    ];
    for (const document of written) {
      const args = {
        document,
        variables: { name: 'sneaked' },
        operationName: document.includes('B') ? 'B' : undefined,
      };
      expect((await reader.call('run_query', args)).isError).toBe(true);
    }
    expect((await latchkey.query('{ asset(name: "sneaked") { name } }')).body.data.asset).toBeNull();
  });

  it('finds and reads only the part of the schema that it may use, whatever the value of INTROSPECTION', async () => {
    expect((await latchkey.query('{ __type(name: "Mutation") { name } }')).body.data.__type).not.toBeNull();
    for (const query of ['create api key', 'audit log', 'register', '']) {
      const { value } = await reader.call('search_schema', { query, limit: 50 });
      expect(JSON.stringify(value)).not.toMatch(/createApiKey|auditLog|registerAsset/);
    }
    expect((await reader.call('search_schema', { query: 'assets' })).value.found[0].coordinate).toBe('Query.assets');
    for (const name of ['AuditEntry', 'CreateApiKeyInput']) {
      expect((await reader.call('describe_type', { name })).isError).toBe(true);
    }
    const { value } = await reader.call('describe_type', { name: 'Query' });
    expect(value.sdl).toContain('assets(');
    expect(value.sdl).not.toContain('auditLog');
  });

  it('is refused an operation with the missing scopes in the error', async () => {
    const { isError, value } = await reader.call('run_query', { document: '{ apiKeys { totalCount } }' });
    expect(isError).toBe(true);
    expect(value.errors[0].extensions).toMatchObject({ code: 'FORBIDDEN', missing: ['admin'] });
    const foretold = await reader.call('explain_access', { document: '{ apiKeys { totalCount } }' });
    expect(foretold.value).toMatchObject({ allowed: false, reasons: ['MISSING_SCOPES'], missingScopes: ['admin'] });
  });

  it('reads its own identity', async () => {
    const { value } = await reader.call('whoami');
    expect(value).toMatchObject({
      credential: { kind: 'key' },
      workspaceId: 'default',
      projectId: null,
      scopes: ['read:assets'],
      tier: 'ENTERPRISE',
      limits: { perMinute: { limit: 5000 }, perSecond: { limit: 100 } },
      trustedDocuments: null,
    });
  });
});

test('a key with few scopes to write is offered run_mutation, and refused other mutations', async () => {
  const writer = await withScopes('write:assets');
  expect(await writer.tools()).toContain('run_mutation');
  const variables = { name: 'written' };
  expect((await writer.call('run_mutation', { document: REGISTER, variables })).isError).toBe(false);
  const document = 'mutation { createProject(input: { name: "no" }) { project { id } } }';
  const { isError, value } = await writer.call('run_mutation', { document });
  expect([isError, value.errors[0].extensions.missing]).toEqual([true, ['admin']]);
});

test('a key of a project sees only that project', async () => {
  const { body } = await latchkey.query(
    'mutation { createProject(input: { name: "one" }) { project { id } } registerAsset(input: { name: "outside" }) { name } }',
  );
  const projectId: string = body.data.createProject.project.id;
  const scopes = ['read:assets', 'write:assets'];
  const bound = await as((await createKey(latchkey, { scopes, projectId })).token);
  expect((await bound.call('whoami')).value.projectId).toBe(projectId);
  await bound.call('run_mutation', { document: REGISTER, variables: { name: 'inside' } });
  const asset = async (name: string) =>
    (await bound.call('run_query', { document: `{ asset(name: "${name}") { name } }` })).value.data.asset;
  expect([await asset('inside'), await asset('outside')]).toEqual([{ name: 'inside' }, null]);
});

test('a key that is bound to documents runs those and no others', async () => {
  const trustedDocuments = [createHash('sha256').update(TRUSTED).digest('hex')];
  const bound = await as((await createKey(latchkey, { trustedDocuments })).token);
  expect((await bound.call('run_query', { document: TRUSTED })).value).toEqual({
    data: { viewer: { scopes: ['read:assets'] } },
  });
  const { isError, value } = await bound.call('run_query', { document: `${TRUSTED} ` });
  expect([isError, value.errors[0].extensions.code]).toEqual([true, 'DOCUMENT_NOT_TRUSTED']);
  expect((await bound.call('explain_access', { document: `${TRUSTED} ` })).value.reasons).toEqual([
    'DOCUMENT_NOT_TRUSTED',
  ]);
  expect((await bound.call('whoami')).value.trustedDocuments).toEqual(trustedDocuments);
});

test('a revoked key is refused at its next call', async () => {
  const { token, id } = await createKey(latchkey);
  const client = await as(token);
  expect((await client.call('whoami')).value.credential.id).toBe(id);
  await latchkey.query('mutation ($id: ID!) { revokeApiKey(input: { id: $id }) { apiKey { id } } }', {
    variables: { id },
  });
  await expect(client.call('whoami')).rejects.toThrow('revoked');
});

test('a client of the revision 2026-07-28 gets the same results and opens no stream', async () => {
  const { token } = await createKey(latchkey);
  const client = await connect(latchkey, token, `${latchkey.origin}/mcp`, {
    versionNegotiation: { mode: { pin: '2026-07-28' } },
  });
  clients.push(client);
  expect(client.client.getProtocolEra()).toBe('modern');
  expect(await client.tools()).toEqual(ALL.filter((name) => name !== 'run_mutation'));
  const { value } = await client.call('run_query', { document: '{ viewer { scopes } }' });
  expect(value).toEqual({ data: { viewer: { scopes: ['read:assets'] } } });
  await expect(client.call('run_mutation', { document: REGISTER, variables: { name: 'no' } })).rejects.toThrow(
    'not found',
  );
  await expect(client.client.listen({ toolsListChanged: true })).rejects.toThrow();
});

test('concurrent calls each get their own result', async () => {
  const [one, two] = [await withScopes('read:assets'), await withScopes('read:all')];
  const document = '{ viewer { scopes } }';
  const answers = await Promise.all(
    [one, two, one, two].map(async (client) => (await client.call('run_query', { document })).value.data.viewer.scopes),
  );
  expect(answers).toEqual([['read:assets'], ['read:all'], ['read:assets'], ['read:all']]);
});

test('without introspection, nobody is offered the schema, and operations run', async () => {
  const closed = await startService({ env: { INTROSPECTION: 'off' } });
  try {
    const client = await connect(closed, closed.adminToken);
    expect(await client.tools()).toEqual(['run_query', 'run_mutation', 'explain_access', 'whoami']);
    await expect(client.call('search_schema')).rejects.toThrow('not found');
    expect((await client.call('run_query', { document: TRUSTED })).isError).toBe(false);
    await client.close();
  } finally {
    await closed.close();
  }
});
