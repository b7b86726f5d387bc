import { readdirSync, readFileSync } from 'node:fs';
import { mintToken } from '../../src/core/keys/token.js';
import { createKey, startService, type TestService } from '../support/service.js';
import { until } from '../support/until.js';
import { refusalOf } from './operations.js';

/** The address in the log for a request with these X-Forwarded-For fields. */
async function addressOf(latchkey: TestService, forwarded: string): Promise<string> {
  const answer = await latchkey.query('{ viewer { scopes } }', { headers: { 'x-forwarded-for': forwarded } });
  const line = latchkey.logs.find((text) => text.includes(answer.headers.get('x-request-id') ?? '-'));
  return JSON.parse(line ?? '{}').address;
}

test("by default no header changes the caller's address", async () => {
  const latchkey = await startService();
  try {
    expect(await addressOf(latchkey, '203.0.113.9')).toBe('127.0.0.1');
  } finally {
    await latchkey.close();
  }
});

// A comparable library uses the left-most address, which any caller can write.
test('behind proxies the right-most address that is not a proxy is used', async () => {
  const latchkey = await startService({ env: { TRUST_PROXY: '127.0.0.1,10.0.0.0/8' } });
  try {
    expect(await addressOf(latchkey, '198.51.100.1, 203.0.113.9')).toBe('203.0.113.9');
    expect(await addressOf(latchkey, '198.51.100.1, 203.0.113.9, 10.1.2.3')).toBe('203.0.113.9');
  } finally {
    await latchkey.close();
  }
});

describe('F3: an address with a port', () => {
  let latchkey: TestService;
  beforeAll(async () => {
    latchkey = await startService({
      env: { TRUST_PROXY: '127.0.0.1', DEFAULT_TIER: 'ENTERPRISE', AUTH_CACHE_TTL: '0' },
    });
  });
  afterAll(() => latchkey.close());
  const from = (address: string, token: string) =>
    latchkey.query('{ viewer { scopes } }', { token, headers: { 'x-forwarded-for': address } });

  it('accepts a key that is bound to it, from any port, and refuses other addresses', async () => {
    const { token } = await createKey(latchkey, { allowedAddresses: ['203.0.113.7', '2001:db8::5'] });
    for (const address of ['203.0.113.7:51234', '203.0.113.7:51235', '[2001:db8::5]:443', '::ffff:203.0.113.7']) {
      expect([address, (await from(address, token)).status]).toEqual([address, 200]);
    }
    for (const address of ['203.0.113.8:51234', '[2001:db8::6]:443', 'unknown', '203.0.113.7, 203.0.113.8:1']) {
      const refused = await from(address, token);
      expect([address, refused.status, refusalOf(refused).code]).toEqual([address, 403, 'ADDRESS_NOT_ALLOWED']);
    }
  });

  it('is logged as one address, whatever the port', async () => {
    expect(await addressOf(latchkey, '203.0.113.7:51234')).toBe('203.0.113.7');
    expect(await addressOf(latchkey, '[2001:DB8::5]:443')).toBe('2001:db8::5');
    expect(await addressOf(latchkey, 'nonsense')).toBe('unknown');
  });

  it('counts failures by address, whatever the port, so that guessing does not lock out other addresses', async () => {
    const guess = (address: string) => from(address, mintToken('lks', 'LIVE').token);
    for (let port = 1_000; port < 1_300; port += 1) await guess(`203.0.113.20:${port}`);
    let same = await guess('203.0.113.20:9');
    for (let i = 0; i < 400 && same.status === 401; i += 1) same = await guess(`203.0.113.20:${i + 10}`);
    const other = await guess('203.0.113.21:9');
    expect([same.status, other.status]).toEqual([429, 401]);
  });
});

test('F3: with TRUST_PROXY_HEADER, a Forwarded field names the caller, and X-Forwarded fields do not', async () => {
  const env = { TRUST_PROXY: '127.0.0.1', TRUST_PROXY_HEADER: 'forwarded', REQUIRE_HTTPS: 'true' };
  const latchkey = await startService({ env: { ...env, DEFAULT_TIER: 'ENTERPRISE' } });
  const ask = (headers: Record<string, string>, token = latchkey.adminToken) =>
    latchkey.query('{ viewer { scopes } }', { token, headers });
  try {
    const forwarded = 'for=198.51.100.1;proto=http, for="[2001:db8::5]:443";proto=https';
    expect((await ask({ forwarded, 'x-forwarded-proto': 'http' })).status).toBe(200);
    expect((await ask({ forwarded: 'for=203.0.113.7', 'x-forwarded-proto': 'https' })).status).toBe(403);
    const { body } = await latchkey.query(
      `mutation { createApiKey(input: { name: "bound", scopes: ["read:assets"], allowedAddresses: ["2001:db8::5"] }) { token } }`,
      { headers: { forwarded } },
    );
    const { token } = body.data.createApiKey;
    expect((await ask({ forwarded, 'x-forwarded-for': '203.0.113.7' }, token)).status).toBe(200);
    const forged = { forwarded: 'for="[2001:db8::5]";proto=https, for=203.0.113.7;proto=https' };
    expect(refusalOf(await ask({ ...forged, 'x-forwarded-for': '2001:db8::5' }, token)).code).toBe(
      'ADDRESS_NOT_ALLOWED',
    );
  } finally {
    await latchkey.close();
  }
});

test('F3: the address of a request is determined in one place', () => {
  const folder = new URL('../../src/server/http/', import.meta.url);
  for (const file of readdirSync(folder)) {
    const source = readFileSync(new URL(file, folder), 'utf8').replace(/^ *\/?\*.*$/gm, '');
    expect([
      file,
      /request\.(ip|ips|protocol|host|hostname)\b|\{[^{}]*\bip\b[^{}]*\}: FastifyRequest/.exec(source)?.[0],
    ]).toEqual([file, undefined]);
  }
});

describe('R10: a proxy that TRUST_PROXY does not name', () => {
  const WARNING = 'from 127.0.0.1, which sends X-Forwarded-For or Forwarded and is not in TRUST_PROXY';
  const warnings = ({ logs }: TestService) => logs.filter((line) => line.includes(WARNING));

  it('causes one warning with a remedy when many keys arrive through it', async () => {
    const latchkey = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE' } });
    try {
      const tokens: string[] = [];
      for (let i = 0; i < 21; i += 1) tokens.push((await createKey(latchkey, { name: `key ${i}` })).token);
      const ask = (token: string, headers: Record<string, string>) =>
        latchkey.query('{ viewer { scopes } }', { token, headers });
      for (const token of tokens) await ask(token, {});
      for (const token of tokens.slice(0, 19)) await ask(token, { 'x-forwarded-for': '203.0.113.7' });
      expect(warnings(latchkey)).toEqual([]);
      for (const token of [...tokens, ...tokens]) await ask(token, { forwarded: 'for=203.0.113.7' });
      await until(() => Promise.resolve(warnings(latchkey).length > 0), 'the warning is logged');
      expect(warnings(latchkey)).toHaveLength(1);
      expect(warnings(latchkey)[0]).toContain('If it is your proxy, add it to TRUST_PROXY');
    } finally {
      await latchkey.close();
    }
  });

  it('wrong keys that arrive through it do not lock out valid keys that are new to the process', async () => {
    const latchkey = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE' } });
    const headers = { 'x-forwarded-for': '203.0.113.7' };
    try {
      const { token } = await createKey(latchkey);
      const ask = (credential: string) => latchkey.query('{ viewer { scopes } }', { token: credential, headers });
      for (let i = 0; i < 310; i += 1) await ask(mintToken('lks', 'LIVE').token);
      expect((await ask(mintToken('lks', 'LIVE').token)).status).toBe(429);
      expect((await ask(token)).status).toBe(200);
      await until(() => Promise.resolve(warnings(latchkey).length > 0), 'the warning is logged');
      expect(warnings(latchkey)).toHaveLength(1);
    } finally {
      await latchkey.close();
    }
  });
});
