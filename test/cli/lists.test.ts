import { aProject, NOW } from '../core/store/fixtures.js';
import { createKey, startService, type TestService } from '../support/service.js';
import { answering } from './answering.js';
import { expectGolden } from './golden.js';
import { latchkeyInOneProcess as latchkey } from './oneProcess.js';

let service: TestService;
let env: Record<string, string>;
beforeAll(async () => {
  service = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE' } });
  env = { LATCHKEY_URL: service.url, LATCHKEY_API_KEY: service.adminToken };
});
afterAll(() => service.close());

const run = (...args: string[]) => latchkey(args, { env });
const change = async (mutation: string): Promise<void> => {
  const { status, body } = await service.query(`mutation { ${mutation} }`);
  expect([status, body.errors]).toEqual([200, undefined]);
};

test.each(['projects', 'users'])('%s list says that the list is empty', async (things) => {
  const { status, stdout, stderr } = await run(things, 'list');
  expect([status, stdout, stderr]).toEqual([0, `No ${things}.\n`, '']);
  expect(JSON.parse((await run(things, 'list', '--json')).stdout)).toEqual({ [things]: [], hasNextPage: false });
});

test('projects list shows all projects, oldest first, in pages', async () => {
  const names = Array.from({ length: 103 }, (_, i) => `Project ${String(i).padStart(3, '0')}`);
  // Without requests, which a fast machine sends faster than the tier allows.
  const { projects: stored } = service.service.store;
  for (const [i, name] of names.entries()) await stored.create(aProject('default', { name, createdAt: NOW + i }));
  const all = await run('projects', 'list', '--json');
  const { projects, hasNextPage } = JSON.parse(all.stdout);
  expect([all.status, all.stderr, hasNextPage]).toEqual([0, '', false]);
  expect(projects.map(({ name }: { name: string }) => name)).toEqual(names);
  expect(Object.keys(projects[0])).toEqual(['id', 'name', 'createdAt']);

  const some = await run('projects', 'list', '--limit', '101', '--json');
  expect(JSON.parse(some.stdout)).toEqual({ projects: projects.slice(0, 101), hasNextPage: true });
  expect(some.stderr).toBe('The first 101: --limit shows more.\n');
  expectGolden('projects-list', (await run('projects', 'list', '-n', '2')).stdout);
});

test('users list shows users with their roles, without removed ones', async () => {
  await change('addUser(input: { name: "Ada", roles: ["viewer"] }) { user { id } }');
  await change('addUser(input: { name: "Grace", roles: [] }) { user { id } }');
  const { users } = JSON.parse((await run('users', 'list', '--json')).stdout);
  expect(users).toEqual([
    { id: expect.stringMatching(/^usr_/), name: 'Ada', roles: ['viewer'], createdAt: expect.any(String) },
    { id: expect.stringMatching(/^usr_/), name: 'Grace', roles: [], createdAt: expect.any(String) },
  ]);
  expectGolden('users-list', (await run('users', 'list')).stdout);
  await change(`removeUser(input: { id: "${users[0].id}" }) { user { id } }`);
  const left = JSON.parse((await run('users', 'list', '--json')).stdout);
  expect(left.users.map(({ name }: { name: string }) => name)).toEqual(['Grace']);
});

test('users list needs the scope read:users, and projects list any key', async () => {
  const { token } = await createKey(service, { scopes: ['read:assets'] });
  const own = { env: { ...env, LATCHKEY_API_KEY: token } };
  const refused = await latchkey(['users', 'list', '--json'], own);
  expect([refused.status, JSON.parse(refused.stderr).error.missing]).toEqual([4, ['read:users']]);
  expect((await latchkey(['projects', 'list', '--limit', '1'], own)).status).toBe(0);
});

test.each(['projects', 'users'])('%s list ends if a server repeats a page', async (things) => {
  let requests = 0;
  const node = { id: 'x_1', name: 'x', roles: [], createdAt: '2026-01-01T00:00:00.000Z' };
  const page = { nodes: [node], pageInfo: { hasNextPage: true, endCursor: 'c' } };
  const server = await answering(() => {
    requests += 1;
    return { [things]: page };
  });
  try {
    const { status, stderr } = await latchkey([things, 'list'], { env: { ...env, LATCHKEY_URL: server.url } });
    expect([status, stderr, requests]).toEqual([1, expect.stringContaining('repeats a cursor'), 2]);
  } finally {
    server.close();
  }
});
