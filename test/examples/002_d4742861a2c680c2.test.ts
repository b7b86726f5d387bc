import { run, runExample } from '../support/run.js';
import { createKey, OPERATOR_KEY, startService, type TestService } from '../support/service.js';
import { documentOf, expectSession, sessionOf } from '../support/session.js';

const HERE = 'user-keys';
const DAY = 24 * 60 * 60_000;

let latchkey: TestService;
let now: number;
beforeEach(async () => {
  now = Date.now();
  latchkey = await startService({
    env: { LATCHKEY_CONFIG: `examples/${HERE}/latchkey.yaml`, ADMIN_API_KEY: OPERATOR_KEY, AUTH_CACHE_TTL: '60000' },
    now: () => now,
  });
});
afterEach(() => latchkey.close());

/** Returns the output of a script of the example for an admin. */
const admin = async (file: string, ...args: string[]): Promise<string> => {
  const env = { LATCHKEY_URL: latchkey.url, LATCHKEY_API_KEY: OPERATOR_KEY };
  const { stdout, stderr } = await runExample(file, args, env);
  expect(stderr).toBe('');
  return stdout.trim();
};
const addUser = (...roles: string[]): Promise<string> => admin(`${HERE}/add-user.js`, 'Ada', ...roles);
const keyOf = (user: string, ...more: string[]): Promise<string> =>
  admin('shared/create-key.js', 'Nightly sync', '--user', user, '--scope', 'read-write', ...more);
/** The ID of the job that the key triggers. */
const statusOf = async (key: string): Promise<number> => {
  const env = { LATCHKEY_URL: latchkey.url, API_KEY: key };
  const { stdout } = await run(`examples/${HERE}/trigger-job.sh`, ['customers'], { env });
  return Number(/status=(\d+)\n$/.exec(stdout)?.[1]);
};

describe('002_d4742861a2c680c2', () => {
  it('runs its README as written', async () => {
    const env = { ADMIN: OPERATOR_KEY, LATCHKEY_URL: latchkey.url };
    await expectSession(sessionOf(documentOf(`examples/${HERE}/README.md`)), { env });
  });

  it('lets a key do what its user currently has permission for', async () => {
    const ada = await addUser('operator');
    const key = await keyOf(ada);
    expect(await statusOf(key)).toBe(200);
    for (const [roles, expected] of [
      [['observer'], 403],
      [[], 403],
      [['observer', 'operator'], 200],
    ] as const) {
      expect(await admin(`${HERE}/set-roles.js`, ada, ...roles)).toBe(`Ada: ${roles.join(' ')}`.trim());
      expect(await statusOf(key)).toBe(expected);
    }
    await admin(`${HERE}/remove-user.js`, ada);
    expect(await statusOf(key)).toBe(401);
  });

  it('gives a user no access to another workspace', async () => {
    const ada = await addUser('operator');
    const key = await keyOf(ada);
    const made = await latchkey.query(
      'mutation { createWorkspace(input: { name: "other", tier: GROWTH }) { workspace { id } token } }',
      { token: OPERATOR_KEY },
    );
    const { workspace, token } = made.body.data.createWorkspace;
    await latchkey.query('mutation { registerAsset(input: { name: "theirs" }) { name } }', { token });
    const seen = await latchkey.query('{ viewer { workspace { id } } assets { name } }', { token: key });
    expect(seen.body.data).toEqual({ viewer: { workspace: { id: 'default' } }, assets: [] });
    const asked = await latchkey.query(`{ workspace(id: "${workspace.id}") { name } }`, { token: key });
    expect(asked.body.errors[0].extensions.code).toBe('NOT_FOUND');
    await expect(createKey(latchkey, { userId: ada }, token)).rejects.toThrow('NOT_FOUND');
  });

  it('refuses a key after the expiry that was set at its creation', async () => {
    const key = await keyOf(await addUser('operator'), '--days', '30');
    const { body } = await latchkey.query('{ viewer { credential { apiKey { expiresAt } } } }', { token: key });
    const expiresAt = Date.parse(body.data.viewer.credential.apiKey.expiresAt);
    expect(expiresAt).toBeGreaterThanOrEqual(now + 30 * DAY);
    now = expiresAt - 1;
    expect(await statusOf(key)).toBe(200);
    now = expiresAt;
    expect(await statusOf(key)).toBe(401);
  });

  it('shows the key when it is created and never again', async () => {
    const key = await keyOf(await addUser('operator'));
    const secret = key.slice(-38, -6);
    const { text, body } = await latchkey.query(
      '{ apiKeys { nodes { id name prefix } } auditLog { nodes { before after } } }',
      { token: OPERATOR_KEY },
    );
    expect(text).not.toContain(secret);
    const [{ id, prefix }] = body.data.apiKeys.nodes;
    expect(key.startsWith(prefix)).toBe(true);
    expect(JSON.stringify(await latchkey.service.store.keys.find(id, 'default'))).not.toContain(secret);
    expect(latchkey.logs.join('')).not.toContain(secret);
  });

  it('accepts the key as Authorization: Api-Key', async () => {
    const { token } = await createKey(latchkey, {}, OPERATOR_KEY);
    const send = async (authorization: string): Promise<number> =>
      (await latchkey.query('{ viewer { scopes } }', { token: null, headers: { authorization } })).status;
    expect([await send(`Api-Key ${token}`), await send('Api-Key nothing')]).toEqual([200, 401]);
  });
});
