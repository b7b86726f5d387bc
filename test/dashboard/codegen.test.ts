import { spawnSync } from 'node:child_process';
import { PROJECT } from '../support/project.js';

it('the generated documents match the schema and the operations', () => {
  const options = { cwd: PROJECT, encoding: 'utf8' } as const;
  const { status, stderr } = spawnSync(process.execPath, ['scripts/codegen.js', '--check'], options);
  // stderr has the command to run.
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
