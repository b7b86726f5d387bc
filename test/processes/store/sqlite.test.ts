import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeProcessConformance } from '../../core/store/conformance.js';
import { aWorkspace } from '../../core/store/fixtures.js';
import { runTogether } from '../../core/store/processes.js';

let root = '';
let made = 0;
const freshDir = (): string => join(root, String(made++));

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'latchkey-processes-'));
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

storeProcessConformance('SQLite', {
  runs: 60,
  killedAfter: [40, 151],
  create: async () => ({ engine: 'sqlite', dir: freshDir() }),
  drop: async () => undefined,
});

describe('SQLite: the file', () => {
  test('can be opened by several processes while it is created', async () => {
    const target = { engine: 'sqlite', dir: freshDir() } as const;
    const workspace = aWorkspace();
    const job = { kind: 'create', workspace } as const;
    const answers = await runTogether(target, [job, job, job, job]);
    expect(answers.filter((answer) => answer === 'created')).toHaveLength(1);
  });
});
