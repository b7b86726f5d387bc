import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runFile } from '../support/child.js';
import { PROJECT } from '../support/project.js';

describe.each(['examples/yoga/server.js', 'examples/mercurius/server.js'])('%s', (file) => {
  test('serves a guarded schema', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-'));
    const child = runFile(file, { PORT: '0', DATA_DIR: dataDir });
    try {
      const [, admin = ''] = await child.waitFor(/Admin key: (\S+)/);
      const [, url = ''] = await child.waitFor(/Listening at (\S+)/);
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

  test('has at most 20 lines', () => {
    expect(readFileSync(join(PROJECT, file), 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(20);
  });
});
