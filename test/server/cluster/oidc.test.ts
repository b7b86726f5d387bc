import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AUDIENCE, startIssuer } from '../../support/issuer.js';
import { place, removeAll, startCluster } from './installation.js';

afterEach(removeAll);

test('each worker verifies tokens itself', async () => {
  const issuer = await startIssuer();
  const installed = place();
  const file = join(installed.DATA_DIR ?? '', 'latchkey.yaml');
  writeFileSync(file, `auth: { oidc: { issuer: "${issuer.url}", audience: "${AUDIENCE}" } }\n`);
  const cluster = startCluster(['--workers', '2'], { ...installed, LATCHKEY_CONFIG: file });
  try {
    await cluster.url();
    const token = await issuer.issue();
    const byWorker = await cluster.askEach(await cluster.workers(), '{ viewer { scopes } }', token);
    expect(byWorker.size).toBe(2);
    expect(new Set([...byWorker.values()].flat())).toEqual(new Set([200]));
  } finally {
    await issuer.leave();
  }
});
