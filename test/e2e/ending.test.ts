import { createKey } from '../support/service.js';
import { at, DAY, HOUR, startFrozen, type FrozenService } from './frozen.js';
import { act, attempt, look, refusalOf, statusWith } from './operations.js';

let latchkey: FrozenService;
beforeAll(async () => void (latchkey = await startFrozen({ env: { DEFAULT_TIER: 'ENTERPRISE' } })));
afterAll(() => latchkey.close());

test('expiry is exact at the moment of the request', async () => {
  const { token, id } = await createKey(latchkey, { expiresAt: at(latchkey.clock.now + HOUR) });
  latchkey.pass(HOUR - 1);
  expect(await statusWith(latchkey, token)).toBe(200);
  expect((await look(latchkey, id)).status).toBe('ACTIVE');
  latchkey.pass(1);
  expect(await statusWith(latchkey, token)).toBe(401);
  expect((await look(latchkey, id)).status).toBe('EXPIRED');
});

test('expireApiKey sets the end, earlier or later; a past time means now', async () => {
  const { token, id } = await createKey(latchkey);
  await act(latchkey, 'expireApiKey', { id, at: at(latchkey.clock.now + HOUR) });
  await act(latchkey, 'expireApiKey', { id, at: at(latchkey.clock.now + 2 * HOUR) });
  latchkey.pass(HOUR);
  expect(await statusWith(latchkey, token)).toBe(200);
  const { apiKey } = await act(latchkey, 'expireApiKey', { id, at: '2001-01-01T00:00:00+02:00' });
  expect(apiKey).toMatchObject({ status: 'EXPIRED', expiresAt: at(latchkey.clock.now) });
  expect(await statusWith(latchkey, token)).toBe(401);
});

test('revocation is immediate and has a reason, and revoking twice is not an error', async () => {
  const { token, id } = await createKey(latchkey);
  expect(await statusWith(latchkey, token)).toBe(200);
  const { apiKey } = await act(latchkey, 'revokeApiKey', { id, reason: 'leaked in a log' });
  expect(apiKey).toMatchObject({
    status: 'REVOKED',
    revokedAt: at(latchkey.clock.now),
    revokedReason: 'leaked in a log',
  });
  const refused = await latchkey.query('{ viewer { scopes } }', { token });
  expect([refused.status, refusalOf(refused)]).toEqual([401, { code: 'UNAUTHENTICATED', reason: 'revoked' }]);
  latchkey.pass(DAY);
  expect((await act(latchkey, 'revokeApiKey', { id, reason: 'again' })).apiKey).toEqual(apiKey);
});

test.each(['revoked', 'expired'])('a key that is %s cannot be rotated, expired, updated or revoked', async (how) => {
  const { token, id } = await createKey(latchkey);
  if (how === 'revoked') await act(latchkey, 'revokeApiKey', { id });
  else await act(latchkey, 'expireApiKey', { id, at: at(latchkey.clock.now) });
  const before = await look(latchkey, id);
  for (const [mutation, input] of [
    ['rotateApiKey', { id }],
    ['expireApiKey', { id, at: at(latchkey.clock.now + DAY) }],
    ['updateApiKey', { id, name: 'revived', scopes: ['read:all'] }],
  ] as const) {
    const answer = await attempt(latchkey, mutation, input);
    expect(answer.status).toBe(200);
    expect(answer.body.data).toEqual({ [mutation]: null });
    expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path: ['input', 'id'] });
  }
  expect(await look(latchkey, id)).toEqual(before);
  expect(await statusWith(latchkey, token)).toBe(401);
});

test('a key can end itself', async () => {
  const admin = await createKey(latchkey, { scopes: ['admin'] });
  await act(latchkey, 'revokeApiKey', { id: admin.id }, admin.token);
  expect(await statusWith(latchkey, admin.token)).toBe(401);
});

// In one operation, later root fields run for a key that an earlier one has ended, because they were checked together.
test('two mutations in one request both return data', async () => {
  const [a, b] = [await createKey(latchkey), await createKey(latchkey)];
  const answer = await latchkey.query(
    `mutation { a: revokeApiKey(input: { id: "${a.id}" }) { apiKey { status } }
                b: revokeApiKey(input: { id: "${b.id}" }) { apiKey { status } } }`,
  );
  expect(answer.body).toEqual({
    data: { a: { apiKey: { status: 'REVOKED' } }, b: { apiKey: { status: 'REVOKED' } } },
  });
});

test('lastUsedAt appears once collected usage is written', async () => {
  const { token, id } = await createKey(latchkey);
  expect((await look(latchkey, id)).lastUsedAt).toBeNull();
  await statusWith(latchkey, token);
  const used = at(latchkey.clock.now);
  expect((await look(latchkey, id)).lastUsedAt).toBeNull();
  latchkey.pass(HOUR);
  // Closing writes collected usage, like the timer does every few seconds; the server still responds.
  await latchkey.service.latchkey.close();
  expect((await look(latchkey, id)).lastUsedAt).toBe(used);
});
