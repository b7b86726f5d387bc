import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runFile } from '../support/child.js';
import { PROJECT } from '../support/project.js';

const EXAMPLES = join(PROJECT, 'examples/apollo');

test.each([
  ['express5', '/graphql'],
  ['fastify5', '/graphql'],
])('runs Apollo Server on %s', async (name, path) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-'));
  const child = runFile('examples/apollo/run.js', { PORT: '0', DATA_DIR: dataDir }, [], [name]);
  try {
    const [, admin = ''] = await child.waitFor(/Admin key: (\S+)/);
    const [, url = ''] = await child.waitFor(/Listening at (\S+)/);
    expect(new URL(url).pathname).toBe(path);
    const ask = (query: string, token?: string): Promise<Response> =>
      fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify({ query }),
      });
    expect(await (await ask('{ opening }')).json()).toEqual({ data: { opening: '9 to 5' } });
    expect((await ask('{ orders }')).status).toBe(401);
    expect(await (await ask('{ orders }', admin)).json()).toEqual({ data: { orders: ['A-1', 'A-2'] } });
  } finally {
    await child.stop('SIGTERM');
    rmSync(dataDir, { recursive: true, force: true });
  }
});

test.each(readdirSync(EXAMPLES))('%s has at most 20 lines', (file) => {
  expect(readFileSync(join(EXAMPLES, file), 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(20);
});
