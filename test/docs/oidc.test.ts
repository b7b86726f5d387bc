import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSettings } from '../../src/server/settings/settings.js';
import { CLIENT, startIssuer } from '../support/issuer.js';
import { documentOf } from '../support/session.js';
import { expectPage } from './page.js';

const AUDIENCE = 'https://api.example.com/graphql';

test('each command of docs/how-to/oidc.md runs as written, with the configuration in it', async () => {
  const issuer = await startIssuer();
  try {
    await expectPage('docs/how-to/oidc.md', {
      before: async (latchkey, directory) => {
        const [, shown = ''] = /```yaml\n(.*?)```/s.exec(documentOf('docs/how-to/oidc.md')) ?? [];
        expect(shown).toContain(AUDIENCE);
        const file = join(directory, 'latchkey.yaml');
        writeFileSync(file, shown.replace('https://auth.example.com', issuer.url));
        const { configuration } = readSettings({ LATCHKEY_CONFIG: file, PUBLIC_URL: 'https://api.example.com' });
        await latchkey.service.reconfigure(configuration);
        const { client_id: CLIENT_ID, client_secret: CLIENT_SECRET } = CLIENT;
        return { ISSUER: issuer.url, AUDIENCE, CLIENT_ID, CLIENT_SECRET };
      },
      after: async (latchkey) => {
        const analyst = await issuer.sign({ aud: AUDIENCE, scope: '', realm_access: { roles: ['analyst'] } });
        const { body } = await latchkey.query('{ viewer { scopes } }', { token: analyst });
        expect(body.data.viewer.scopes).toEqual(['read:all', 'write:events']);
      },
    });
  } finally {
    await issuer.leave();
  }
});
