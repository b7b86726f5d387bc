import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKey, freshMongoUri, OPERATOR_KEY, startService, type TestService } from '../support/service.js';
import { act, attempt } from './operations.js';

const TIERS = `
tiers:
  FREE_TRIAL: removed
  HOBBY: { was: STARTER, keys: 2, per_minute: 45, per_second: 9 }
  ENTERPRISE: {}
  MAX: { from: ENTERPRISE, streams: 500 }
`;
const NAMES = ['HOBBY', 'GROWTH', 'PROFESSIONAL', 'ENTERPRISE', 'MAX'];

let dir: string;
let open: TestService[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-tiers-'));
  open = [];
});
afterEach(async () => {
  for (const service of open) await service.close();
  rmSync(dir, { recursive: true, force: true });
});

async function start(text: string, env: Record<string, string> = {}, dataDir?: string): Promise<TestService> {
  const file = join(dir, 'latchkey.yaml');
  writeFileSync(file, text);
  const service = await startService({
    env: { LATCHKEY_CONFIG: file, ADMIN_API_KEY: OPERATOR_KEY, AUTH_CACHE_TTL: '60000', ...env },
    ...(dataDir !== undefined && { dataDir }),
  });
  open.push(service);
  return service;
}

/** Applies a file as SIGHUP does. */
async function reload({ service }: TestService, text: string): Promise<void> {
  const file = join(dir, 'latchkey.yaml');
  writeFileSync(file, text);
  const { readSettings } = await import('../../src/server/settings/settings.js');
  await service.reconfigure(readSettings({ LATCHKEY_CONFIG: file }).configuration);
}

const INTROSPECT = '{ __type(name: "Tier") { enumValues { name } } }';
const namesIn = async (service: TestService, path = '/graphql'): Promise<string[]> => {
  const response = await fetch(`${service.origin}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${OPERATOR_KEY}` },
    body: JSON.stringify({ query: INTROSPECT }),
  });
  const { data } = (await response.json()) as { data: { __type: { enumValues: { name: string }[] } } };
  return data.__type.enumValues.map(({ name }) => name);
};
const sdlOf = async (service: TestService, path: string, token = OPERATOR_KEY): Promise<string> =>
  (await fetch(`${service.origin}${path}`, { headers: { authorization: `Bearer ${token}` } })).text();
const enumIn = (sdl: string): string[] => /enum Tier \{([^}]*)\}/.exec(sdl)?.[1]?.trim().split(/\s+/) ?? [];
const tierOf = async (service: TestService, token: string) =>
  (await service.query('{ viewer { workspace { tier } limits { tier rate { limit } } } }', { token })).body.data.viewer;

test('introspection, /schema.graphql and the list of tiers have the tiers of the configuration, the smallest first', async () => {
  const service = await start(TIERS);
  for (const path of ['/graphql', '/admin/graphql']) expect(await namesIn(service, path)).toEqual(NAMES);
  for (const path of ['/schema.graphql', '/admin/schema.graphql']) {
    expect(enumIn(await sdlOf(service, path))).toEqual(NAMES);
  }
  const { body } = await service.query('{ tiers { tier keys perMinute perSecond streams } }', { token: null });
  expect(body.data.tiers.map(({ tier }: { tier: string }) => tier)).toEqual(NAMES);
  expect(body.data.tiers[0]).toEqual({ tier: 'HOBBY', keys: 2, perMinute: 45, perSecond: 9, streams: 2 });
  expect(body.data.tiers[4]).toMatchObject({ tier: 'MAX', perMinute: 5_000, streams: 500 });
});

test('a workspace can have each of these tiers, and no other one', async () => {
  const service = await start(TIERS);
  const { workspace, token } = await act(service, 'createWorkspace', { name: 'A', tier: 'MAX' }, OPERATOR_KEY);
  expect(await tierOf(service, token)).toEqual({
    workspace: { tier: 'MAX' },
    limits: { tier: 'MAX', rate: { limit: 5_000 } },
  });
  await act(service, 'setWorkspaceTier', { workspaceId: workspace.id, tier: 'HOBBY' }, OPERATOR_KEY);
  expect(await tierOf(service, token)).toEqual({
    workspace: { tier: 'HOBBY' },
    limits: { tier: 'HOBBY', rate: { limit: 45 } },
  });
  for (const tier of ['STARTER', 'FREE_TRIAL', 'ANONYMOUS', 'hobby']) {
    const refused = await attempt(service, 'setWorkspaceTier', { workspaceId: workspace.id, tier }, OPERATOR_KEY);
    expect([refused.status, refused.body.errors[0].extensions.code]).toEqual([400, 'BAD_USER_INPUT']);
    const created = await attempt(service, 'createWorkspace', { name: 'B', tier }, OPERATOR_KEY);
    expect(created.status).toBe(400);
  }
});

test('a new workspace has the default tier', async () => {
  const service = await start(TIERS, { DEFAULT_TIER: 'MAX' });
  const create = () => act(service, 'createWorkspace', { name: 'A' }, OPERATOR_KEY);
  expect((await tierOf(service, (await create()).token)).workspace.tier).toBe('MAX');
  expect((await tierOf(service, OPERATOR_KEY)).workspace.tier).toBe('MAX');
  await reload(service, 'tiers: { GROWTH: removed, ENTERPRISE: {}, FREE_TRIAL: removed, STARTER: removed }');
  expect((await tierOf(service, (await create()).token)).workspace.tier).toBe('PROFESSIONAL');
});

test('keys that only administer are counted separately in a new tier', async () => {
  const service = await start('tiers: { SOLO: { from: GROWTH, keys: 1, admin_keys: 2 } }');
  const { token } = await act(service, 'createWorkspace', { name: 'A', tier: 'SOLO' }, OPERATOR_KEY);
  await createKey(service, { scopes: ['admin'] }, token);
  await createKey(service, {}, token);
  await expect(createKey(service, {}, token)).rejects.toThrow('1 key that SOLO allows');
  await expect(createKey(service, { scopes: ['admin'] }, token)).rejects.toThrow('2 admin keys that SOLO allows');
  const { body } = await service.query('{ workspace { keys { current max admin { current max } } } }', { token });
  expect(body.data.workspace.keys).toEqual({ current: 1, max: 1, admin: { current: 2, max: 2 } });
});

test('a stored tier that no longer exists has the limits of the smallest, is reported once, and is never rewritten', async () => {
  const uri = freshMongoUri();
  const env = uri === undefined ? {} : { MONGODB_URI: uri };
  const data = join(dir, 'data');
  const before = await start('tiers: { GOLD: { from: GROWTH, keys: 5 } }', env, data);
  const { workspace, token } = await act(before, 'createWorkspace', { name: 'A', tier: 'GOLD' }, OPERATOR_KEY);
  await createKey(before, {}, token);
  await before.service.close();

  const service = await start('{}', env, data);
  const ready = async () => (await fetch(`${service.origin}/readyz`)).json();
  expect(await ready()).toEqual({ status: 'ready' });
  const smallest = { workspace: { tier: 'FREE_TRIAL' }, limits: { tier: 'FREE_TRIAL', rate: { limit: 20 } } };
  expect(await tierOf(service, token)).toEqual(smallest);
  const full = await attempt(service, 'createApiKey', { name: 'x', scopes: ['read:all'] }, token);
  expect(full.body.errors[0].extensions).toMatchObject({ code: 'KEY_LIMIT_REACHED', max: 1, current: 1 });
  const reports = () => service.logs.filter((line) => line.includes('has the tier'));
  expect(reports()).toHaveLength(1);
  expect(reports()[0]).toContain(String.raw`A stored workspace has the tier \"GOLD\", which is not defined.`);
  expect(await ready()).toEqual({
    status: 'ready',
    tiers: 'Stored workspaces have tiers that are not defined: "GOLD".',
  });
  const metrics = await fetch(`${service.origin}/metrics`, { headers: { authorization: `Bearer ${OPERATOR_KEY}` } });
  expect(await metrics.text()).toContain('\nlatchkey_unknown_tiers 1\n');

  // With the tier in the table, the workspace has it again.
  await reload(service, 'tiers: { GOLD: { from: GROWTH, keys: 7 } }');
  expect(await ready()).toEqual({ status: 'ready' });
  expect(await tierOf(service, token)).toMatchObject({ workspace: { tier: 'GOLD' }, limits: { tier: 'GOLD' } });
  expect(await service.service.store.workspaces.find(workspace.id)).toMatchObject({ tier: 'GOLD' });
  await createKey(service, {}, token);

  // Only a change of the tier is written, with the stored name in its entry.
  await reload(service, '{}');
  await act(service, 'setWorkspaceTier', { workspaceId: workspace.id, tier: 'STARTER' }, OPERATOR_KEY);
  const { audit } = service.service.store;
  const [entry] = await audit.list(workspace.id, { first: 1, before: null, filter: {} });
  expect(entry).toMatchObject({
    action: 'workspace.tier_changed',
    before: { tier: 'GOLD' },
    after: { tier: 'STARTER' },
  });
});

test('a renamed tier applies to workspaces that are stored with its earlier name, without a report', async () => {
  const service = await start('{}');
  const { workspace, token } = await act(service, 'createWorkspace', { name: 'A', tier: 'STARTER' }, OPERATOR_KEY);
  await createKey(service, {}, token);
  await reload(service, TIERS);
  expect(await tierOf(service, token)).toEqual({
    workspace: { tier: 'HOBBY' },
    limits: { tier: 'HOBBY', rate: { limit: 45 } },
  });
  await createKey(service, {}, token);
  await expect(createKey(service, {}, token)).rejects.toThrow('2 keys that HOBBY allows');
  expect(await service.service.store.workspaces.find(workspace.id)).toMatchObject({ tier: 'STARTER' });
  expect(service.service.latchkey.unknownTiers()).toEqual([]);
});

test('a reload replaces names and limits at once, and keeps what was used', async () => {
  const service = await start('{}');
  const { workspace, token } = await act(service, 'createWorkspace', { name: 'A', tier: 'STARTER' }, OPERATOR_KEY);
  const member = (await createKey(service, { scopes: ['read:all'] }, token)).token;
  expect(enumIn(await sdlOf(service, '/schema.graphql', member))).toContain('STARTER');
  const SET = `mutation { setWorkspaceTier(input: { workspaceId: "${workspace.id}", tier: STARTER }) { workspace { tier } } }`;
  expect((await service.query(SET, { token: OPERATOR_KEY })).status).toBe(200);
  for (let i = 0; i < 2; i++) expect((await service.query('{ viewer { scopes } }', { token })).status).toBe(200);

  await reload(service, TIERS);
  for (const path of ['/graphql', '/admin/graphql']) expect(await namesIn(service, path)).toEqual(NAMES);
  for (const path of ['/schema.graphql', '/admin/schema.graphql']) {
    for (const reader of [OPERATOR_KEY, member]) expect(enumIn(await sdlOf(service, path, reader))).toEqual(NAMES);
  }
  const { headers, status } = await service.query('{ viewer { scopes } }', { token });
  expect(status).toBe(200);
  expect(headers.get('ratelimit-policy')).toBe('"burst";q=9;w=1, "rate";q=45;w=60');
  const left = Number(/"rate";r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1] ?? 45 - 3);
  expect(left).toBeLessThanOrEqual(45 - 3);
  // A document that was valid before the reload is cached.
  const removed = await service.query(SET, { token: OPERATOR_KEY });
  expect(removed.body.data).toEqual({ setWorkspaceTier: null });
  expect(removed.body.errors[0].extensions.code).toBe('BAD_USER_INPUT');

  await reload(service, '{}');
  expect(await namesIn(service)).toEqual(['FREE_TRIAL', 'STARTER', 'GROWTH', 'PROFESSIONAL', 'ENTERPRISE']);
  const { body } = await service.query(`{ workspace(id: "${workspace.id}") { tier } }`, { token: OPERATOR_KEY });
  expect(body.data.workspace.tier).toBe('STARTER');
});
