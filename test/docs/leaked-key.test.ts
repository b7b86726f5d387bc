import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isToken } from '../../src/core/keys/token.js';
import { expectPage } from './page.js';

const PAGED = 'first: 100, after';

// The leak of the page has two entries in the audit log: in pages of one entry, they are on two pages.
test.each([100, 1])(
  'each command of docs/how-to/leaked-key.md runs as written, with %d entries in a page',
  async (size) => {
    await expectPage('docs/how-to/leaked-key.md', {
      edit: (text) => {
        expect(text).toContain(PAGED);
        return text.replace(PAGED, `first: ${size}, after`);
      },
      after: async (latchkey, _prepared, directory) => {
        const found = readFileSync(join(directory, 'found.txt'), 'utf8').trim();
        expect(isToken(found)).toBe(true);
        expect((await latchkey.query('{ viewer { scopes } }', { token: found })).status).toBe(401);
        const { body } = await latchkey.query('{ apiKeys(filter: { status: REVOKED }) { nodes { name } } }');
        expect(body.data.apiKeys.nodes.map(({ name }: { name: string }) => name)).toEqual([
          'left behind',
          'left behind',
          'automation',
        ]);
        const usage = JSON.parse(readFileSync(join(directory, 'usage.json'), 'utf8'));
        expect(usage.data.apiKey.usage).toHaveLength(24);
      },
    });
  },
);
