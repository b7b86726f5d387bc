import { runExample } from '../support/run.js';
import { createKey, startService, type TestService } from '../support/service.js';
import { documentOf, expectSession, sessionOf } from '../support/session.js';

const HERE = 'project-keys';
const FILE = { LATCHKEY_CONFIG: `examples/${HERE}/latchkey.yaml` };

// Imported by its address, because it is JavaScript without types.
const { retrying } = (await import(new URL(`../../examples/${HERE}/retry.js`, import.meta.url).href)) as {
  retrying: (send: () => Promise<Response>, options: { wait: (seconds: number) => Promise<void> }) => Promise<Response>;
};

let latchkey: TestService;
let now: number;
const start = async (): Promise<void> => {
  latchkey = await startService({ env: FILE, now: () => now });
};
beforeEach(() => {
  now = Date.now();
});
afterEach(() => latchkey.close());

const projectOf = async (name: string): Promise<string> => {
  const { body } = await latchkey.query(`mutation { createProject(input: { name: "${name}" }) { project { id } } }`);
  return body.data.createProject.project.id;
};
const backendOf = (projectId: string) => createKey(latchkey, { name: 'backend', scopes: ['admin'], projectId });
const statusOf = async (token: string | null, query: string): Promise<number> =>
  (await latchkey.query(query, { token })).status;

const ASSETS = '{ assets { name } }';
const KEYS = '{ apiKeys { nodes { name } } }';
const register = (name: string): string => `mutation { registerAsset(input: { name: "${name}" }) { name } }`;

const EVENTS = '{ events { nodes { id } } }';
const record = (id: string, more = ''): string =>
  `mutation { recordEvents(input: [{ id: "${id}", type: "page.opened" }]${more}) { recorded repeated } }`;

describe('004_4f2d16149e234a38', () => {
  it('runs its README as written', async () => {
    // Its limits use real time: the server's own clock.
    latchkey = await startService({ env: FILE });
    const env = { ADMIN: latchkey.adminToken, LATCHKEY_URL: latchkey.url };
    await expectSession(sessionOf(documentOf(`examples/${HERE}/README.md`)), { env });
  });

  it('gives a key access to its whole project, and to no other project', async () => {
    await start();
    const [shop, blog] = [await backendOf(await projectOf('shop')), await backendOf(await projectOf('blog'))];
    await latchkey.query(register('orders'), { token: shop.token });
    await latchkey.query(register('returns'), { token: shop.token });
    await latchkey.query(register('posts'), { token: blog.token });
    const seen = async (token: string) => (await latchkey.query(ASSETS, { token })).body.data.assets;
    expect(await seen(shop.token)).toEqual([{ name: 'orders' }, { name: 'returns' }]);
    expect(await seen(blog.token)).toEqual([{ name: 'posts' }]);
    const more = await createKey(latchkey, { name: 'monitor', type: 'READ_ONLY' }, shop.token);
    expect(await seen(more.token)).toEqual([{ name: 'orders' }, { name: 'returns' }]);
    expect((await latchkey.query(KEYS, { token: blog.token })).body.data.apiKeys.nodes).toEqual([{ name: 'backend' }]);
  });

  it('lets secret keys read, write and create keys, and shows new keys once', async () => {
    await start();
    const { token } = await backendOf(await projectOf('shop'));
    expect(token).toMatch(/^sk_live_/);
    expect([await statusOf(token, ASSETS), await statusOf(token, register('orders'))]).toEqual([200, 200]);
    const made = await createKey(latchkey, { name: 'worker', scopes: ['write:all'] }, token);
    // The key has only the selected scopes, which are fewer than its type allows.
    expect([await statusOf(made.token, ASSETS), await statusOf(made.token, register('x'))]).toEqual([403, 200]);
    const { text } = await latchkey.query('{ apiKeys { nodes { id name prefix } } }', { token });
    expect(text).toContain(made.id);
    expect(text).not.toContain(made.token.slice(-38));
  });

  it('lets client keys only write events', async () => {
    await start();
    for (const scope of ['read:assets', 'read:all', 'write:assets', 'write:all', 'admin', 'read-only']) {
      now += 1000;
      await expect(createKey(latchkey, { type: 'CLIENT', scopes: [scope] })).rejects.toThrow(
        'Allowed: scopes covered by write:events.',
      );
    }
    const projectId = await projectOf('shop');
    now += 1000;
    const { token } = await createKey(latchkey, { type: 'CLIENT', scopes: ['write:events'], projectId });
    expect(token).toMatch(/^ck_live_/);
    const viewer = await latchkey.query('{ viewer { scopes } }', { token });
    expect(viewer.body.data.viewer.scopes).toEqual(['write:events']);
    expect(await statusOf(token, record('visit-1'))).toBe(200);
    const mayNot = [
      ASSETS,
      EVENTS,
      register('orders'),
      'mutation { recordLoad(input: { asset: "orders" }) { name } }',
      KEYS,
      '{ users { nodes { name } } }',
      '{ auditLog { nodes { id } } }',
      'mutation { createProject(input: { name: "mine" }) { project { id } } }',
      'mutation { createApiKey(input: { name: "k", scopes: ["write:events"] }) { token } }',
    ];
    for (const query of mayNot) expect([query, await statusOf(token, query)]).toEqual([query, 403]);
  });

  it('keeps the events of a project in it: only secret keys of the project can read them', async () => {
    await start();
    const [shopId, blogId] = [await projectOf('shop'), await projectOf('blog')];
    const [shop, blog] = [await backendOf(shopId), await backendOf(blogId)];
    const client = async (of: string) =>
      (await createKey(latchkey, { type: 'CLIENT', scopes: ['write:events'] }, of)).token;
    const [shopApp, blogApp] = [await client(shop.token), await client(blog.token)];
    const recorded = async (token: string, query: string) =>
      (await latchkey.query(query, { token })).body.data.recordEvents;
    expect(await recorded(shopApp, record('visit-1'))).toEqual({ recorded: 1, repeated: 0 });
    expect(await recorded(shopApp, record('visit-1'))).toEqual({ recorded: 0, repeated: 1 });
    // An ID is unique in its project, so the same ID in another project has no effect and reveals nothing.
    expect(await recorded(blogApp, record('visit-1'))).toEqual({ recorded: 1, repeated: 0 });
    expect(await recorded(blogApp, record('visit-2'))).toEqual({ recorded: 1, repeated: 0 });

    const seen = async (token: string) => (await latchkey.query(EVENTS, { token })).body.data.events.nodes;
    expect(await seen(shop.token)).toEqual([{ id: 'visit-1' }]);
    expect((await seen(blog.token)).map(({ id }: { id: string }) => id).toSorted()).toEqual(['visit-1', 'visit-2']);
    const monitor = await createKey(latchkey, { type: 'READ_ONLY', scopes: ['read:all'] }, shop.token);
    expect(await seen(monitor.token)).toEqual([{ id: 'visit-1' }]);
    expect(await statusOf(monitor.token, record('visit-3'))).toBe(403);

    // The name of another project gives the same response as an unknown one, for writing and reading.
    for (const named of [blogId, 'prj_nothing']) {
      const [write, read] = await Promise.all([
        latchkey.query(record('visit-4', `, project: "${named}"`), { token: shopApp }),
        latchkey.query(`{ events(project: "${named}") { nodes { id } } }`, { token: shop.token }),
      ]);
      for (const { body } of [write, read]) expect(body.errors[0].extensions.code).toBe('NOT_FOUND');
    }
    expect(await seen(latchkey.adminToken)).toEqual([]);
    const named = await latchkey.query(`{ events(project: "${shopId}") { nodes { id } } }`);
    expect(named.body.data.events.nodes).toEqual([{ id: 'visit-1' }]);
  });

  it('lets read-only keys only read', async () => {
    await start();
    const projectId = await projectOf('shop');
    const { token } = await createKey(latchkey, { type: 'READ_ONLY', scopes: ['read:all'], projectId });
    expect(token).toMatch(/^rk_live_/);
    expect(await statusOf(token, ASSETS)).toBe(200);
    for (const query of [
      register('x'),
      KEYS,
      'mutation { createApiKey(input: { name: "k", scopes: [] }) { token } }',
    ]) {
      expect([query, await statusOf(token, query)]).toEqual([query, 403]);
    }
    await expect(createKey(latchkey, { type: 'READ_ONLY', scopes: ['write:all'] })).rejects.toThrow(
      'A READ_ONLY key cannot have write:all. Allowed: scopes covered by read:all',
    );
  });

  it('returns 401 for a key that is missing, expired or invalid', async () => {
    await start();
    const expiresAt = new Date(now + 60_000).toISOString();
    const { token } = await createKey(latchkey, { expiresAt });
    expect(await statusOf(token, ASSETS)).toBe(200);
    now += 60_000;
    for (const wrong of [null, token, 'sk_live_nothing']) {
      expect([wrong, await statusOf(wrong, ASSETS)]).toEqual([wrong, 401]);
    }
  });

  it('limits each key by the category of its operations', async () => {
    await start();
    const { token } = await backendOf(await projectOf('shop'));
    const other = await backendOf(await projectOf('blog'));
    now += 1000;
    const until429 = async (query: string, of: string): Promise<number> => {
      for (let passed = 0; ; passed += 1) {
        const { status, headers, body } = await latchkey.query(query, { token: of });
        if (status === 200) continue;
        expect([status, headers.get('retry-after')]).toEqual([429, '1']);
        expect(body.errors[0].extensions).toMatchObject({ code: 'RATE_LIMITED', retryAfter: 1 });
        return passed;
      }
    };
    expect(await until429(KEYS, token)).toBe(5);
    expect(await until429(register('orders'), token)).toBe(10);
    // The tier's own limit is 25.
    expect(await until429(ASSETS, token)).toBe(10);
    expect(await until429(ASSETS, other.token)).toBe(20);
  });

  describe('a client that gets a 429', () => {
    const ask = (token: string) => () =>
      fetch(latchkey.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ query: ASSETS }),
      });
    const usedUp = async (): Promise<string> => {
      await start();
      const { token } = await createKey(latchkey);
      for (let i = 0; i < 20; i += 1) expect(await statusOf(token, ASSETS)).toBe(200);
      return token;
    };

    it('waits for the time in Retry-After, and then succeeds', async () => {
      const token = await usedUp();
      const waited: number[] = [];
      const wait = async (seconds: number): Promise<void> => {
        waited.push(seconds);
        now += seconds * 1000;
      };
      expect((await retrying(ask(token), { wait })).status).toBe(200);
      expect(waited).toEqual([1]);
    });

    it('doubles the delay with each further 429, up to 60 seconds, and finally gives up', async () => {
      const token = await usedUp();
      const waited: number[] = [];
      const wait = async (seconds: number): Promise<void> => void waited.push(seconds);
      expect((await retrying(ask(token), { wait })).status).toBe(429);
      expect(waited).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
    });

    it('never waits less than Retry-After', async () => {
      await start();
      const { token } = await createKey(latchkey);
      for (let second = 0; second < 15; second += 1) {
        for (let i = 0; i < 20; i += 1) await latchkey.query(ASSETS, { token });
        now += 1000;
      }
      const waited: number[] = [];
      const wait = async (seconds: number): Promise<void> => {
        waited.push(seconds);
        now += seconds * 1000;
      };
      expect((await retrying(ask(token), { wait })).status).toBe(200);
      // 300 reads in 15 seconds: the first second's leave the minute's window 45 seconds after the last.
      expect(waited).toEqual([45]);
    });

    it('continues automatically as a script', async () => {
      latchkey = await startService({ env: FILE });
      const { token } = await createKey(latchkey);
      const env = { LATCHKEY_URL: latchkey.url, LATCHKEY_API_KEY: token };
      const { status, stdout } = await runExample(`${HERE}/read-many.js`, ['21'], env);
      expect([status, stdout]).toEqual([0, expect.stringMatching(/^21 read, \d+ refused on the way\n$/)]);
      const revoked = await runExample(`${HERE}/read-many.js`, ['1'], { ...env, LATCHKEY_API_KEY: 'no-key' });
      expect([revoked.status, revoked.stderr]).toEqual([
        1,
        expect.stringContaining('The server responded with HTTP 401.'),
      ]);
    });
  });
});
