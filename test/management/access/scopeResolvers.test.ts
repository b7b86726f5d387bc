import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKey, OPERATOR_KEY, startService, type TestService } from '../../support/service.js';

interface Listing {
  readonly scope: string;
  readonly opens: readonly string[];
  readonly types: readonly string[];
  readonly grantable: boolean;
}

const SCOPES = '{ scopes { scope opens types grantable } }';
const dir = mkdtempSync(join(tmpdir(), 'latchkey-scopes-'));
const LOWERED = 'key_types: { CLIENT: { scopes: [read:assets] } }';

let latchkey: TestService;
let admin: string;
beforeAll(async () => {
  const file = join(dir, 'latchkey.yaml');
  writeFileSync(file, LOWERED);
  latchkey = await startService({
    env: { ADMIN_API_KEY: OPERATOR_KEY, LATCHKEY_CONFIG: file, DEFAULT_TIER: 'ENTERPRISE' },
  });
  admin = (await createKey(latchkey, { scopes: ['admin'] }, OPERATOR_KEY)).token;
});
afterAll(async () => {
  await latchkey.close();
  rmSync(dir, { recursive: true, force: true });
});

async function list(token: string): Promise<Map<string, Listing>> {
  const { status, body } = await latchkey.query(SCOPES, { token });
  expect([status, body.errors]).toEqual([200, undefined]);
  return new Map((body.data.scopes as Listing[]).map((each) => [each.scope, each]));
}

test('lists every scope of the service by name, with the fields that it gives access to', async () => {
  const scopes = await list(admin);
  expect([...scopes.keys()]).toEqual([
    'admin',
    'platform',
    'read:all',
    'read:assets',
    'read:events',
    'read:users',
    'verify:keys',
    'write:all',
    'write:assets',
    'write:events',
  ]);
  expect(scopes.get('read:users')?.opens).toEqual(['Query.user', 'Query.users']);
  expect(scopes.get('write:events')?.opens).toEqual(['Mutation.recordEvents']);
  expect(scopes.get('read:assets')?.opens).toEqual(
    expect.arrayContaining(['Query.assets', 'Query.asset', 'Subscription.assetChanged', 'Asset.downstream']),
  );
  expect(scopes.get('admin')?.opens).toEqual(expect.arrayContaining(['Query.apiKeys', 'Query.assets', 'Viewer.user']));
  expect(scopes.get('admin')?.opens).not.toContain('Mutation.createWorkspace');
  expect(scopes.get('platform')?.opens).toContain('Mutation.createWorkspace');
  expect(scopes.get('verify:keys')).toMatchObject({ opens: [], types: ['SECRET'], grantable: true });
});

test('the list is correct: a key with a scope can use its fields, and a key with another scope cannot', async () => {
  const operations: Readonly<Record<string, string>> = {
    'Query.assets': '{ assets { name } }',
    'Query.users': '{ users { nodes { id } } }',
    'Query.auditLog': '{ auditLog { nodes { id } } }',
  };
  const outcomes = { allowed: 0, refused: 0 };
  for (const { scope, opens } of (await list(admin)).values()) {
    const { token } = await createKey(latchkey, { scopes: [scope] }, OPERATOR_KEY);
    for (const [coordinate, operation] of Object.entries(operations)) {
      const allowed = opens.includes(coordinate);
      outcomes[allowed ? 'allowed' : 'refused'] += 1;
      expect([scope, coordinate, (await latchkey.query(operation, { token })).status]).toEqual([
        scope,
        coordinate,
        allowed ? 200 : 403,
      ]);
    }
  }
  expect(outcomes).toEqual({ allowed: 10, refused: 20 });
});

test('lists the key types that can have a scope, by the ceilings of the file', async () => {
  const scopes = await list(admin);
  for (const [scope, type, may] of [
    ['admin', 'SECRET', true],
    ['admin', 'CLIENT', false],
    ['read:assets', 'CLIENT', true],
    ['read:users', 'CLIENT', false],
    ['read:users', 'READ_ONLY', true],
    ['write:assets', 'READ_ONLY', false],
  ] as const) {
    expect([scope, type, scopes.get(scope)?.types.includes(type)]).toEqual([scope, type, may]);
    const creation = createKey(latchkey, { scopes: [scope], type }, admin);
    if (may) await expect(creation).resolves.toMatchObject({ id: expect.any(String) });
    else await expect(creation).rejects.toThrow(`A ${type} key cannot have ${scope}.`);
  }
});

test('lists the scopes that a key can grant: those that it has', async () => {
  const grantable = async (token: string) =>
    [...(await list(token)).values()].filter((each) => !each.grantable).map(({ scope }) => scope);
  expect(await grantable(admin)).toEqual(['platform']);
  expect(await grantable(OPERATOR_KEY)).toEqual([]);
});

test('a key that is restricted to a project cannot grant platform, whatever its scopes', async () => {
  const { body } = await latchkey.query('mutation { createProject(input: { name: "Shop" }) { project { id } } }', {
    token: admin,
  });
  const projectId = body.data.createProject.project.id;
  const { token } = await createKey(latchkey, { scopes: ['admin'], projectId }, OPERATOR_KEY);
  expect((await list(token)).get('platform')?.grantable).toBe(false);
  expect((await list(token)).get('admin')?.grantable).toBe(true);
});

test.each([
  ['a key that reads all', ['read:all'], 403],
  ['an admin', ['admin'], 200],
])('requires the scope admin: %s', async (_, scopes, status) => {
  const { token } = await createKey(latchkey, { scopes }, OPERATOR_KEY);
  expect((await latchkey.query(SCOPES, { token })).status).toBe(status);
});
