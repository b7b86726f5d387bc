import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { createLatchkey, directiveTypeDefs, openSqliteStore } from '../../../src/index.js';
import { latchkeyInOneProcess } from '../../cli/oneProcess.js';
import { PROJECT } from '../../support/project.js';
import { run } from '../../support/run.js';
import { startService } from '../../support/service.js';
import { betterAuthRow, letters } from '../../management/import/harness.js';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-command-'));
const dataDir = join(dir, 'data');
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const command = (...args: string[]) =>
  latchkeyInOneProcess(['import', ...args, '--from', 'better-auth', '--json'], {
    cwd: dir,
    env: { DATA_DIR: dataDir },
  });

test('writes nothing without --apply or if there are problems, and sets the exit code', async () => {
  const rows = [betterAuthRow(letters('good')), betterAuthRow(letters('bad'), { permissions: { bills: ['pay'] } })];
  writeFileSync(join(dir, 'rows.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
  writeFileSync(join(dir, 'mapping.json'), JSON.stringify({ scopes: { 'files:read': 'read:assets' } }));
  const mapped = ['rows.jsonl', '--mapping', 'mapping.json'];

  const early = await command(...mapped);
  expect([early.status, early.stdout, existsSync(dataDir)]).toEqual([2, '', false]);
  const latchkey = await startService({ dataDir });
  const living = () => latchkey.service.store.keys.countFamilies('default', Date.now());
  const before = await living();
  for (const args of [mapped, [...mapped, '--apply']]) {
    const { status, stdout } = await command(...args);
    expect([status, JSON.parse(stdout)]).toMatchObject([
      1,
      { dryRun: true, rows: 2, problemCount: 1, unknownScopes: { 'bills:pay': 1 } },
    ]);
  }
  expect(await living()).toBe(before);
  expect((await command('none.jsonl')).status).toBe(2);
  const { status, stdout } = await command(...mapped, '--apply', '--skip-problems');
  expect([status, JSON.parse(stdout)]).toMatchObject([1, { dryRun: false, imported: 1 }]);
  expect(await living()).toBe(before + 1);
  await latchkey.close();
});

test('knows the scopes of a server with its own schema on the same store', async () => {
  const data = join(dir, 'shared');
  const store = await openSqliteStore({ dir: data });
  const latchkey = await createLatchkey({ store, bcryptCost: 4 });
  const typeDefs = [directiveTypeDefs(), 'type Query { bills: Int @auth(scope: "read:bills") }'];
  const row = betterAuthRow(letters('shared'), { permissions: { bills: ['pay'] } });
  writeFileSync(join(dir, 'shared.jsonl'), JSON.stringify(row));
  writeFileSync(join(dir, 'bills.json'), JSON.stringify({ scopes: { 'bills:pay': ['read:bills', 'verify:keys'] } }));
  const program = [join(PROJECT, 'dist/cli/main.js'), 'import', 'shared.jsonl', '--from', 'better-auth', '--json'];
  const imported = async () => {
    const options = { cwd: dir, env: { DATA_DIR: data } };
    const { stdout } = await run(process.execPath, [...program, '--mapping', 'bills.json', '--apply'], options);
    return JSON.parse(stdout) as object;
  };
  expect(await imported()).toMatchObject({ dryRun: true, problemCount: 1 });
  latchkey.guard(makeExecutableSchema({ typeDefs }), { plugin: false });
  await latchkey.close();
  await store.close();
  expect(await imported()).toMatchObject({ imported: 1, problemCount: 0 });
});

test('X7: on a full disk, an import reports its progress, the problem and how to continue', async () => {
  const data = join(dir, 'full');
  const latchkey = await startService({ dataDir: data, env: { DEFAULT_TIER: 'ENTERPRISE' } });
  await latchkey.close();
  const rows = Array.from({ length: 300 }, (_, i) => betterAuthRow(letters(`key${i}`)));
  writeFileSync(join(dir, 'many.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
  const program = [
    join(PROJECT, 'dist/cli/main.js'),
    'import',
    'many.jsonl',
    '--from',
    'better-auth',
    '--mapping',
    'mapping.json',
    '--apply',
  ];
  const options = { cwd: dir, env: { DATA_DIR: data } };
  // A limit on file sizes, which has the same effect as a full disk.
  const stopped = await run(
    'prlimit',
    [`--fsize=${statSync(join(data, 'latchkey.db')).size + 100_000}`, process.execPath, ...program],
    options,
  );
  expect([stopped.status, stopped.stdout]).toEqual([1, '']);
  const [, done] =
    /The import stopped after (\d+) of 300 keys\. DATA_DIR is ".+": the disk of the store reports an error\. Check the disk, .+\. Then run the same command again: it skips keys that are already imported\./.exec(
      stopped.stderr,
    ) ?? [];
  expect(Number(done)).toBeGreaterThan(0);
  const again = await run(process.execPath, [...program, '--json'], options);
  expect(JSON.parse(again.stdout)).toMatchObject({ imported: 300 - Number(done), problemCount: 0 });
});

test('A9: an import applies nothing from CSV with a stray quote, even with --skip-problems', async () => {
  const data = join(dir, 'quotes');
  const latchkey = await startService({ dataDir: data });
  const digest = (name: string) => createHash('sha256').update(name).digest('hex');
  writeFileSync(
    join(dir, 'plain.json'),
    JSON.stringify({
      columns: { expires: 'expires', revoked: 'revoked' },
      ignore: ['note'],
      scopes: { r: 'read:assets' },
    }),
  );
  const imported = async (one: string, two: string) => {
    const rows = [
      'digest,name,note,expires,revoked,scopes',
      `${digest('one')},one,${one},2020-12-31T00:00:00Z,true,r`,
      `${digest('two')},two,${two},,,r`,
    ];
    writeFileSync(join(dir, 'quotes.csv'), rows.join('\n'));
    const args = [
      ...['quotes.csv', '--from', 'sha256', '--mapping', 'plain.json'],
      '--apply',
      '--skip-problems',
      '--json',
    ];
    const { status, stdout } = await latchkeyInOneProcess(['import', ...args], { cwd: dir, env: { DATA_DIR: data } });
    return [status, JSON.parse(stdout)] as const;
  };
  const living = () => latchkey.service.store.keys.countFamilies('default', Date.now());
  const before = await living();

  const [status, report] = await imported('5" disk', '7" disk');
  expect([status, report]).toMatchObject([1, { dryRun: true, rows: 2, imported: 0, problemCount: 2 }]);
  expect(report.problems).toEqual([
    { line: 2, problem: expect.stringContaining('Write each quote inside a cell twice') },
    { line: 3, problem: expect.stringContaining('Until then no row can be imported') },
  ]);
  expect(await living()).toBe(before);

  expect(await imported('"5"" disk"', '"7"" disk"')).toMatchObject([
    0,
    { dryRun: false, imported: 1, leftOut: [{ line: 2, name: 'one' }] },
  ]);
  expect(await living()).toBe(before + 1);
  await latchkey.close();
});
