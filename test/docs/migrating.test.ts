import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { bcryptHash, betterAuthDigest, betterAuthRow, letters } from '../management/import/harness.js';
import { PROJECT } from '../support/project.js';
import { startService } from '../support/service.js';
import { documentOf, expectSession, gqlOf, sessionOf } from '../support/session.js';

test('each command of docs/how-to/migrating.md runs as written, next to a running server', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'latchkey-migrating-'));
  const dataDir = join(cwd, 'data');
  mkdirSync(dataDir);
  const latchkey = await startService({ dataDir });
  try {
    const bin = join(cwd, 'latchkey');
    writeFileSync(bin, `#!/bin/sh\nexec "${process.execPath}" "${PROJECT}/dist/cli/main.js" "$@" 2>> notes\n`);
    chmodSync(bin, 0o755);
    const key = letters('migrated');
    const rows = [betterAuthRow(key), betterAuthRow(letters('other'), { permissions: { files: ['write'] } })];
    writeFileSync(join(cwd, 'apikey.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
    const header = 'id,name,key_hash,scopes,expires_at,revoked_at';
    writeFileSync(join(cwd, 'plain.csv'), `${header}\n1,plain,${betterAuthDigest('plain-token-of-tests')},reader,,\n`);
    const bcrypt = { id: 'app1', name: 'bcrypt', hash: bcryptHash('app1.secret'), scopes: ['reader'], expiresAt: null };
    writeFileSync(join(cwd, 'bcrypt.jsonl'), JSON.stringify(bcrypt));
    await expectSession(sessionOf(documentOf('docs/how-to/migrating.md')), {
      cwd,
      env: { PATH: `${cwd}:${process.env.PATH ?? ''}`, DATA_DIR: dataDir, KEY: key, BCRYPT_KEY: 'app1.secret' },
      prelude: gqlOf(latchkey.origin),
    });
    // The delay that the page documents for a running server.
    await delay(5_000);
    for (const token of ['plain-token-of-tests', 'app1.secret']) {
      expect((await latchkey.query('{ viewer { scopes } }', { token })).body.data.viewer.scopes).toEqual([
        'read:assets',
      ]);
    }
  } finally {
    await latchkey.close();
    rmSync(cwd, { recursive: true, force: true });
  }
});
