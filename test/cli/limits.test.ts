import { createKey, OPERATOR_KEY, startService, type TestService } from '../support/service.js';
import { latchkeyInOneProcess as latchkey } from './oneProcess.js';

let service: TestService;
let env: Record<string, string>;
beforeAll(async () => {
  service = await startService({ env: { ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'ENTERPRISE' } });
  env = { LATCHKEY_URL: service.url, LATCHKEY_API_KEY: OPERATOR_KEY };
});
afterAll(() => service.close());

const run = (...args: string[]) => latchkey(['limits', ...args], { env });

test('sets limits of a key and of an external ID, lists and removes them', async () => {
  const { id, token } = await createKey(service, { scopes: ['read:all'], externalId: 'cus_1' }, OPERATOR_KEY);
  const set = await run('set', 'api-key', id, '--per-minute', '77', '--reason', 'Abuse');
  expect([set.status, set.stderr]).toEqual([0, '']);
  expect(set.stdout).toMatch(
    /^Subject +API_KEY fam_\w+\nPer minute +77\nPer second +as in the tier\nQuotas +as in the tier\nUntil +never ends\nReason +Abuse\n$/,
  );
  const json = await run('set', 'external-id', 'cus_1', '--per-second', '9', '--until', '30d', '--json');
  expect(JSON.parse(json.stdout)).toMatchObject({
    override: { type: 'EXTERNAL_ID', id: 'cus_1', rate: null, burst: 9, active: true, setBy: 'operator' },
  });
  const whoami = await latchkey(['whoami'], { env: { ...env, LATCHKEY_API_KEY: token } });
  expect(whoami.stdout).toMatch(/^Per minute +76 of 77 left \(set for it\)/m);
  expect(whoami.stdout).toMatch(/^Per second of the owner +8 of 9 left \(set for it\)/m);

  const list = await run('list');
  expect(list.stdout).toMatch(
    /^TYPE +ID +PER MINUTE +PER SECOND +QUOTAS +UNTIL +REASON\nEXTERNAL_ID +cus_1 +as in the tier +9 +as in the tier +/,
  );
  expect(list.stdout).toMatch(/^API_KEY +fam_\w+ +77 +as in the tier +as in the tier +never ends +Abuse$/m);
  expect(JSON.parse((await run('list', '--json')).stdout).limits).toHaveLength(2);
  // The ID that the list shows.
  const [, family = ''] = /^API_KEY +(fam_\w+)/m.exec(list.stdout) ?? [];
  const removed = await run('remove', 'api-key', family);
  expect([removed.status, removed.stdout]).toEqual([0, 'The limits of the tier apply.\n']);
  expect(JSON.parse((await run('list', '--json')).stdout).limits).toHaveLength(1);
});

test('needs a limit to set, and the scope platform', async () => {
  const nothing = await run('set', 'workspace', 'default');
  expect(nothing.status).not.toBe(0);
  expect(nothing.stderr).toContain('Give --per-minute, --per-second, --quota or --no-quotas');
  const { token } = await createKey(service, { scopes: ['admin'] }, OPERATOR_KEY);
  const refused = await latchkey(['limits', 'list'], { env: { ...env, LATCHKEY_API_KEY: token } });
  expect(refused.status).not.toBe(0);
  expect(refused.stderr).toContain('platform');
});
