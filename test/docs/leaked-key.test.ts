import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isToken } from '../../src/core/keys/token.js';
import { createKey } from '../support/service.js';
import { expectPage } from './page.js';

test('each command of docs/how-to/leaked-key.md runs as written', async () => {
  await expectPage('docs/how-to/leaked-key.md', {
    before: async (latchkey, directory) => {
      const { token } = await createKey(latchkey, { name: 'automation', scopes: ['admin'] });
      const made = await createKey(latchkey, { name: 'left behind', scopes: ['read:all'] }, token);
      mkdirSync(join(directory, 'logs'));
      writeFileSync(join(directory, 'logs', 'app.log'), `starting\nusing the key ${token} for all\n`);
      return { token, made: made.token };
    },
    after: async (latchkey, { token = '', made = '' }, directory) => {
      const found = readFileSync(join(directory, 'found.txt'), 'utf8').trim();
      expect([found, isToken(found)]).toEqual([token, true]);
      for (const ended of [token, made]) {
        expect((await latchkey.query('{ viewer { scopes } }', { token: ended })).status).toBe(401);
      }
      const usage = JSON.parse(readFileSync(join(directory, 'usage.json'), 'utf8'));
      expect(usage.data.apiKey.usage).toHaveLength(24);
    },
  });
});
