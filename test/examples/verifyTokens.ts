import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT } from '../support/project.js';
import { createKey, startService, type TestService } from '../support/service.js';
import { until } from '../support/until.js';

const AUDIENCE = 'https://orders.example';
const PRINCIPAL = 'latchkey-principal';

/** Tests an example of a service that verifies signed tokens. @param program what runs the file of the example */
export function testVerifyingExample(program: string, file: string): void {
  let dataDir: string;
  let latchkey: TestService;
  let late: TestService;
  let url = '';
  let stop: () => void;
  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'latchkey-verifying-'));
    const env = { MONGODB_URI: undefined, DEFAULT_TIER: 'ENTERPRISE' };
    latchkey = await startService({ dataDir, env });
    // A process whose clock is five minutes slow signs tokens that have expired.
    late = await startService({ dataDir, env, now: () => Date.now() - 300_000 });
    const child = spawn(program, [file], {
      cwd: PROJECT,
      env: {
        PATH: process.env.PATH,
        ...{ JWKS_URL: `${latchkey.origin}/.well-known/jwks.json`, ISSUER: 'latchkey', AUDIENCE, PORT: '0' },
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    stop = () => child.kill();
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
    await until(() => {
      if (child.exitCode !== null) throw new Error(`${file} has ended: ${output}`);
      return ([, url = ''] = /Listening at (\S+)/.exec(output) ?? []).length > 1;
    }, 'the example listens');
  });
  afterAll(async () => {
    stop();
    await late.close();
    await latchkey.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const ask = async (headers: Record<string, string>): Promise<{ status: number; body: unknown }> => {
    const response = await fetch(url, { headers });
    return { status: response.status, body: await response.json() };
  };
  const principalOf = async (scopes: string[], service = latchkey, audience = AUDIENCE): Promise<string> => {
    const { token } = await createKey(latchkey, { scopes });
    const principal = await service.service.latchkey.authenticate({ headers: { 'x-api-key': token } });
    return service.service.latchkey.principalTokens.sign(principal, audience);
  };
  // The built-in domain has no orders, so only `read:all` covers them: a derived token can name the scope itself.
  const derive = async (scope: string, audience = AUDIENCE): Promise<{ id: string; token: string }> => {
    const { id, token } = await createKey(latchkey, { scopes: ['read:all'] });
    const { body } = await latchkey.query(
      'mutation ($input: DeriveTokenInput!) { deriveToken(input: $input) { token } }',
      { token, variables: { input: { scopes: [scope], audience } } },
    );
    return { id, token: body.data.deriveToken.token };
  };
  const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

  test('accepts a derived token, and reads the caller from it', async () => {
    const { id, token } = await derive('read:orders');
    expect(await ask(bearer(token))).toEqual({
      status: 200,
      body: { workspace: 'default', key_id: id, scope: 'read:orders', plan: 'ENTERPRISE' },
    });
  });

  test('reads the scopes of Latchkey-Principal', async () => {
    expect(await ask({ [PRINCIPAL]: await principalOf(['read:assets']) })).toEqual({
      status: 403,
      body: { error: 'The caller lacks read:orders.' },
    });
  });

  test('refuses everything else', async () => {
    const { token: derived } = await derive('read:orders');
    const principal = await principalOf(['read:all']);
    const [header = '', payload = '', signature = ''] = derived.split('.');
    const forged = Buffer.from(payload, 'base64url').toString().replace('read:orders', 'read:orders admin');
    const none = Buffer.from('{"alg":"none","typ":"latchkey-derived+jwt"}').toString('base64url');
    const stranger = Buffer.from(
      `{"alg":"EdDSA","typ":"latchkey-derived+jwt","kid":"${randomBytes(32).toString('base64url')}"}`,
    ).toString('base64url');
    const refused: Record<string, string>[] = [
      {},
      bearer('nonsense'),
      bearer(''),
      bearer(`${none}.${payload}.`),
      bearer(`${stranger}.${payload}.${signature}`),
      bearer(`${header}.${Buffer.from(forged).toString('base64url')}.${signature}`),
      // A token of another type.
      bearer(principal),
      { [PRINCIPAL]: derived },
      { [PRINCIPAL]: 'nonsense' },
      bearer((await derive('read:orders', 'https://other.example')).token),
      { [PRINCIPAL]: await principalOf(['read:all'], latchkey, 'https://other.example') },
      { [PRINCIPAL]: await principalOf(['read:all'], late) },
    ];
    for (const headers of refused) {
      expect(await ask(headers)).toEqual({ status: 401, body: { error: 'The token is missing or invalid.' } });
    }
  });
}
