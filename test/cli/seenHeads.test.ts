import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeenHeads } from '../../src/cli/commands/audit/seenHeads.js';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-seen-'));
const { XDG_STATE_HOME } = process.env;
afterAll(() => {
  if (XDG_STATE_HOME === undefined) delete process.env.XDG_STATE_HOME;
  else process.env.XDG_STATE_HOME = XDG_STATE_HOME;
  rmSync(dir, { recursive: true, force: true });
});

test("X7: warns with the reason and the remedy if a head can't be stored", () => {
  const head = { seq: 3, hash: 'a'.repeat(64) };
  const notes: string[] = [];
  process.env.XDG_STATE_HOME = join(dir, 'state');
  mkdirSync(join(dir, 'state'));
  const seen = new SeenHeads('http://127.0.0.1:4000/graphql', 'default', (note) => notes.push(note));
  seen.write(head);
  expect([seen.read(), notes]).toEqual([expect.objectContaining(head), []]);

  writeFileSync(join(dir, 'file'), '');
  process.env.XDG_STATE_HOME = join(dir, 'file');
  new SeenHeads('http://127.0.0.1:4000/graphql', 'default', (note) => notes.push(note)).write(head);
  expect(notes.at(-1)).toMatch(
    /^The next run can't compare with this head: .*audit-heads\.json leads through a file\. Correct the path\.$/,
  );
});
