import { jest } from '@jest/globals';
import { expectPage } from './page.js';

// bash and Node are started a dozen times, and may have little of the machine.
jest.setTimeout(120_000);

test('each command of docs/events.md runs as written', async () => {
  await expectPage('docs/events.md', {
    after: async (latchkey) => {
      const { body } = await latchkey.query('{ events { nodes { id type } } }');
      expect(body.data.events.nodes).toHaveLength(3);
    },
  });
});
