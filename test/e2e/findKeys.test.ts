import { mintToken } from '../../src/core/keys/token.js';
import { startService, type Answer, type TestService } from '../support/service.js';

let service: TestService;
const NOON = Date.UTC(2026, 2, 1, 12);
let now = NOON;

beforeAll(async () => {
  service = await startService({ now: () => now, env: { ADMIN_API_KEY: 'an-operators-key-of-32-characters-or-more' } });
});
afterAll(async () => service.close());

const OPERATOR = 'an-operators-key-of-32-characters-or-more';
const FIND = 'query Find($text: String!) { findApiKeys(text: $text) { id familyId workspaceId replacedBy { id } } }';
const ask = (query: string, variables: object, token: string): Promise<Answer> =>
  service.query(query, { variables, token });
const find = async (text: string, token: string): Promise<{ id: string; familyId: string; replacedBy: unknown }[]> =>
  (await ask(FIND, { text }, token)).body.data.findApiKeys;
const idsOf = (keys: readonly { id: string }[]): string[] => keys.map(({ id }) => id);

async function workspace(name: string): Promise<string> {
  const { body } = await ask(
    'mutation Make($name: String!) { createWorkspace(input: { name: $name, tier: GROWTH }) { token } }',
    { name },
    OPERATOR,
  );
  return body.data.createWorkspace.token;
}

async function made(
  token: string,
  name: string,
  more: object = {},
): Promise<{ id: string; token: string; prefix: string }> {
  const { body } = await ask(
    'mutation Make($input: CreateApiKeyInput!) { createApiKey(input: $input) { token apiKey { id prefix } } }',
    { input: { name, scopes: ['read:assets'], ...more } },
    token,
  );
  return { ...body.data.createApiKey.apiKey, token: body.data.createApiKey.token };
}

test('U4: finds a key by its ID, prefix, lookup ID, token and a truncated token, and no key of another workspace', async () => {
  const [mine, theirs] = [await workspace('mine'), await workspace('theirs')];
  const { id, token, prefix } = await made(mine, 'leaked');
  const lookupId = token.split('_')[2]?.slice(0, 16) ?? '';
  for (const text of [
    id,
    prefix,
    `${prefix}…`,
    ` ${prefix}...`,
    lookupId,
    lookupId.slice(0, 6),
    token,
    token.slice(0, 40),
    `Authorization: Bearer ${token}`,
    `export LATCHKEY_API_KEY="${token}";`,
    `\\n${token}\\n`,
  ]) {
    expect([text, idsOf(await find(text, mine))]).toEqual([text, [id]]);
    expect([text, await find(text, theirs)]).toEqual([text, []]);
    expect([text, idsOf(await find(text, OPERATOR))]).toEqual([text, [id]]);
  }
  expect(await find(prefix.replace('lks_live', 'lks_test'), mine)).toEqual([]);
  expect(await find('leaked', mine)).toEqual([]);
});

test('U4: finds the family of a replaced and of a revoked token', async () => {
  const admin = await workspace('family');
  const old = await made(admin, 'old');
  const { body } = await ask(
    'mutation R($id: ID!) { rotateApiKey(input: { id: $id }) { token apiKey { id } } }',
    { id: old.id },
    admin,
  );
  const { apiKey, token } = body.data.rotateApiKey;
  const [found] = await find(old.token, admin);
  expect(found).toMatchObject({ id: old.id, replacedBy: { id: apiKey.id } });
  await ask('mutation V($id: ID!) { revokeApiKey(input: { id: $id }) { apiKey { id } } }', { id: apiKey.id }, admin);
  expect(await find(token, admin)).toMatchObject([{ id: apiKey.id, familyId: found?.familyId }]);
});

test('U4: finds a key by a masked token, and by lookup id and key id, with text around them', async () => {
  const [mine, theirs] = [await workspace('masked'), await workspace('masked elsewhere')];
  const { id, token, prefix } = await made(mine, 'masked');
  const lookupId = token.slice(9, 25);
  for (const text of [
    `${token.slice(0, 12)}…`,
    `Bearer ${token.slice(0, 12)}***`,
    `{"key":"${prefix}…","status":200}`,
    `key '${prefix}' was refused`,
    `lookup id: ${lookupId}`,
    `{"lookupId":"${lookupId}"}`,
    `GET https://api.example.com/keys/${id}?a=b`,
    `> our key is ${token.slice(0, 30)}=\r\n> ${token.slice(30)}\r\n> bye`,
    `https://api.example.com/?key=${token.replaceAll('_', '%5F')}&page=2`,
    Buffer.from(`ci:${token}`).toString('base64'),
    token.slice(9),
    `sha256:${'0a'.repeat(32)} ${lookupId}`,
  ]) {
    expect([text, idsOf(await find(text, mine))]).toEqual([text, [id]]);
    // Well-formed, and not a key of this workspace.
    expect([text, await find(text, theirs)]).toEqual([text, []]);
  }
});

test('U4: returns an empty list only for a well-formed token that is not one of our keys', async () => {
  const admin = await workspace('strangers');
  const unknown = mintToken('lks', 'LIVE').token;
  for (const text of [
    unknown,
    unknown.slice(0, 30),
    `Bearer ${unknown}`,
    unknown.slice(9, 25),
    'key_7Hq2mZ0aV9tR4xYb',
    `sha256:${'0a'.repeat(32)}`,
    `Authorization: Bearer SG.${unknown.slice(10, 32)}.${unknown.slice(13, 56)}`,
    'API_KEY="ghp_16C7e42F292c6912E7710c838347Ae178B4a"',
    '550e8400-e29b-41d4-a716-446655440000',
  ]) {
    expect([text, await find(text, admin)]).toEqual([text, []]);
  }
  for (const text of [
    'hello world',
    'not a token',
    'production-backend',
    'ключ',
    '🔑',
    '!!!',
    'lks-live-abc',
    'key_',
    'sha256:abc',
    'x'.repeat(257),
    'a b '.repeat(1_000),
  ]) {
    const { body } = await ask(FIND, { text }, admin);
    expect([text, body.data?.findApiKeys ?? null, body.errors?.[0].extensions.code]).toEqual([
      text,
      null,
      'BAD_USER_INPUT',
    ]);
    expect(body.errors[0].message).toContain(
      'There is no token in this text. Give a token or its beginning (lks_live_Ab12Cd), a lookup ID, a key ID (key_…), ' +
        'a token of another system, or its SHA-256 (sha256:…).',
    );
  }
});

test('U4: finds a key by each kind of lookup ID in a text', async () => {
  const admin = await workspace('lookups');
  const { store } = service.service;
  const { id } = await made(admin, 'first');
  const key = await store.keys.find(id, null);
  if (key === null) throw new Error('The key is missing.');
  const lookups = [
    'aghCDLfoVyGcQUjn',
    '0a1B2c3D4e5F6071',
    'A7KQ2ZX9VB4MTW8R',
    'a7kq2zx9vb4mtw8r',
    'findMatchingKeys',
    '550e8400e29b41d4',
    '2026113000000000',
  ];
  for (const [i, lookupId] of lookups.entries()) {
    // Each has the limits of a whole minute.
    now += 61_000;
    await store.keys.insert({ ...key, id: `key_lookup${i}`, familyId: `fam_lookup${i}`, lookupId }, null, now);
    for (const text of [
      `sha256:${'0a'.repeat(32)} ${lookupId}`,
      `${lookupId}, sha256:${'0a'.repeat(32)}`,
      `lks_live_zzzzzz… ${lookupId}`,
      `{"log":"refused\\n${lookupId}\\n"}`,
      ...(i < 4 ? [`key: ${lookupId}`] : []),
      `the lookup ID ${lookupId} was refused`,
    ]) {
      expect([text, idsOf(await find(text, admin))]).toEqual([text, [`key_lookup${i}`]]);
    }
  }
  const lower = { ...key, id: 'key_lower', familyId: 'fam_lower', lookupId: 'abcdefGh12345678' };
  await store.keys.insert(lower, null, now);
  expect(idsOf(await find("key 'lks_live_abcdef' was refused", admin))).toEqual(['key_lower']);
});

test('U4: refuses a prefix that more than twenty keys have', async () => {
  const admin = await workspace('many');
  const { store } = service.service;
  const { id, token } = await made(admin, 'first');
  const key = await store.keys.find(id, null);
  if (key === null) throw new Error('The key is missing.');
  const beginning = token.slice(0, 11);
  for (let i = 0; i < 20; i++) {
    const lookupId = `${token.slice(9, 12)}${String(i).padStart(13, '0')}`;
    const copy = { ...key, id: `key_copy${i}`, familyId: `fam_copy${i}`, lookupId };
    await store.keys.insert(copy, null, now);
    const found = await ask(FIND, { text: `${beginning}…` }, admin);
    if (i < 19) expect(found.body.data.findApiKeys).toHaveLength(i + 2);
    else expect(found.body.errors[0].message).toBe('More than 20 keys match. Give more characters of the token.');
  }
});

test('U4: refuses a mistyped token, several tokens and too short text, without repeating it', async () => {
  const admin = await workspace('typing');
  const { token } = await made(admin, 'typed');
  const { token: other } = await made(admin, 'other');
  const wrong = token.slice(0, -1) + (token.endsWith('a') ? 'b' : 'a');
  for (const [text, message] of [
    [wrong, /checksum/],
    [`Authorization: Bearer ${wrong}`, /checksum/],
    [`${token} ${other}`, /several tokens/],
    [`${token.slice(0, 15)}… or ${other.slice(0, 15)}…`, /several tokens/],
    ['lks_live', /There is no token/],
    ['lks_live_', /at least 2 characters after the prefix lks_live_/],
    ['Bearer lks_live_***', /at least 2 characters after the prefix lks_live_/],
    [token.slice(0, 10), /at least 2 characters after the prefix lks_live_/],
    ['', /empty/],
    [' \n', /empty/],
    [`x${token.slice(0, 30)}`.repeat(3_300), /more than 4096 characters/],
    [Array.from({ length: 40 }, (_, i) => `key_${String(i).padStart(16, '0')}`).join(' '), /More than 32 words/],
  ] as const) {
    const { body, text: answer } = await ask(FIND, { text }, admin);
    expect([text.slice(0, 100), body.errors?.[0]]).toMatchObject([
      text.slice(0, 100),
      { message: expect.stringMatching(message), extensions: { code: 'BAD_USER_INPUT', path: ['text'] } },
    ]);
    if (text.length > 12) expect(answer).not.toContain(text);
  }
  expect(service.logs.join('')).not.toContain(wrong);
  expect(service.logs.join('')).not.toContain(token);
});

test('U4: a key without the scope admin finds nothing', async () => {
  const admin = await workspace('weak');
  const { token, prefix } = await made(admin, 'weak');
  const { body } = await ask(FIND, { text: prefix }, token);
  expect(body.errors[0].extensions.code).toBe('FORBIDDEN');
  expect(body.data?.findApiKeys ?? null).toBeNull();
});

test('U4, PageInfo: pages in each order by cursor, and refuses a cursor of another order', async () => {
  const admin = await workspace('sorted');
  for (const [name, expiresAt] of [
    ['b', '2026-04-01T00:00:00Z'],
    ['a', null],
    ['C', '2026-03-05T00:00:00Z'],
  ]) {
    await made(admin, String(name), { expiresAt });
    now += 1_000;
  }
  const LIST = `query List($orderBy: ApiKeyOrder, $after: String) {
    apiKeys(first: 2, after: $after, orderBy: $orderBy) {
      edges { cursor node { name } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }`;
  const list = async (orderBy: object | null, after: string | null = null) =>
    (await ask(LIST, { orderBy, after }, admin)).body;
  const expected = {
    NAME: [
      ['a', 'admin'],
      ['b', 'C'],
    ],
    EXPIRES: [
      ['C', 'b'],
      ['a', 'admin'],
    ],
    CREATED: [
      ['admin', 'b'],
      ['a', 'C'],
    ],
  } as const;
  for (const [field, pages] of Object.entries(expected)) {
    const first = (await list({ field })).data.apiKeys;
    const names = (page: typeof first) => page.edges.map((edge: { node: { name: string } }) => edge.node.name);
    expect(first.pageInfo).toEqual({
      hasNextPage: true,
      hasPreviousPage: false,
      startCursor: first.edges[0].cursor,
      endCursor: first.edges[1].cursor,
    });
    const second = (await list({ field }, first.pageInfo.endCursor)).data.apiKeys;
    expect(second.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
    const all = [names(first), names(second)];
    // The workspace's own admin key has a name and no expiry.
    if (field === 'EXPIRES') expect(all[0]).toEqual(pages[0]);
    else expect(all.flat()).toHaveLength(4);
    const others = [{ field: field === 'NAME' ? 'EXPIRES' : 'NAME' }, { field, direction: 'DESC' }];
    for (const other of others) {
      const [error] = (await list(other, first.pageInfo.endCursor)).errors;
      expect(error.message).toContain(`The cursor was made for the order ${field} ASC`);
      expect(error.extensions).toMatchObject({ code: 'BAD_USER_INPUT', path: ['after'] });
    }
  }
});

test('PageInfo: every paged list has edges, nodes and a complete pageInfo', async () => {
  const admin = await workspace('pages');
  for (const name of ['one', 'two']) {
    await ask(
      'mutation P($name: String!) { createProject(input: { name: $name }) { project { id } } }',
      { name },
      admin,
    );
    await ask(
      'mutation U($name: String!) { addUser(input: { name: $name, roles: [] }) { user { id } } }',
      { name },
      admin,
    );
    await ask(
      'mutation E($id: ID!) { recordEvents(input: [{ id: $id, type: "seen" }]) { recorded } }',
      { id: name },
      admin,
    );
    await ask('mutation A($name: String!) { registerAsset(input: { name: $name }) { name } }', { name }, admin);
    await made(admin, name);
  }
  for (const list of ['apiKeys', 'projects', 'users', 'auditLog', 'events', 'assetsConnection']) {
    // Each list has the limits of a whole minute.
    now += 61_000;
    const id = list === 'assetsConnection' ? 'id: name' : 'id';
    const LIST = `query ($after: String) { list: ${list}(first: 1, after: $after) {
      edges { cursor node { __typename ${id} } } nodes { ${id} } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    } }`;
    const page = async (after: string | null) => (await ask(LIST, { after }, admin)).body.data.list;
    const first = await page(null);
    const second = await page(first.pageInfo.endCursor);
    for (const [each, hasPreviousPage] of [
      [first, false],
      [second, true],
    ] as const) {
      expect(each.edges).toHaveLength(1);
      expect(each.nodes).toEqual([{ id: each.edges[0].node.id }]);
      const { cursor } = each.edges[0];
      expect([list, each.pageInfo]).toMatchObject([list, { hasPreviousPage, startCursor: cursor, endCursor: cursor }]);
    }
    expect(second.nodes).not.toEqual(first.nodes);
    for (const first of [0, 101, -1]) {
      const { errors } = (await ask(`{ ${list}(first: ${first}) { nodes { ${id} } } }`, {}, admin)).body;
      expect([list, errors[0].extensions]).toMatchObject([list, { code: 'BAD_USER_INPUT', path: ['first'] }]);
    }
    for (const cursor of ['', 'x', 'A'.repeat(5_000)]) {
      const { errors } = (await ask(LIST, { after: cursor }, admin)).body;
      expect([list, cursor.length, errors?.[0].extensions]).toMatchObject([
        list,
        cursor.length,
        { code: 'BAD_USER_INPUT', path: ['after'] },
      ]);
    }
  }
});

test('U4: the audit log names actors of its own workspace, and F14: shows the effective scopes of a user’s key', async () => {
  const admin = await workspace('named');
  const { body: added } = await ask(
    'mutation { addUser(input: { name: "Ada", roles: ["viewer"] }) { user { id } } }',
    {},
    admin,
  );
  const userId = added.data.addUser.user.id;
  const { id } = await made(admin, 'adas', { scopes: ['admin'], userId });
  const AUDIT = `query ($id: ID!) {
    viewer { credential { apiKey { name } } }
    auditLog(first: 9) { nodes { action actor actorName subject subjectName } }
    apiKey(id: $id) { scopes effectiveScopes createdByName }
  }`;
  const { viewer, auditLog, apiKey } = (await ask(AUDIT, { id }, admin)).body.data;
  const { name } = viewer.credential.apiKey;
  expect(apiKey).toEqual({ scopes: ['admin'], effectiveScopes: ['read:all'], createdByName: name });
  expect(auditLog.nodes).toMatchObject([
    { action: 'KEY_CREATED', actorName: name, subject: id, subjectName: 'adas' },
    { action: 'USER_ADDED', actorName: name, subject: userId, subjectName: 'Ada' },
    { action: 'WORKSPACE_CREATED', actorName: null, actor: 'operator', subjectName: 'named' },
  ]);
  await ask('mutation ($id: ID!) { removeUser(input: { id: $id }) { user { id } } }', { id: userId }, admin);
  expect((await ask(AUDIT, { id }, admin)).body.data.apiKey.effectiveScopes).toEqual([]);
});

test('U4: the audit log names the keys, users and projects that entries mention, and none of another workspace', async () => {
  const admin = await workspace('mentions');
  const run = async (mutation: string, variables: object) => (await ask(mutation, variables, admin)).body.data;
  const { createProject } = await run('mutation { createProject(input: { name: "Billing" }) { project { id } } }', {});
  const { addUser } = await run('mutation { addUser(input: { name: "Ada", roles: ["viewer"] }) { user { id } } }', {});
  const [projectId, userId] = [createProject.project.id, addUser.user.id];
  const bound = await made(admin, 'bound', { projectId });
  await made(admin, 'owned', { userId });
  const { rotateApiKey } = await run('mutation R($id: ID!) { rotateApiKey(input: { id: $id }) { apiKey { id } } }', {
    id: bound.id,
  });
  await run('mutation U($id: ID!) { updateApiKey(input: { id: $id, name: "successor" }) { apiKey { id } } }', {
    id: rotateApiKey.apiKey.id,
  });
  const LOG = '{ auditLog(first: 20) { nodes { action subject before after names { id name } } } }';
  const { nodes } = (await ask(LOG, {}, admin)).body.data.auditLog;
  const namesOf = (action: string, mention: string) =>
    nodes.find((entry: { action: string }) => entry.action === action && JSON.stringify(entry).includes(mention)).names;
  expect(namesOf('KEY_CREATED', 'bound')).toEqual([{ id: projectId, name: 'Billing' }]);
  expect(namesOf('KEY_CREATED', 'owned')).toEqual([{ id: userId, name: 'Ada' }]);
  expect(namesOf('KEY_ROTATED', bound.id)).toEqual([
    { id: projectId, name: 'Billing' },
    // By its current name.
    { id: rotateApiKey.apiKey.id, name: 'successor' },
  ]);
  expect(namesOf('PROJECT_CREATED', projectId)).toEqual([]);

  // A text from a caller is looked up in the format that it has, only within the own workspace.
  const stranger = await workspace('mentions elsewhere');
  const { id } = await made(stranger, 'copycat');
  await ask(
    'mutation V($id: ID!, $reason: String!) { revokeApiKey(input: { id: $id, reason: $reason }) { apiKey { id } } }',
    { id, reason: bound.id },
    stranger,
  );
  const theirs = (await ask(LOG, {}, stranger)).body.data.auditLog.nodes;
  expect(JSON.stringify(theirs)).toContain(bound.id);
  for (const entry of theirs) expect(JSON.stringify(entry.names)).not.toContain('bound');
  expect(theirs[0].names).toEqual([]);
});
