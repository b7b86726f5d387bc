import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAIN, runFile, type Child } from '../../support/child.js';
import { ask, POLICY, SDL, shop, yogaUpstream, type TestUpstream } from '../../support/gateway.js';
import { hear, socketClient, socketUpstream } from '../../support/socketUpstream.js';
import { readStream } from '../../support/streams.js';
import { until } from '../../support/until.js';

/** Gateways as users start them, whose files change, and signals as users send them. */
const ADMIN = 'the-admin-key-of-tests-0123456789';
const RELOADED = 'configuration reloaded';
const FAILED = 'reload failed; keeping the previous configuration';
const OPENED = POLICY.replace('Query.internal: deny', 'Query.internal: public');

interface Running {
  readonly child: Child;
  readonly origin: string;
  readonly write: (text: string) => void;
  readonly lines: (text: string) => string[];
  readonly hangUp: (answer: string, times?: number) => Promise<void>;
}

const running: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of running.splice(0)) await stop();
});

async function start(
  upstream: TestUpstream,
  env: Record<string, string> = {},
  name = 'policy.yaml',
  text = name.endsWith('.graphql') ? ANNOTATED : POLICY,
): Promise<Running> {
  const dir = mkdtempSync(join(tmpdir(), 'gateway-reload-'));
  const file = join(dir, name);
  // Like an editor: the file is always complete.
  const write = (next: string): void => {
    writeFileSync(`${file}.new`, next);
    renameSync(`${file}.new`, file);
  };
  write(text);
  const variable = name.endsWith('.graphql') ? 'GATEWAY_SCHEMA' : 'GATEWAY_POLICY';
  const own = { PORT: '0', DATA_DIR: dir, BCRYPT_COST: '4', CONFIG_WATCH: 'off', ADMIN_API_KEY: ADMIN };
  const child = runFile(MAIN, { ...own, GATEWAY_UPSTREAM: upstream.url, [variable]: file, ...env });
  running.push(async () => {
    await child.stop('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  });
  const [, origin = ''] = await child.waitFor(/listens on (http:\S+)\/graphql/);
  const lines = (wanted: string): string[] =>
    child
      .output()
      .stderr.split('\n')
      .filter((line) => line.includes(wanted));
  const hangUp = async (answer: string, times = 1): Promise<void> => {
    const before = lines(answer).length;
    child.process.kill('SIGHUP');
    await until(() => lines(answer).length >= before + times);
  };
  return { child, origin, write, lines, hangUp };
}

const ANNOTATED = SDL.replace('health: String!', 'health: String! @public')
  .replace('internal: String!', '')
  .replaceAll('): Order', '): Order @auth')
  .replace('[Order!]!', '[Order!]! @auth')
  .replace('Int!): Int!', 'Int!): Int! @auth');
const INTERNAL = { query: '{ internal }' };
const secret = { data: { internal: 'a secret of the upstream' } };
const asked = async ({ origin }: Running) => (await ask(`${origin}/graphql`, INTERNAL)).body;
async function keyOf({ origin }: Running, ...scopes: string[]): Promise<string> {
  const input = `name: "a", scopes: ${JSON.stringify(scopes)}, workspaceId: "default"`;
  const query = `mutation { createApiKey(input: { ${input} }) { token } }`;
  const { body } = await ask(`${origin}/admin/graphql`, { query }, { authorization: `Bearer ${ADMIN}` });
  return body.data.createApiKey.token;
}

let upstream: TestUpstream;
beforeAll(async () => void (upstream = await yogaUpstream()));
afterAll(() => upstream.close());

test('SIGHUP applies a new policy, and a faulty one leaves the previous one in place', async () => {
  const gateway = await start(upstream);
  expect((await asked(gateway)).errors[0].extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
  gateway.write(OPENED);
  await gateway.hangUp(RELOADED);
  expect(await asked(gateway)).toEqual(secret);
  const introspected = await ask(
    `${gateway.origin}/graphql`,
    { query: '{ __type(name: "Query") { fields { name } } }' },
    { authorization: `Bearer ${await keyOf(gateway, 'read:orders')}` },
  );
  expect(JSON.stringify(introspected.body)).toContain('internal');
  gateway.write(`${POLICY}Query.misspelled: public\n`);
  await gateway.hangUp(FAILED);
  expect(gateway.lines(FAILED).map((line) => JSON.parse(line).fault)).toEqual([
    expect.stringContaining('Query.misspelled is not a field of the upstream.'),
  ]);
  expect(await asked(gateway)).toEqual(secret);
  gateway.write(POLICY);
  await gateway.hangUp(RELOADED);
  expect((await asked(gateway)).errors[0].extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
});

test('a change of the annotated schema applies without a signal', async () => {
  const gateway = await start(upstream, { CONFIG_WATCH: 'on' }, 'schema.graphql');
  expect((await asked(gateway)).errors[0].extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
  gateway.write(ANNOTATED.replace('health:', 'internal: String! @public\n health:'));
  await until(() => gateway.lines(RELOADED).length > 0);
  expect(await asked(gateway)).toEqual(secret);
});

test('workers apply a new policy, and none gets a faulty one', async () => {
  const gateway = await start(upstream, { WORKERS: '2' });
  gateway.write('Query.health: [');
  await gateway.hangUp(FAILED);
  gateway.write(OPENED);
  await gateway.hangUp(RELOADED, 3);
  expect(gateway.lines(FAILED)).toHaveLength(1);
  for (let times = 0; times < 10; times += 1) expect(await asked(gateway)).toEqual(secret);
});

test('without the upstream, a new policy applies to its previous schema', async () => {
  const away = await yogaUpstream();
  const gateway = await start(away);
  await away.close();
  gateway.write(POLICY.replace('health: public', 'health: authenticated'));
  await gateway.hangUp(RELOADED);
  const { status } = await ask(`${gateway.origin}/graphql`, { query: '{ health }' });
  expect([status, gateway.lines('did not return its schema').length]).toEqual([401, 1]);
});

test('subscriptions that the new policy does not allow end, and others continue', async () => {
  const both = await socketUpstream(shop);
  const gateway = await start(both);
  const [reads, writes] = [await keyOf(gateway, 'read:orders'), await keyOf(gateway, 'read:orders', 'write:orders')];
  const query = 'subscription { ticks(to: 1000000) }';
  const events = (token: string) =>
    readStream(`${gateway.origin}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query }),
    });
  const [denied, allowed] = [await events(reads), await events(writes)];
  const [first, second] = [reads, writes].map((token) => socketClient(`${gateway.origin}/graphql`, token));
  const [socketDenied, socketAllowed] = [hear(first as never, query), hear(second as never, query)];
  await until(() => socketDenied.results.length > 0 && socketAllowed.results.length > 0);
  gateway.write(POLICY.replace('ticks: read:orders', 'ticks: write:orders'));
  await gateway.hangUp(RELOADED);
  await until(() => denied.over() && socketDenied.isOver);
  for (const { results } of [denied, socketDenied])
    expect(results.at(-1)).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
  const before = [allowed.results.length, socketAllowed.results.length] as const;
  await until(() => allowed.results.length > before[0] && socketAllowed.results.length > before[1]);
  gateway.write(POLICY.replace('ticks: read:orders', 'ticks: deny'));
  await gateway.hangUp(RELOADED);
  await until(() => allowed.over() && socketAllowed.isOver);
  for (const { results } of [allowed, socketAllowed])
    expect(results.at(-1)).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
  for (const client of [first, second]) await client?.dispose();
  await both.close();
});

test('a subscription to a field that the new policy closes ends, even if another field of its type stays open', async () => {
  const ticks = 'ticks(to: Int!): Int!';
  const two = await socketUpstream({ ...shop, typeDefs: SDL.replace(ticks, `${ticks}\n    others: Int!`) });
  const policy = `${POLICY}Subscription.others: public\n`;
  const gateway = await start(two, {}, 'policy.yaml', policy);
  const events = await readStream(`${gateway.origin}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await keyOf(gateway, 'read:orders')}` },
    body: JSON.stringify({ query: 'subscription { ticks(to: 1000000) }' }),
  });
  await until(() => events.results.length > 0);
  gateway.write(policy.replace('ticks: read:orders', 'ticks: deny'));
  await gateway.hangUp(RELOADED);
  await until(() => events.over());
  expect(events.results.at(-1)).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
  await two.close();
});
