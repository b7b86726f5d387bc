import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_PREFIXES } from '../../src/core/keys/token.js';
import { createKey, startService, type TestService } from '../support/service.js';

const TYPES = [
  ['SECRET', 'sk'],
  ['CLIENT', 'ck'],
  ['READ_ONLY', 'rk'],
] as const;

let dataDir: string;
let latchkey: TestService;
let admin: string;
const keys = new Map<string, { id: string; token: string }>();

// The keys are created with the earlier default prefixes. Then the server starts again with the current ones.
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'latchkey-legacy-'));
  const before = await startService({ dataDir, env: { KEY_PREFIXES: 'SECRET:sk,CLIENT:ck,READ_ONLY:rk' } });
  admin = before.adminToken;
  for (const [type] of TYPES) keys.set(type, await createKey(before, { name: type, type, scopes: ['read:assets'] }));
  await before.close();
  latchkey = await startService({ dataDir });
});
afterAll(async () => {
  await latchkey.close();
  rmSync(dataDir, { recursive: true });
});

const ask = (token: string, query: string) => latchkey.query(query, { token });
const keyOf = (type: string): { id: string; token: string } => keys.get(type) ?? { id: '', token: '' };

describe.each(TYPES)('a %s key with the earlier prefix %s', (type, prefix) => {
  it('is accepted', async () => {
    expect(keyOf(type).token).toMatch(new RegExp(`^${prefix}_live_`));
    expect((await ask(keyOf(type).token, '{ viewer { scopes } }')).body.data.viewer.scopes).toEqual(['read:assets']);
  });

  it('is refused as malformed if its token is mistyped', async () => {
    const { token } = keyOf(type);
    const { body } = await ask(`${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`, '{ viewer { scopes } }');
    expect(body.errors[0].extensions).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'malformed' });
  });

  it('is found by its token, its beginning and its body', async () => {
    const { id, token } = keyOf(type);
    for (const text of [token, token.slice(0, 14), token.slice(0, 30), token.slice('sk_live_'.length)]) {
      const { body } = await ask(admin, `{ findApiKeys(text: "${text}") { id } }`);
      expect([text, body.data?.findApiKeys]).toEqual([text, [{ id }]]);
    }
  });

  it('never appears in an error', async () => {
    const { token } = keyOf(type);
    for (const query of [`{ ${token} }`, `{ viewer(key: "${token}") { scopes } }`]) {
      const { text } = await ask(token, query);
      expect(text).toContain('errors');
      expect(text).not.toContain(token.slice('sk_live_'.length));
    }
  });

  it('has a successor with the current prefix', async () => {
    const { id } = await createKey(latchkey, { name: 'rotated', type, scopes: ['read:assets'] }, admin);
    for (const one of [id, keyOf(type).id]) {
      const { body } = await ask(admin, `mutation { rotateApiKey(input: { id: "${one}" }) { token } }`);
      expect(body.data.rotateApiKey.token).toMatch(new RegExp(`^${DEFAULT_PREFIXES[type]}_live_`));
    }
  });
});
