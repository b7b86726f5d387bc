import { expectPage } from './page.js';

test('each command of docs/how-to/ci-pipelines.md runs as written', async () => {
  await expectPage('docs/how-to/ci-pipelines.md', {
    after: async (latchkey) => {
      const { body } = await latchkey.query('{ apiKeys { nodes { name status project { name } } } }');
      const ofRuns = body.data.apiKeys.nodes.filter(({ name }: { name: string }) => name === 'run-4711');
      expect(ofRuns).toEqual([{ name: 'run-4711', status: 'REVOKED', project: { name: 'ci' } }]);
    },
  });
});
