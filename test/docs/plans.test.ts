import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROGRAM } from '../cli/latchkey.js';
import { OPERATOR_KEY } from '../support/service.js';
import { documentOf } from '../support/session.js';
import { expectPage } from './page.js';

test('each command of docs/plans.md runs as written, with the plans of the page', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-plans-'));
  const file = join(directory, 'latchkey.yaml');
  const [, plans = ''] = /```yaml\n(.*?)```/s.exec(documentOf('docs/plans.md')) ?? [];
  for (const tier of ['FREE', 'TEAM', 'BUSINESS']) expect(plans).toContain(`  ${tier}:`);
  writeFileSync(file, plans);
  await expectPage('docs/plans.md', {
    env: { LATCHKEY_CONFIG: file, ADMIN_API_KEY: OPERATOR_KEY },
    before: async (_, page) => {
      const program = `#!/bin/sh\nexec node '${PROGRAM}' "$@"\n`;
      writeFileSync(join(page, 'latchkey'), program, { mode: 0o755 });
      return { ADMIN: OPERATOR_KEY, PATH: `${page}:${process.env.PATH ?? ''}` };
    },
  });
  rmSync(directory, { recursive: true });
});
