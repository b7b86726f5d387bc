import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKey, OPERATOR_KEY, startService, type TestService } from '../support/service.js';
import { isToken } from '../../src/core/keys/token.js';
import { expectGolden } from './golden.js';
import { latchkeyInOneProcess as latchkey } from './oneProcess.js';

let service: TestService;
let env: Record<string, string>;
/** With the admin key. */
const run = (...args: string[]) => latchkey(args, { env });

beforeAll(async () => {
  service = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE' } });
  env = { LATCHKEY_URL: service.url, LATCHKEY_API_KEY: service.adminToken };
});
afterAll(() => service.close());

const KEEP = 'Store the token now: the server keeps only a hash of it and cannot show it again.\n';

test('a key, from its creation to its end', async () => {
  const created = await run('keys', 'create', 'Airflow', '--scopes', 'read-only', '--type', 'read_only', '--json');
  expect([created.status, created.stderr]).toEqual([0, KEEP]);
  expectGolden('keys-create-json', created.stdout);
  const { key, token } = JSON.parse(created.stdout);
  expect(isToken(token)).toBe(true);
  expect((await service.query('{ viewer { scopes } }', { token })).status).toBe(200);

  const quiet = await run('keys', 'create', 'Alone', '-s', 'read:assets,write:assets', '--env', 'test', '-q');
  expect([quiet.status, quiet.stderr, isToken(quiet.stdout.trim())]).toEqual([0, KEEP, true]);
  const shown = await run('keys', 'create', 'Shown', '-s', 'admin', '--expires', '90d', '--allow', '127.0.0.1,::1');
  expectGolden('keys-create', shown.stdout);

  expectGolden('keys-show', (await run('keys', 'show', key.id)).stdout);
  expectGolden('keys-update', (await run('keys', 'update', key.id, '--name', 'Airflow 2')).stdout);
  expectGolden('keys-expire', (await run('keys', 'expire', key.id, '--at', '30d')).stdout);

  const rotated = await run('keys', 'rotate', key.id, '--overlap', '12h', '--quiet');
  expect([rotated.status, isToken(rotated.stdout.trim())]).toEqual([0, true]);
  const [old] = JSON.parse((await run('keys', 'list', '--name', 'airflow', '--json')).stdout).keys.slice(-1);
  expect(old.replacedBy.id).toMatch(/^key_/);
  // The overlap is not longer than requested.
  expect(Date.parse(old.expiresAt)).toBeLessThanOrEqual(Date.now() + 12 * 3_600_000);

  const revoked = await run('keys', 'revoke', key.id, '--yes', '--reason', 'It leaked.');
  expect(revoked.status).toBe(0);
  expectGolden('keys-revoke', revoked.stdout);
  expect((await service.query('{ viewer { scopes } }', { token })).status).toBe(401);
  expectGolden('keys-list', (await run('keys', 'list', '--status', 'active', '--name', 'o')).stdout);
  expect((await run('keys', 'list', '--limit', '1')).stderr).toBe('1 of 5: --limit shows more.\n');
  expect((await run('keys', 'list', '--name', 'nobody')).stdout).toBe('No keys.\n');
});

test('a derived token, for people and for programs, and with --quiet the token only', async () => {
  const { token } = await createKey(service, { name: 'parent', scopes: ['read:assets', 'write:assets'] });
  const derive = (...args: string[]) =>
    latchkey(['keys', 'derive', '--scopes', 'read:assets', ...args], { env: { ...env, LATCHKEY_API_KEY: token } });
  const quiet = await derive('--ttl', '5m', '--quiet');
  expect([quiet.status, quiet.stderr]).toEqual([0, '']);
  const { body } = await service.query('{ viewer { scopes credential { kind } } }', { token: quiet.stdout.trim() });
  expect(body.data.viewer).toEqual({ scopes: ['read:assets'], credential: { kind: 'DERIVED_TOKEN' } });
  const { derived } = JSON.parse((await derive('--audience', 'https://orders.example', '--json')).stdout);
  expect(derived).toMatchObject({ scopes: ['read:assets'], audience: 'https://orders.example' });
  const shown = (await derive()).stdout.split('\n').map((line) => line.split(/\s{2,}/)[0]);
  expect(shown).toEqual(['Id', 'Scopes', 'Audience', 'Expires', 'Token', '']);
  const refused = await derive('--ttl', '2h');
  expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('1 to 60 minutes')]);
  const child = await latchkey(['keys', 'derive', '--scopes', 'read:assets'], {
    env: { ...env, LATCHKEY_API_KEY: quiet.stdout.trim() },
  });
  expect([child.status, child.stderr]).toEqual([4, expect.stringContaining('with the key itself')]);
});

test('verify reads a token from standard input, and exits with 1 if it is not active', async () => {
  const verifier = await createKey(service, { name: 'verifier', scopes: ['verify:keys'] });
  const { token, id } = await createKey(service, { name: 'reader', scopes: ['read:assets'] });
  const verify = (input: string, ...args: string[]) =>
    latchkey(['verify', ...args], { env: { ...env, LATCHKEY_API_KEY: verifier.token }, input });
  const active = await verify(`${token}\n`, '--scopes', 'read:assets', '--cost', '1');
  expect([active.status, active.stderr]).toEqual([0, '']);
  expect(active.stdout).toMatch(/^Active +yes$/m);
  expect(active.stdout).not.toContain(token);
  const lacking = await verify(token, '--scopes', 'read:assets,write:assets', '--json');
  expect(lacking.status).toBe(1);
  expect(JSON.parse(lacking.stdout)).toMatchObject({
    ...{ active: false, reason: 'insufficient_scope', missing_scope: 'write:assets', key_id: id },
  });
  const wrong = await verify('lks_live_wrong');
  expect([wrong.status, wrong.stdout.trim()]).toEqual([1, expect.stringMatching(/^Active +no$/)]);
  const invalid = await verify(token, '--address', 'nonsense');
  expect([invalid.status, invalid.stderr]).toEqual([1, expect.stringContaining('Invalid address')]);
  const denied = await latchkey(['verify'], { env: { ...env, LATCHKEY_API_KEY: token }, input: token });
  expect([denied.status, denied.stderr]).toEqual([4, expect.stringContaining('lacks verify:keys')]);
  const twice = await verify(token, '--key-stdin');
  expect([twice.status, twice.stderr]).toEqual([2, expect.stringContaining('Both the key and the token')]);
});

test('verify finds /v1/verify from the default address, /admin/graphql, too', async () => {
  const verifier = await createKey(service, { name: 'beside', scopes: ['verify:keys'] });
  const { status, stdout, stderr } = await latchkey(['verify'], {
    env: { LATCHKEY_URL: service.url.replace(/graphql$/, 'admin/graphql'), LATCHKEY_API_KEY: verifier.token },
    input: verifier.token,
  });
  expect([status, stdout, stderr]).toEqual([0, expect.stringMatching(/^Active +yes$/m), '']);
});

test('whoami, usage and explain', async () => {
  const { id, token } = await createKey(service, { name: 'reader', scopes: ['read:assets'] });
  expectGolden('whoami', (await latchkey(['whoami'], { env: { ...env, LATCHKEY_API_KEY: token } })).stdout);
  const piped = await latchkey(['whoami', '--key-stdin', '--json'], {
    env: { LATCHKEY_URL: service.url },
    input: `${token}\n`,
  });
  expectGolden('whoami-json', piped.stdout);

  const usage = await run('usage', id, '--by', 'day', '--from', '2d', '--json');
  const { by, usage: periods, total } = JSON.parse(usage.stdout);
  expect([by, periods.length, Object.keys(total)]).toEqual(['DAY', 3, ['requests', 'cost', 'limited', 'forbidden']]);
  const lines = (await run('usage', id)).stdout.trimEnd().split('\n');
  expect([lines.length, lines[0], lines.at(-1)]).toEqual([
    26,
    expect.stringMatching(/^FROM \(UTC\) +REQUESTS +COST +LIMITED +FORBIDDEN$/),
    expect.stringMatching(/^total +\d+ +\d+ +\d+ +\d+$/),
  ]);

  const explain = (input: string, ...more: string[]) =>
    latchkey(['explain', '-', '--key', id, ...more], { env, input });
  const allowed = await explain('query($n: Int) { assets(first: $n) { name } }', '--variables', '{"n":1}');
  expect(allowed.status).toBe(0);
  expectGolden('explain-allowed', allowed.stdout);
  // F10: JSON.parse would change the number.
  const altered = await explain('{ tiers { tier } }', '--variables', '{"n":[9007199254740993]}');
  expect([altered.status, altered.stderr]).toEqual([2, expect.stringContaining('9007199254740993')]);
  const refused = await explain('{ assets { name } apiKeys { totalCount } }');
  expect(refused.status).toBe(1);
  expectGolden('explain-refused', refused.stdout);
  const broken = await explain('{ assets { nam } }', '--json');
  expect([broken.status, JSON.parse(broken.stdout).explanation.reasons]).toEqual([1, ['INVALID_DOCUMENT']]);
});

test('the schema, with a key and without', async () => {
  const printed = await run('schema', 'print');
  expect([printed.status, printed.stdout.includes('directive @auth')]).toEqual([0, true]);
  const text = await (await fetch(`${service.origin}/schema.graphql`)).text();
  const keyless = await latchkey(['schema', 'print'], { env: { LATCHKEY_URL: service.url } });
  expect(keyless.stdout.trim()).toBe(text.trim());
});

test('a workspace, and its tier', async () => {
  const platform = await startService({ env: { ADMIN_API_KEY: OPERATOR_KEY } });
  try {
    const operator = { LATCHKEY_URL: platform.url, LATCHKEY_API_KEY: OPERATOR_KEY };
    const created = await latchkey(['workspace', 'create', 'Data team', '--tier', 'free-trial', '--json'], {
      env: operator,
    });
    expectGolden('workspace-create-json', created.stdout);
    const { workspace, token } = JSON.parse(created.stdout);
    const raised = await latchkey(['workspace', 'tier', workspace.id, 'growth'], { env: operator });
    expectGolden('workspace-tier', raised.stdout);
    // Not allowed for an admin of the workspace.
    const own = await latchkey(['workspace', 'tier', workspace.id, 'enterprise'], {
      env: { ...operator, LATCHKEY_API_KEY: token },
    });
    expect(own.status).toBe(4);
  } finally {
    await platform.close();
  }
});

test('the tiers of the server, for people and for programs, without a key', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-tiers-'));
  const file = join(dir, 'latchkey.yaml');
  writeFileSync(
    file,
    `tiers:
  FREE_TRIAL: removed
  BIG_TEAM:
    was: GROWTH
    categories: { write: { per_minute: 60, per_second: 5 } }
    owner: { per_minute: 900, per_second: 30 }
    quotas:
      - { window: month, limit: 100000, subject: workspace, anchor_day: 15 }
      - { window: day, limit: 9000, unit: cost }
    credits: { subject: owner, refill: { amount: 1000, every: month } }
    cost: { max: 500, per_minute: 5000, per_second: 900 }
`,
  );
  const own = await startService({ env: { ADMIN_API_KEY: OPERATOR_KEY, LATCHKEY_CONFIG: file } });
  try {
    const ask = (key: string, ...args: string[]) =>
      latchkey(args, { env: { LATCHKEY_URL: own.url, ...(key === '' ? {} : { LATCHKEY_API_KEY: key }) } });
    const shown = await ask('', 'tiers');
    expect([shown.status, shown.stderr]).toEqual([0, '']);
    expectGolden('tiers', shown.stdout);
    const { tiers } = JSON.parse((await ask('', 'tiers', '--json')).stdout);
    expect(tiers.map(({ tier }: { tier: string }) => tier)).toEqual([
      ...['STARTER', 'BIG_TEAM', 'PROFESSIONAL', 'ENTERPRISE'],
    ]);
    expect(tiers[1]).toEqual({
      ...{ tier: 'BIG_TEAM', keys: 10, adminKeys: 10, perMinute: 500, perSecond: 25, streams: 10 },
      categories: [{ category: 'WRITE', perMinute: 60, perSecond: 5 }],
      ...{ owner: { perMinute: 900, perSecond: 30 }, project: null, workspace: null },
      quotas: [
        { subject: 'WORKSPACE', window: 'MONTH', unit: 'REQUESTS', limit: 100_000, anchorDay: 15 },
        { subject: 'KEY', window: 'DAY', unit: 'COST', limit: 9_000, anchorDay: null },
      ],
      credits: { subject: 'OWNER', unit: 'REQUESTS', refill: { amount: 1_000, every: 'MONTH', anchorDay: 1 } },
      cost: { max: 500, perMinute: 5_000, perSecond: 900 },
    });
    const names = await ask('', 'tiers', '--names');
    expect([names.status, names.stdout]).toEqual([0, 'starter\nbig-team\nprofessional\nenterprise\n']);
    expect((await ask('', 'tiers', '--names', '--json')).status).toBe(2);

    const created = await ask(OPERATOR_KEY, 'workspace', 'create', 'A', '--json');
    expect(JSON.parse(created.stdout).workspace.tier).toBe('BIG_TEAM');
    const { id } = JSON.parse(created.stdout).workspace;
    const raised = await ask(OPERATOR_KEY, 'workspace', 'tier', id, 'Professional', '--json');
    expect(JSON.parse(raised.stdout).workspace.tier).toBe('PROFESSIONAL');
    const unknown = await ask(OPERATOR_KEY, 'workspace', 'tier', id, 'growth');
    expect(unknown.status).toBe(2);
    expect(unknown.stderr).toContain('There is no tier growth. Allowed: starter, big-team, professional, enterprise.');
    expect((await ask(OPERATOR_KEY, 'workspace', 'create', 'B', '--tier', 'gold')).status).toBe(2);
    expect((await ask(OPERATOR_KEY, 'workspace', 'create', 'B', '--tier', '1st')).stderr).toContain(
      'latchkey tiers lists them',
    );
  } finally {
    await own.close();
    rmSync(dir, { recursive: true, force: true });
  }
});
