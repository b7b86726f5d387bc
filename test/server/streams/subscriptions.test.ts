import { createKey, OPERATOR_KEY, startService, type TestService } from '../../support/service.js';
import { openStream, type Reading } from '../../support/streams.js';
import { until } from '../../support/until.js';
import { act } from '../../e2e/operations.js';

let latchkey: TestService;
let admin: string;
let foreign: string;
let shop: string;
const open: Reading[] = [];

beforeAll(async () => {
  latchkey = await startService({ env: { ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'ENTERPRISE' } });
  admin = (await act(latchkey, 'createWorkspace', { name: 'Mine', tier: 'ENTERPRISE' }, OPERATOR_KEY)).token;
  foreign = (await act(latchkey, 'createWorkspace', { name: 'Theirs', tier: 'ENTERPRISE' }, OPERATOR_KEY)).token;
  shop = (await act(latchkey, 'createProject', { name: 'Shop' }, admin)).project.id;
});
afterEach(() => {
  for (const reading of open.splice(0)) reading.close();
});
afterAll(() => latchkey.close());

async function listen(query: string, token: string, variables: object = {}): Promise<Reading> {
  const reading = await openStream(latchkey.origin, query, { token, variables });
  expect([reading.status, reading.body]).toEqual([200, null]);
  open.push(reading);
  return reading;
}

const mutate = async (mutation: string, token: string): Promise<void> => {
  const { body } = await latchkey.query(`mutation { ${mutation} { name } }`, { token });
  expect(body.errors).toBeUndefined();
};
const register = (name: string, token = admin, more = '') =>
  mutate(`registerAsset(input: { name: "${name}" ${more} })`, token);
const load = (name: string, token = admin, more = '') =>
  mutate(`recordLoad(input: { asset: "${name}" ${more} })`, token);

const CHANGED =
  'subscription ($name: String, $project: ID) { assetChanged(name: $name, project: $project) { name freshness { status } } }';

test('assetChanged reports registrations and loads, with the current state of the asset', async () => {
  const all = await listen(CHANGED, admin);
  const one = await listen(CHANGED, admin, { name: 'orders' });
  await register('orders');
  await register('customers');
  await load('orders');
  expect(await all.first(3)).toEqual([
    { data: { assetChanged: { name: 'orders', freshness: { status: 'UNKNOWN' } } } },
    { data: { assetChanged: { name: 'customers', freshness: { status: 'UNKNOWN' } } } },
    { data: { assetChanged: { name: 'orders', freshness: { status: 'FRESH' } } } },
  ]);
  const names = (await one.first(2)).map(({ data }) => data.assetChanged.name);
  expect(names).toEqual(['orders', 'orders']);
  expect(all.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  expect(all.headers.get('cache-control')).toBe('private, no-store');
  expect(all.headers.get('ratelimit')).toMatch(/^"(?:burst|rate)";r=\d+;t=\d+/);
});

test('alertOpened reports an alert once, when it is opened', async () => {
  const alerts = await listen('subscription { alertOpened { asset kind message } }', admin);
  await register('late', admin, 'allowedAge: "PT1H"');
  await load('late', admin, 'at: "2020-01-01T00:00:00Z"');
  await mutate('refreshFreshness(asset: "late")', admin);
  await register('other', admin, 'allowedAge: "PT1H"');
  await load('other', admin, 'at: "2020-01-01T00:00:00Z"');
  expect(await alerts.first(2)).toEqual(
    ['late', 'other'].map((asset) => ({
      data: { alertOpened: { asset, kind: 'STALE', message: expect.stringContaining('1 hour') } },
    })),
  );
});

describe('isolation', () => {
  it('a stream receives only events of its own workspace', async () => {
    const mine = await listen(CHANGED, admin);
    const theirs = await listen(CHANGED, foreign);
    await register('secret', foreign);
    await register('plain');
    expect((await mine.first(1))[0].data.assetChanged.name).toBe('plain');
    expect((await theirs.first(1))[0].data.assetChanged.name).toBe('secret');
    expect([mine.results.length, theirs.results.length]).toEqual([1, 1]);
  });

  it('a stream receives events of one project: its own, or one that it names and may access', async () => {
    const bound = await createKey(latchkey, { scopes: ['read:assets', 'write:assets'], projectId: shop }, admin);
    const own = await listen(CHANGED, bound.token);
    const named = await listen(CHANGED, admin, { project: shop });
    const none = await listen(CHANGED, admin);
    await register('in-none');
    await register('in-shop', bound.token);
    await register('in-none-too');
    expect((await own.first(1))[0].data.assetChanged.name).toBe('in-shop');
    expect((await named.first(1))[0].data.assetChanged.name).toBe('in-shop');
    const names = (await none.first(2)).map(({ data }) => data.assetChanged.name);
    expect(names).toEqual(['in-none', 'in-none-too']);
    expect([own.results.length, named.results.length]).toEqual([1, 1]);
  });

  it('a project without access is not found: 404 before the stream starts', async () => {
    const bound = await createKey(latchkey, { scopes: ['read:assets'], projectId: shop }, admin);
    const other = (await act(latchkey, 'createProject', { name: 'Other' }, admin)).project.id;
    for (const [token, project] of [
      [foreign, shop],
      [bound.token, other],
      [admin, 'prj_nothing'],
    ] as const) {
      const { status, body } = await openStream(latchkey.origin, CHANGED, { token, variables: { project } });
      expect([status, body.errors[0].extensions.code]).toEqual([404, 'NOT_FOUND']);
    }
    const { status, body } = await openStream(latchkey.origin, CHANGED, {
      token: admin,
      variables: { name: 'no name' },
    });
    expect([status, body.errors[0].extensions]).toEqual([400, { code: 'BAD_USER_INPUT', path: ['name'] }]);
  });

  it('a key that is restricted to a project receives keyEvents of that project', async () => {
    const bound = await createKey(latchkey, { scopes: ['admin'], projectId: shop }, admin);
    const keys = await listen('subscription { keyEvents { type keyId } }', bound.token);
    const theirs = await listen('subscription { keyEvents { type keyId } }', foreign);
    await createKey(latchkey, {}, admin);
    const inShop = await createKey(latchkey, { projectId: shop }, admin);
    expect(await keys.first(1)).toEqual([{ data: { keyEvents: { type: 'CREATED', keyId: inShop.id } } }]);
    expect([keys.results.length, theirs.results.length]).toEqual([1, 0]);
  });
});

describe('keyEvents', () => {
  const EVENTS = 'subscription { keyEvents { type keyId actor actorName address apiKey { name status } } }';

  it("U4: names the actor of each event in a key's life", async () => {
    const events = await listen(EVENTS, admin);
    const { id } = await createKey(latchkey, { name: 'first' }, admin);
    const input = (more: string) => `input: { id: "${id}" ${more} }`;
    for (const mutation of [
      `updateApiKey(${input('name: "second"')}) { apiKey { id } }`,
      `expireApiKey(${input('at: "2099-01-01T00:00:00Z"')}) { apiKey { id } }`,
      `rotateApiKey(${input('')}) { apiKey { id } }`,
      `revokeApiKey(${input('')}) { apiKey { id } }`,
      // The second revocation sends no event.
      `revokeApiKey(${input('')}) { apiKey { id } }`,
    ]) {
      expect((await latchkey.query(`mutation { ${mutation} }`, { token: admin })).body.errors).toBeUndefined();
    }
    const after = await createKey(latchkey, { name: 'after' }, admin);
    const told = (await events.first(6)).map(({ data }) => data.keyEvents);
    expect(told.map(({ type, keyId }) => [type, keyId])).toEqual([
      ['CREATED', id],
      ['UPDATED', id],
      ['UPDATED', id],
      ['ROTATED', id],
      ['REVOKED', id],
      ['CREATED', after.id],
    ]);
    // U4: a person reads the name of the key that made the change.
    const viewer = await latchkey.query('{ viewer { credential { id apiKey { name } } } }', { token: admin });
    const { id: actor, apiKey } = viewer.body.data.viewer.credential;
    for (const event of told) expect(event).toMatchObject({ actor, actorName: apiKey.name, address: null });
    expect(told.at(-1)?.apiKey).toEqual({ name: 'after', status: 'ACTIVE' });
  });

  it('REVOKED for each key of a removed user, except keys that had already ended', async () => {
    const { user } = await act(latchkey, 'addUser', { name: 'Ada', roles: ['viewer'] }, admin);
    const hers = [];
    for (const name of ['one', 'two', 'ended']) {
      hers.push((await createKey(latchkey, { name, scopes: ['read:all'], userId: user.id }, admin)).id);
    }
    const [one, two, ended] = hers;
    await act(latchkey, 'revokeApiKey', { id: ended }, admin);
    const events = await listen(EVENTS, admin);
    await act(latchkey, 'removeUser', { id: user.id }, admin);
    const after = await createKey(latchkey, {}, admin);
    const told = (await events.first(3)).map(({ data }) => data.keyEvents);
    expect(told.slice(0, 2).toSorted((a, b) => a.apiKey.name.localeCompare(b.apiKey.name))).toEqual(
      [one, two].map((keyId, i) => ({
        type: 'REVOKED',
        keyId,
        actor: expect.stringMatching(/^key_/),
        actorName: expect.any(String),
        address: null,
        apiKey: { name: ['one', 'two'][i], status: 'REVOKED' },
      })),
    );
    expect([told[2].type, told[2].keyId]).toEqual(['CREATED', after.id]);
  });

  it('LIMITED once, even if the limits refuse several times', async () => {
    const trial = await startService({ env: { ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'FREE_TRIAL' } });
    try {
      const made = await act(trial, 'createWorkspace', { name: 'w', tier: 'FREE_TRIAL' }, OPERATOR_KEY);
      const events = await openStream(trial.origin, EVENTS, { token: made.token });
      // More requests at once than a second allows.
      const statuses = await Promise.all(
        Array.from(
          { length: 8 },
          async () => (await trial.query('{ viewer { scopes } }', { token: made.token })).status,
        ),
      );
      expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(1);
      const rename = `mutation { updateApiKey(input: { id: "${made.apiKey.id}", name: "x" }) { apiKey { id } } }`;
      await until(async () => (await trial.query(rename, { token: made.token })).status === 200);
      expect((await events.first(2)).map(({ data }) => data.keyEvents.type)).toEqual(['LIMITED', 'UPDATED']);
      events.close();
    } finally {
      await trial.close();
    }
  });

  it('EXPIRING at a use within the last day', async () => {
    const events = await listen(EVENTS, admin);
    const expiresAt = new Date(Date.now() + 5 * 60_000).toISOString();
    const key = await createKey(latchkey, { expiresAt }, admin);
    for (let i = 0; i < 3; i += 1) await latchkey.query('{ viewer { scopes } }', { token: key.token });
    await createKey(latchkey, {}, admin);
    const told = (await events.first(3)).map(({ data }) => data.keyEvents);
    expect(told.map(({ type }) => type)).toEqual(['CREATED', 'EXPIRING', 'CREATED']);
  });
});
