import { createKey } from '../support/service.js';
import { at, DAY, HOUR, startFrozen, type FrozenService } from './frozen.js';
import { act, attempt, look, refusalOf, statusWith } from './operations.js';

let latchkey: FrozenService;
beforeAll(async () => void (latchkey = await startFrozen({ env: { DEFAULT_TIER: 'ENTERPRISE' } })));
afterAll(() => latchkey.close());

test('the old and the new key both work during the overlap, and the old key not a millisecond longer', async () => {
  const old = await createKey(latchkey);
  const { token, apiKey } = await act(latchkey, 'rotateApiKey', { id: old.id, overlap: 'PT1H' });
  expect(apiKey).toMatchObject({ replaces: { id: old.id }, replacedBy: null });
  expect(await look(latchkey, old.id)).toMatchObject({ replacedBy: { id: apiKey.id }, status: 'ACTIVE' });

  latchkey.pass(HOUR - 1);
  expect(await statusWith(latchkey, old.token)).toBe(200);
  latchkey.pass(1);
  const refused = await latchkey.query('{ viewer { scopes } }', { token: old.token });
  expect(refused.status).toBe(401);
  expect(refusalOf(refused)).toEqual({ code: 'UNAUTHENTICATED', reason: 'expired' });
  expect(await statusWith(latchkey, token)).toBe(200);
});

test('the overlap is a day by default, and PT0S ends the old key immediately', async () => {
  const old = await createKey(latchkey);
  const first = await act(latchkey, 'rotateApiKey', { id: old.id });
  expect((await look(latchkey, old.id)).expiresAt).toBe(at(latchkey.clock.now + DAY));
  // A comparable library's emergency rotation does not clear the cache of used keys, even on its own machine.
  expect(await statusWith(latchkey, first.token)).toBe(200);
  const second = await act(latchkey, 'rotateApiKey', { id: first.apiKey.id, overlap: 'PT0S' });
  expect(await statusWith(latchkey, first.token)).toBe(401);
  expect(await statusWith(latchkey, second.token)).toBe(200);
  expect(await statusWith(latchkey, old.token)).toBe(200);
});

// A comparable library sets the old key's expiry without using the earlier of the two.
test('a rotation never extends the old key', async () => {
  const expiresAt = at(latchkey.clock.now + HOUR);
  const old = await createKey(latchkey, { expiresAt });
  await act(latchkey, 'rotateApiKey', { id: old.id, overlap: 'P1D' });
  expect((await look(latchkey, old.id)).expiresAt).toBe(expiresAt);
  await attempt(latchkey, 'expireApiKey', { id: old.id, at: at(latchkey.clock.now + 30 * DAY) });
  expect((await look(latchkey, old.id)).expiresAt).toBe(expiresAt);
  latchkey.pass(HOUR);
  expect(await statusWith(latchkey, old.token)).toBe(401);
});

// A peer's reroll takes the prefix up to the first underscore.
test('the new key keeps name, scopes, type, environment and the whole prefix', async () => {
  for (const [type, prefix] of [
    ['SECRET', 'lks'],
    ['CLIENT', 'lkc'],
    ['READ_ONLY', 'lkr'],
  ] as const) {
    const old = await createKey(latchkey, { name: `a ${type}`, type, environment: 'TEST', scopes: ['read:all'] });
    const { token, apiKey } = await act(latchkey, 'rotateApiKey', { id: old.id });
    expect(apiKey).toMatchObject({
      name: `a ${type}`,
      type,
      environment: 'TEST',
      scopes: ['read:all'],
      expiresAt: null,
    });
    expect(token.startsWith(`${prefix}_test_`)).toBe(true);
    expect(apiKey.prefix).toBe(token.slice(0, apiKey.prefix.length));
    expect(token).not.toBe(old.token);
  }
});

test('a lifetime starts again; an end that was set as a date is kept', async () => {
  const lived = await createKey(latchkey, { expiresAt: at(latchkey.clock.now + 10 * DAY) });
  const dated = await createKey(latchkey);
  const date = at(latchkey.clock.now + 20 * DAY);
  await act(latchkey, 'expireApiKey', { id: dated.id, at: date });
  latchkey.pass(DAY);
  const renewed = await act(latchkey, 'rotateApiKey', { id: lived.id });
  expect(renewed.apiKey.expiresAt).toBe(at(latchkey.clock.now + 10 * DAY));
  expect((await act(latchkey, 'rotateApiKey', { id: dated.id })).apiKey.expiresAt).toBe(date);
});

test('a key is replaced once; revoking the new one does not reactivate the old one', async () => {
  const old = await createKey(latchkey);
  const { apiKey, token } = await act(latchkey, 'rotateApiKey', { id: old.id });
  const again = await attempt(latchkey, 'rotateApiKey', { id: old.id });
  expect(again.status).toBe(200);
  expect(refusalOf(again)).toEqual({ code: 'BAD_USER_INPUT', path: ['input', 'id'] });
  await act(latchkey, 'revokeApiKey', { id: apiKey.id });
  expect(await statusWith(latchkey, token)).toBe(401);
  expect(refusalOf(await attempt(latchkey, 'rotateApiKey', { id: old.id })).code).toBe('BAD_USER_INPUT');
});

test('one of twenty concurrent rotations of one key succeeds', async () => {
  const old = await createKey(latchkey);
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => attempt(latchkey, 'rotateApiKey', { id: old.id })),
  );
  expect(answers.filter(({ body }) => body.data.rotateApiKey !== null)).toHaveLength(1);
});

test.each(['P91D', 'P1M', '-P1D', 'soon', 'P90DT0.001S'])('the overlap %s is refused', async (overlap) => {
  const { id } = await createKey(latchkey);
  const answer = await attempt(latchkey, 'rotateApiKey', { id, overlap });
  expect(refusalOf(answer).code).toBe('BAD_USER_INPUT');
  expect((await look(latchkey, id)).replacedBy).toBeNull();
});

describe('limits are kept in a rotation', () => {
  // A comparable library copies the remaining credit, so that old and new key both have all of it during the overlap.
  it('old and new key together never exceed the burst and the rate', async () => {
    const service = await startFrozen({ env: { DEFAULT_TIER: 'FREE_TRIAL' } });
    try {
      const id = (await service.query('{ viewer { credential { id } } }')).body.data.viewer.credential.id;
      // Two of two in this second are used now: the query above and the rotation.
      const { token } = await act(service, 'rotateApiKey', { id, overlap: 'P1D' });
      expect(await statusWith(service, token)).toBe(429);
      expect(await statusWith(service, service.adminToken)).toBe(429);
      let admitted = 2;
      for (let second = 1; second < 20; second++) {
        service.pass(1000);
        for (const key of [token, service.adminToken, token, service.adminToken]) {
          if ((await statusWith(service, key)) === 200) admitted += 1;
        }
      }
      expect(admitted).toBe(20);
    } finally {
      await service.close();
    }
  });
});
