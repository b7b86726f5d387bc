import { spawnSync } from 'node:child_process';
import { PROJECT } from '../support/project.js';

it("the dashboard's typed documents are what the schema and the operations give", () => {
  const options = { cwd: PROJECT, encoding: 'utf8' } as const;
  const { status, stderr } = spawnSync(process.execPath, ['scripts/codegen.js', '--check'], options);
  // It writes to stderr what to do.
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
