import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LOADER } from '../../support/child.js';
import { run } from '../../support/run.js';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-'));
afterAll(() => rmSync(dir, { recursive: true }));

test('calls a replaced execute of graphql-js for each request, even of a known document', async () => {
  const ran = await run(process.execPath, ['--import', LOADER, 'test/adapters/apollo/replacedExecute.ts', dir]);
  expect(ran).toEqual({ status: 0, stdout: '1\n2\n3\n', stderr: '' });
});
