import { transform } from '@swc/core';
import { setTimeout as delay } from 'node:timers/promises';
import { runFile } from '../support/child.js';
import { createKey, startService } from '../support/service.js';
import { documentOf } from '../support/session.js';
import { expectPage } from './page.js';

test('each command of docs/how-to/streams.md runs as written', async () => {
  await expectPage('docs/how-to/streams.md', {
    before: async (latchkey) => {
      const { token, id } = await createKey(latchkey, { name: 'airflow', scopes: ['read-write'] });
      return { KEY: token, ID: id };
    },
    after: async (latchkey) => {
      const { body } = await latchkey.query('{ assets { name freshness { status } alerts { kind } } }');
      expect(body.data.assets).toEqual([
        { name: 'raw.late', freshness: { status: 'STALE' }, alerts: [{ kind: 'STALE' }] },
      ]);
    },
  });
});

// A browser has EventSource and prompt.
const BROWSER = `import { EventSource } from 'eventsource';\nconst prompt = () => process.env.LATCHKEY_API_KEY;\n`;
const [withHeader = '', inAddress = ''] = [...documentOf('docs/how-to/streams.md').matchAll(/```ts\n(.*?)```/gs)].map(
  ([, code = '']) => code,
);
test.each([
  ['with the key in a header', withHeader],
  ['with the key in the address', `${BROWSER}${inAddress}`],
])('the client of docs/how-to/streams.md %s prints events', async (_, code) => {
  const latchkey = await startService();
  const { token } = await createKey(latchkey, { scopes: ['read:assets'] });
  const script = await transform(code.replace('http://127.0.0.1:4000', latchkey.origin), {
    jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
  });
  // Not from a file, so that its imports are resolved from the project's directory.
  const client = runFile('--eval', { LATCHKEY_API_KEY: token }, ['--input-type=module'], [script.code]);
  try {
    const isOpen = async () => /^latchkey_streams_open 1$/m.test(await latchkey.service.metrics.text());
    while (client.process.exitCode === null && !(await isOpen())) await delay(20);
    await latchkey.query('mutation { registerAsset(input: { name: "raw.late", allowedAge: "PT1H" }) { name } }');
    await latchkey.query('mutation { recordLoad(input: { asset: "raw.late", at: "2026-01-01T00:00:00Z" }) { name } }');
    await client.waitFor(/raw\.late/);
  } finally {
    await client.stop('SIGTERM');
    await latchkey.close();
  }
});
