import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isBuilt } from '../support/built.js';
import { LOADER, spawned, type Child } from '../support/child.js';
import { PROJECT } from '../support/project.js';
import { documentOf } from '../support/session.js';

const page = documentOf('docs/how-to/guard-websockets.md');
const [server = '', client = ''] = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, program = '']) => program);
const [, output = ''] = /```\n(\{"data".*?)```/s.exec(page) ?? [];

test('the server of docs/how-to/guard-websockets.md starts, and its client receives the events', async () => {
  mkdirSync(join(PROJECT, 'build'), { recursive: true });
  const cwd = mkdtempSync(join(PROJECT, 'build', 'guard-websockets-'));
  const start = (name: string, program: string, env: Record<string, string> = {}): Child => {
    const file = join(cwd, name);
    writeFileSync(file, program);
    return spawned([...(isBuilt ? [] : ['--import', LOADER]), file], { cwd, env });
  };
  // The system chooses a port.
  const listening = start(
    'server.mjs',
    server
      .replace('listen(4002', 'listen(0')
      .replace("'Listening at ws://127.0.0.1:4002/graphql'", '`Listening at ${server.address().port}`'),
  );
  try {
    const [, admin = ''] = await listening.waitFor(/Admin key: (\S+)/);
    const [, port = ''] = await listening.waitFor(/Listening at (\d+)/);
    const reading = start('client.mjs', client.replace(':4002', `:${port}`), { KEY: admin });
    expect((await reading.waitFor(/(?:.*\n){3}/))[0]).toBe(output);
    const unknown = start('client2.mjs', client.replace(':4002', `:${port}`), { KEY: 'wrong' });
    await once(unknown.process, 'close');
    expect(unknown.output().stderr).toContain('4401');
  } finally {
    await listening.stop('SIGTERM');
    rmSync(cwd, { recursive: true, force: true });
  }
});
