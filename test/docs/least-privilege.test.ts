import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expectPage } from './page.js';

test('each command of docs/how-to/least-privilege.md runs as written', async () => {
  await expectPage('docs/how-to/least-privilege.md', {
    after: async (_latchkey, _prepared, directory) => {
      const { data } = JSON.parse(readFileSync(join(directory, 'usage.json'), 'utf8'));
      expect(data.apiKey.usage).toHaveLength(1);
    },
  });
});
