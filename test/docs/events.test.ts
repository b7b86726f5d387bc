import { expectPage } from './page.js';

test('each command of docs/how-to/events.md runs as written', async () => {
  await expectPage('docs/how-to/events.md', {
    after: async (latchkey) => {
      const { body } = await latchkey.query('{ events { nodes { id type } } }');
      expect(body.data.events.nodes).toHaveLength(3);
    },
  });
});
