import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { POLICY, SDL, serveUpstream, yogaUpstream, type TestUpstream } from '../support/gateway.js';
import { latchkeyInOneProcess as latchkey } from './oneProcess.js';

let upstream: TestUpstream;
let cwd: string;
beforeAll(async () => {
  upstream = await yogaUpstream();
  cwd = mkdtempSync(join(tmpdir(), 'latchkey-gateway-'));
});
afterAll(async () => {
  await upstream.close();
  rmSync(cwd, { recursive: true });
});

const run = (...args: string[]) => latchkey(['gateway', ...args], { cwd, env: { DATA_DIR: cwd } });
const file = (name: string, text: string): string => {
  writeFileSync(join(cwd, name), text);
  return name;
};

describe('gateway init', () => {
  test('writes a policy with every root field closed, once', async () => {
    const { status, stdout } = await run('init', '--upstream', upstream.url);
    expect([status, stdout]).toEqual([
      0,
      expect.stringContaining('Wrote latchkey.policy.yaml. Every root field is closed'),
    ]);
    const lines = readFileSync(join(cwd, 'latchkey.policy.yaml'), 'utf8').split('\n');
    expect(lines.filter((line) => /^\w/.test(line))).toEqual([
      ...['Query.order', 'Query.orders', 'Query.health', 'Query.internal', 'Mutation.cancel', 'Subscription.ticks'].map(
        (field) => `${field}: deny`,
      ),
    ]);
    const again = await run('init', '--upstream', upstream.url);
    expect([again.status, again.stderr]).toEqual([2, expect.stringContaining('exists already')]);
  });

  test('prints the policy with --output -', async () => {
    const { status, stdout } = await run('init', '--upstream', upstream.url, '--output', '-');
    expect([status, stdout]).toEqual([
      0,
      expect.stringContaining('\n# orders(first: Int): [Order!]!\nQuery.orders: deny\n'),
    ]);
  });

  test('ends with 6 if the upstream is unreachable, and with 2 without an address', async () => {
    const unreachable = await run('init', '--upstream', 'http://127.0.0.1:1/graphql');
    expect([unreachable.status, unreachable.stderr]).toEqual([6, expect.stringContaining('ECONNREFUSED')]);
    expect((await run('init')).status).toBe(2);
    const metadata = await run('init', '--upstream', 'http://169.254.169.254/graphql');
    expect([metadata.status, metadata.stderr]).toEqual([2, expect.stringContaining('link-local')]);
  });

  test('reads a schema file, even if the API is unreachable', async () => {
    const sdl = file('api.graphql', 'type Query { books: Int }');
    const { status, stdout } = await run(
      'init',
      '--upstream',
      'http://127.0.0.1:1/graphql',
      '--schema',
      sdl,
      '--output',
      '-',
    );
    expect([status, stdout]).toEqual([0, expect.stringContaining('\nQuery.books: deny\n')]);
    const missing = await run('init', '--upstream', upstream.url, '--schema', 'missing.graphql', '--output', '-');
    expect([missing.status, missing.stderr]).toEqual([2, expect.stringContaining('missing.graphql does not exist')]);
  });

  test.each([
    [401, 'Set GATEWAY_AUTHORIZATION to a credential that it accepts, or give its schema'],
    [404, 'Correct the path of the address, or give its schema'],
    [200, 'allow introspection from here, or give its schema'],
  ])('says what to do if the API answers %d without a schema', async (code, remedy) => {
    const other = await serveUpstream((_request, response) => void response.writeHead(code).end('{}'));
    const { status, stderr } = await run('init', '--upstream', other.url, '--output', '-');
    await other.close();
    expect([status, stderr]).toEqual([6, expect.stringContaining(remedy)]);
  });
});

describe('gateway check', () => {
  const check = (...args: string[]) => run('check', '--upstream', upstream.url, ...args);

  test('ends with 0 if nothing differs', async () => {
    for (const args of [
      ['--policy', file('whole.yaml', POLICY)],
      ['--policy', 'whole.yaml', '--schema', file('same.graphql', SDL)],
    ]) {
      expect(await check(...args)).toMatchObject({ status: 0, stdout: expect.stringContaining('has not changed') });
    }
  });

  test('ends with 1, and names undecided root fields and lines for fields that are gone', async () => {
    const policy = file('part.yaml', `${POLICY.replace('Query.health: public\n', '')}Order.gone: [read:orders]\n`);
    const { status, stdout } = await check('--policy', policy, '--json');
    expect([status, JSON.parse(stdout)]).toEqual([
      1,
      { added: [], removed: ['Order.gone'], changed: [], undecided: ['Query.health'] },
    ]);
  });

  test.each([
    ['an invalid scope', `${POLICY}Order.id: fly:orders\n`, 'unknown action "fly". Known actions: read, write.\n'],
    ['no open field', POLICY.replace(/: .+/g, ': deny'), 'closes every field of the query type'],
  ])('ends with 2 if the gateway would not start with the policy: %s', async (_, policy, message) => {
    const { status, stderr } = await check('--policy', file('faulty.yaml', policy));
    expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  test('compares a schema file with the upstream', async () => {
    const older = SDL.replace('health: String!', 'health: String\n    gone: Int').replace('total: Float!', '');
    const { status, stdout } = await check('--schema', file('older.graphql', older), '--policy', 'whole.yaml');
    expect(status).toBe(1);
    expect(stdout).toMatch(/new in the API[^]*Order\.total[^]*Query\.gone[^]*Query\.health/);
    const annotated = file('annotated.graphql', 'type Query { health: String! @public }');
    expect(JSON.parse((await check('--schema', annotated, '--json')).stdout)).toMatchObject({
      undecided: ['Mutation.cancel', 'Query.internal', 'Query.order', 'Query.orders', 'Subscription.ticks'],
    });
  });
});

describe('gateway', () => {
  test.each([
    ['no upstream', [], 'No upstream is set'],
    ['neither a schema nor a policy', ['--upstream', 'http://127.0.0.1:8000/graphql'], 'The gateway has no rules'],
    ['an upstream at a link-local address', ['--upstream', 'http://169.254.0.1/'], 'GATEWAY_UPSTREAM is'],
  ])('does not start with %s', async (_, args, message) => {
    expect(await run(...args)).toMatchObject({ status: 2, stderr: expect.stringContaining(message) });
  });

  test('does not start, and creates no key, if a root field is undecided', async () => {
    const policy = file('undecided.yaml', 'Query.health: public\n');
    const started = await run('--upstream', upstream.url, '--policy', policy);
    expect(started).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringContaining('has no line for Query.order'),
    });
    expect(() => readFileSync(join(cwd, 'latchkey.db'))).toThrow('ENOENT');
  });
});
