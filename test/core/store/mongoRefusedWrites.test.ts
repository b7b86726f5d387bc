import { attempt } from '../../e2e/operations.js';
import { parseExposition } from '../../server/metrics/exposition.js';
import { createKey, freshMongoUri, startService, type TestService } from '../../support/service.js';
import { until } from '../../support/until.js';
import { ReplyRewriter } from './replyRewriter.js';

/**
 * The whole service on MongoDB, whose server refuses to write. The refusals are written by the test, in the form that MongoDB's
 * documentation shows: the engine at hand can't be made to refuse without refusing the other tests. Such a command does not reach
 * the engine.
 */
let wire: ReplyRewriter;
let latchkey: TestService;

beforeAll(async () => {
  const uri = new URL(freshMongoUri() ?? 'The test runs with MONGODB_URI alone.');
  wire = await ReplyRewriter.to(uri.hostname, Number(uri.port || 27_017));
  uri.host = `127.0.0.1:${wire.port}`;
  uri.searchParams.set('directConnection', 'true');
  latchkey = await startService({ env: { MONGODB_URI: uri.toString(), DEFAULT_TIER: 'ENTERPRISE' } });
});
afterEach(() => (wire.refuse = () => null));
afterAll(async () => {
  await latchkey.close();
  await wire.close();
});

type Command = Readonly<Record<string, unknown>>;
type Refusal = (command: Command) => object | null;

const isWrite = (command: Command): boolean => ['insert', 'update', 'findAndModify'].some((name) => name in command);
const failed =
  (code: number, errmsg: string, more = {}): Refusal =>
  (command) =>
    isWrite(command) || 'delete' in command ? { ok: 0, code, errmsg, ...more } : null;
/** Deletions are allowed, so that space can be freed. */
const quota: Refusal = (command) => {
  if (!isWrite(command)) return null;
  const refused = { code: 8_000, errmsg: 'you are over your space quota, using 513 MB of 512 MB' };
  return 'findAndModify' in command ? { ok: 0, ...refused } : { ok: 1, n: 0, writeErrors: [{ index: 0, ...refused }] };
};

const refuseBy = (refusal: Refusal): void => {
  wire.refuse = (command) => refusal(command) as Command | null;
};
const create = (name: string) => attempt(latchkey, 'createApiKey', { name, scopes: ['read:all'] }, latchkey.adminToken);
const count = async (): Promise<number> =>
  (await latchkey.query('{ apiKeys { totalCount } }')).body.data.apiKeys.totalCount;
const ready = async () => {
  const response = await fetch(`${latchkey.origin}/readyz`);
  return [response.status, ((await response.json()) as { status: string }).status];
};
const errorsAfter = (from: number): string[] =>
  latchkey.logs.slice(from).filter((line) => (JSON.parse(line) as { level: number }).level >= 50);

test.each<[what: string, refusal: Refusal, reason: string, remedy: string]>([
  ['a full disk', failed(14_031, 'No space left on device'), 'the disk of the store is full', 'Free disk space'],
  ['a quota that is used up', quota, 'the storage quota of the store is used up', 'raise the storage limit'],
  [
    'writes that are blocked',
    failed(371, 'User writes blocked'),
    'the store is set to read-only',
    'setUserWriteBlockMode',
  ],
  [
    'no primary',
    failed(10_107, 'not primary', { errorLabels: ['NoWritesPerformed'] }),
    'the store has no primary that accepts changes',
    'Check the replica set',
  ],
])(
  'X7: with %s on MongoDB, changes are refused and /readyz says why, until it is over',
  async (_, refusal, reason, remedy) => {
    const before = await count();
    const logged = latchkey.logs.length;
    refuseBy(refusal);

    const refused = await create('refused');
    expect(refused.text).toContain(`The change was not made: ${reason}. Try again later.`);
    expect(refused.text).toContain('"code":"UNAVAILABLE"');
    expect(refused.text).not.toMatch(/127\.0\.0\.1|513|No space left|blocked|mongo/i);
    await until(async () => (await ready())[0] === 503);
    expect(await ready()).toEqual([503, reason]);
    // As long as it lasts: nothing but a write shows that it is over.
    expect(await ready()).toEqual([503, reason]);
    expect(await count()).toBe(before);
    const metrics = parseExposition(await latchkey.service.metrics.text());
    expect(metrics.value('latchkey_store_available', { for: 'changes' })).toBe(0);
    expect(metrics.value('latchkey_store_available', { for: 'reads' })).toBe(1);
    const [line, ...more] = errorsAfter(logged);
    expect(line).toContain('The store accepts no changes');
    expect(line).toContain(`which accepts no changes: ${reason}. `);
    expect(line).toContain(remedy);
    expect(more).toEqual([]);

    wire.refuse = () => null;
    await until(async () => (await ready())[0] === 200);
    expect((await create('accepted')).status).toBe(200);
    expect(await count()).toBe(before + 1);
  },
);

test('X7: a change whose first write was made is not said to be refused, and is finished later', async () => {
  const before = await count();
  refuseBy((command) => {
    const name = command.insert ?? command.update;
    return name === 'latchkey_audit' ? { ok: 0, code: 14_031, errmsg: 'No space left on device' } : null;
  });
  const unsure = await create('unsure');
  expect(unsure.text).toContain(
    'The store did not confirm the change. Check whether it was made before you repeat it.',
  );
  wire.refuse = () => null;
  await until(async () => (await ready())[0] === 200);
  expect(await count()).toBe(before + 1);
  expect((await latchkey.query('{ auditLog(first: 1) { nodes { action } } }')).text).toContain('KEY_CREATED');
  await createKey(latchkey, { scopes: ['read:all'] });
  expect(await count()).toBe(before + 2);
});
