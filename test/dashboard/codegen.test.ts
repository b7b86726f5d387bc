import { execFileSync } from 'node:child_process';
import { PROJECT } from '../support/child.js';

it("the dashboard's typed documents are what the schema and the operations give", () => {
  // It writes to stderr what to do, which then is the failure's message.
  execFileSync(process.execPath, ['scripts/codegen.js', '--check'], { cwd: PROJECT, encoding: 'utf8' });
});
