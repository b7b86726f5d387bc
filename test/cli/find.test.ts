import { createKey, startService, type TestService } from '../support/service.js';
import { mintToken } from '../../src/core/keys/token.js';
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

const run = (args: readonly string[], input = '') => latchkey(args, { env, input });
const namesOf = (stdout: string): string[] => JSON.parse(stdout).keys.map(({ name }: { name: string }) => name);

test('U4: keys find accepts a name, a prefix, a lookup ID, a key ID, or a token on standard input', async () => {
  const { id, token } = await createKey(service, { name: 'Leaked one' });
  await createKey(service, { name: 'Another' });
  const [, , body = ''] = token.split('_');
  const lookupId = body.slice(0, 16);
  for (const text of ['leaked', id, lookupId, token.slice(0, 15), token.slice(0, 25)]) {
    const { status, stdout } = await run(['keys', 'find', text, '--json']);
    expect([text, status, namesOf(stdout)]).toEqual([text, 0, ['Leaked one']]);
  }
  const piped = await run(['keys', 'find', '-', '--json'], `export API_KEY='${token}'\n`);
  expect([piped.status, piped.stderr, namesOf(piped.stdout)]).toEqual([0, '', ['Leaked one']]);
  await run(['keys', 'revoke', id, '--yes']);
  expectGolden('keys-find', (await run(['keys', 'find', '-'], token)).stdout);

  const none = await run(['keys', 'find', '-'], mintToken('lks', 'LIVE').token);
  expect([none.status, none.stdout]).toEqual([1, 'No key found.\n']);
  for (const text of ['nobody', 'no-body', 'Nobody at all']) {
    const empty = await run(['keys', 'find', text, '--json']);
    expect([text, empty.status, empty.stderr, JSON.parse(empty.stdout)]).toEqual([text, 1, '', { keys: [] }]);
  }
  const mail = `Dear all,\r\n> our key ${token.slice(0, 30)}=\r\n> ${token.slice(30)}\r\n> leaked.\r\n`;
  expect(namesOf((await run(['keys', 'find', '-', '--json'], mail)).stdout)).toEqual(['Leaked one']);
  const prose = await run(['keys', 'find', '-'], 'nothing of the kind\n');
  expect([prose.status, prose.stdout]).toEqual([2, '']);
  expect(prose.stderr).toContain('Standard input has no token. Write a token or its beginning (lks_live_Ab12Cd)');
  const foreign = await run(['keys', 'find', '-'], 'token: ghp_16C7e42F292c6912E7710c838347Ae178B4a');
  expect([foreign.status, foreign.stdout]).toEqual([1, 'No key found.\n']);
  expect(foreign.stderr).toContain('imported with a bcrypt hash is not found by its token');
});

test('U4: keys find sends no token, and accepts none as an argument', async () => {
  const sent: object[] = [];
  const server = await answering(({ variables }) => {
    sent.push(variables);
    const pageInfo = { hasNextPage: false, endCursor: null };
    return { findApiKeys: [], apiKeys: { nodes: [], pageInfo } };
  });
  const { token, lookupId, secret } = mintToken('lks', 'LIVE');
  const foreign = 'ghp_16C7e42F292c6912E7710c838347Ae178B4a';
  const ask = (args: readonly string[], input = '') =>
    latchkey(['keys', 'find', ...args], { env: { ...env, LATCHKEY_URL: server.url }, input });
  try {
    expect((await ask(['-'], token)).status).toBe(1);
    expect(sent).toEqual([{ text: lookupId, name: '', byName: false }]);
    expect((await ask(['-'], foreign)).status).toBe(1);
    expect(JSON.stringify(sent)).not.toContain(foreign);
    for (const args of [[token], [token.slice(0, -1)], [foreign], [`--token=${token}`], ['-', '--key-stdin']]) {
      const refused = await ask(args, token);
      expect([args.length, refused.status, refused.stdout]).toEqual([args.length, 2, '']);
      expect(refused.stderr).not.toContain(secret.slice(0, 8));
      expect(refused.stderr).not.toContain(foreign);
    }
    for (const input of ['', '\n', 'x'.repeat(100_000)]) expect((await ask(['-'], input)).status).toBe(2);
    expect(sent).toHaveLength(2);
  } finally {
    server.close();
  }
});

test('U4: keys list sorts on the server, in pages', async () => {
  const own = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE' } });
  try {
    const create = (name: string, expiresAt?: string) =>
      createKey(own, { name, ...(expiresAt !== undefined && { expiresAt }) });
    await create('b', '2090-01-01T00:00:00Z');
    await create('C', '2080-01-01T00:00:00Z');
    await create('a');
    const list = async (...args: string[]) => {
      const result = await latchkey(['keys', 'list', '--json', ...args], {
        env: { LATCHKEY_URL: own.url, LATCHKEY_API_KEY: own.adminToken },
      });
      return namesOf(result.stdout).filter((name) => name.length === 1);
    };
    expect(await list()).toEqual(['a', 'C', 'b']);
    expect(await list('--order', 'asc')).toEqual(['b', 'C', 'a']);
    expect(await list('--sort', 'name')).toEqual(['a', 'b', 'C']);
    expect(await list('--sort', 'name', '--order', 'desc')).toEqual(['C', 'b', 'a']);
    expect(await list('--sort', 'expires')).toEqual(['C', 'b', 'a']);
    expect(await list('--sort', 'expires', '--order', 'desc')).toEqual(['b', 'C', 'a']);
    expect(await list('--sort', 'expires', '--limit', '1')).toEqual(['C']);
    for (let i = 0; i < 120; i += 1) await create(`k${String(i).padStart(3, '0')}`);
    const { stdout } = await latchkey(['keys', 'list', '--json', '--sort', 'name', '--name', 'k'], {
      env: { LATCHKEY_URL: own.url, LATCHKEY_API_KEY: own.adminToken },
    });
    expect(namesOf(stdout)).toEqual(Array.from({ length: 120 }, (_, i) => `k${String(i).padStart(3, '0')}`));
  } finally {
    await own.close();
  }
});

test('U4: keys show and audit tail name actors, and F14: show the effective scopes of a user’s key', async () => {
  const viewer = await service.query('{ viewer { credential { apiKey { name } } } }');
  const admin: string = viewer.body.data.viewer.credential.apiKey.name;
  const { body } = await service.query(
    'mutation { addUser(input: { name: "Ada", roles: ["viewer"] }) { user { id } } }',
  );
  const { id } = await createKey(service, { name: 'Adas', scopes: ['admin'], userId: body.data.addUser.user.id });
  const shown = await run(['keys', 'show', id]);
  expect(shown.stdout).toMatch(/^Scopes +admin$/m);
  expect(shown.stdout).toMatch(/^Effective +read:all$/m);
  expect(shown.stdout).toContain(`by ${admin} (key_`);
  expect((await run(['keys', 'list', '--name', 'Adas'])).stdout).toContain('admin (effective: read:all)');
  const json = JSON.parse((await run(['keys', 'show', id, '--json'])).stdout).key;
  expect(json).toMatchObject({ scopes: ['admin'], effectiveScopes: ['read:all'], createdByName: admin });
  const tail = await run(['audit', 'tail', '-n', '1']);
  expect(tail.stdout).toContain(`Adas (${id})`);
  expect(tail.stdout).toContain(`${admin} (key_`);
  const [entry] = JSON.parse((await run(['audit', 'tail', '-n', '1', '--json'])).stdout).entries;
  expect(entry).toMatchObject({ subject: id, subjectName: 'Adas', actorName: admin });
});

test('R2: keys show selects trusted documents, and keys list and keys find do not, because a page may have too many', async () => {
  const asked: string[] = [];
  const server = await answering(({ query }) => {
    if (query !== '') asked.push(query);
    const pageInfo = { hasNextPage: false, endCursor: null };
    return { apiKey: null, findApiKeys: [], apiKeys: { nodes: [], totalCount: 0, pageInfo } };
  });
  try {
    for (const [args, isRead] of [
      [['list', '--json'], false],
      [['find', 'name'], false],
      [['find', 'key_0000000000000000000000'], false],
      [['show', 'key_1'], true],
    ] as const) {
      await latchkey(['keys', ...args], { env: { ...env, LATCHKEY_URL: server.url } });
      const queries = asked.splice(0);
      expect(queries.length).toBeGreaterThan(0);
      expect([args, queries.some((query) => query.includes('trustedDocuments'))]).toEqual([args, isRead]);
    }
  } finally {
    server.close();
  }
});
