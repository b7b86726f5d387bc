import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT } from '../support/child.js';
import { runFile, type Child } from '../support/child.js';

/** A block of the first session: commands, and the answers that the README shows for them. */
interface Step {
  readonly commands: string;
  readonly answers: readonly unknown[];
}

function firstSession(): Step[] {
  const readme = readFileSync(join(PROJECT, 'README.md'), 'utf8');
  const section = readme.slice(readme.indexOf('## First session'), readme.indexOf('## Limits'));
  const steps: { commands: string; answers: unknown[] }[] = [];
  for (const [, language, text = ''] of section.matchAll(/```(sh|json)\n(.*?)```/gs)) {
    if (language === 'sh') steps.push({ commands: text, answers: [] });
    else
      steps.at(-1)?.answers.push(
        ...text
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as unknown),
      );
  }
  return steps;
}

/** The README writes … where an answer differs each time. */
function pattern(shown: unknown): unknown {
  if (shown === '…') return expect.stringMatching(/.+/);
  if (Array.isArray(shown)) return shown.map(pattern);
  if (typeof shown === 'object' && shown !== null) {
    return Object.fromEntries(Object.entries(shown).map(([key, value]) => [key, pattern(value)]));
  }
  return shown;
}

let child: Child;
let origin: string;
let admin: string;
const directory = mkdtempSync(join(tmpdir(), 'latchkey-'));

beforeAll(async () => {
  child = runFile('src/main.ts', { PORT: '0', DATA_DIR: join(directory, 'data') });
  [, origin = ''] = await child.waitFor(/listens on (http:\S+)\/graphql/);
  [, admin = ''] = await child.waitFor(/Admin key: (\S+)/);
}, 30_000);
afterAll(async () => {
  await child.stop('SIGINT');
  rmSync(directory, { recursive: true, force: true });
});

test('the first session of the README runs as written', () => {
  const steps = firstSession();
  expect(steps.length).toBeGreaterThanOrEqual(8);
  const script = steps
    .map(({ commands }) => commands)
    .join("printf '%s\\n' '--- next'\n")
    .replaceAll('http://127.0.0.1:4000', origin)
    .replace('<the admin key>', admin);
  const { stdout, stderr, status } = spawnSync('bash', ['-eu', '-c', script], { cwd: directory, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });

  const outputs = stdout.split('--- next\n');
  steps.forEach(({ answers }, i) => {
    if (answers.length === 0) return;
    const printed = (outputs[i] ?? '')
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as unknown);
    expect(printed).toEqual(answers.map(pattern));
  });
});

test('the curl line that the first start prints works as printed', () => {
  const line = /^ {2}(curl .*)$/m.exec(child.output().stdout)?.[1] ?? '';
  const { stdout } = spawnSync('bash', ['-c', `${line} -s`], { encoding: 'utf8' });
  expect(JSON.parse(stdout)).toMatchObject({
    data: { viewer: { workspace: { name: 'default', tier: 'GROWTH' }, scopes: ['admin'] } },
  });
});
