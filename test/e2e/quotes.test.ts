import { startService } from '../support/service.js';

test('F14: a start logs quotes around a secret in an env file, without the secret', async () => {
  const key = 'test-operator-key-0123456789-not-a-real-one';
  const latchkey = await startService({ env: { ADMIN_API_KEY: `"${key}"` } });
  try {
    const warnings = latchkey.logs.filter((line) => line.includes('ADMIN_API_KEY has quotes around its value'));
    expect(warnings).toHaveLength(1);
    expect(latchkey.logs.join('\n')).not.toContain(key);
    const ask = async (token: string) => (await latchkey.query('{ viewer { scopes } }', { token })).status;
    expect([await ask(`"${key}"`), await ask(key)]).toEqual([200, 401]);
  } finally {
    await latchkey.close();
  }
});
