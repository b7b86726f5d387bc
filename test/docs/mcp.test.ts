import { documentOf } from '../support/session.js';
import { expectPage } from './page.js';

test('each command of docs/how-to/mcp.md runs as written', () => expectPage('docs/how-to/mcp.md'));

test('each client configuration in it is JSON', () => {
  const shown = [...documentOf('docs/how-to/mcp.md').matchAll(/```\n(\{.*?)```/gs)].map(([, text = '']) => text);
  expect(shown).toHaveLength(2);
  for (const text of shown) {
    expect(JSON.parse(text)).toMatchObject({ mcpServers: { latchkey: { url: 'https://api.example.com/mcp' } } });
  }
});
