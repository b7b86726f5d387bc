import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAIN, runFile } from '../support/child.js';
import { AUDIENCE, startIssuer } from '../support/issuer.js';
import { until } from '../support/until.js';

test('SIGHUP enables tokens, changes their roles, and disables them', async () => {
  const issuer = await startIssuer();
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-oidc-'));
  const file = join(dir, 'latchkey.yaml');
  const write = (enabled: boolean, role: string): void => {
    // Like an editor: the file is always complete.
    writeFileSync(
      `${file}.new`,
      `auth: { oidc: { enabled: ${enabled}, issuer: "${issuer.url}", audience: "${AUDIENCE}" } }\nroles: { it: [${role}] }`,
    );
    renameSync(`${file}.new`, file);
  };
  write(false, 'read:all');
  const child = runFile(MAIN, {
    PORT: '0',
    DATA_DIR: dir,
    BCRYPT_COST: '4',
    // Only the signal is tested here.
    CONFIG_WATCH: 'off',
    LATCHKEY_CONFIG: file,
    PUBLIC_URL: 'https://api.example',
  });
  try {
    const [, origin = ''] = await child.waitFor(/listens on (http:\S+)\/graphql/);
    const token = await issuer.sign({ scope: undefined, roles: ['it'] });
    const ask = async (): Promise<unknown> => {
      const response = await fetch(`${origin}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ query: '{ viewer { scopes } }' }),
      });
      const { data } = (await response.json()) as { data?: { viewer: { scopes: string[] } } };
      return data?.viewer.scopes ?? response.status;
    };
    const metadata = async () => (await fetch(`${origin}/.well-known/oauth-protected-resource`)).status;
    const hangUp = async (enabled: boolean, role: string): Promise<void> => {
      const lines = (): number => child.output().stderr.split('configuration reloaded').length;
      const before = lines();
      write(enabled, role);
      child.process.kill('SIGHUP');
      await until(() => lines() > before);
    };
    expect([await ask(), await metadata()]).toEqual([401, 404]);
    await hangUp(true, 'read:all');
    expect([await ask(), await metadata()]).toEqual([['read:all'], 200]);
    await hangUp(true, 'write:all');
    expect(await ask()).toEqual(['write:all']);
    await hangUp(false, 'write:all');
    expect([await ask(), await metadata()]).toEqual([401, 404]);
  } finally {
    await child.stop('SIGKILL');
    await issuer.leave();
    rmSync(dir, { recursive: true, force: true });
  }
});
