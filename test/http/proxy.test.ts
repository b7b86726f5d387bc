import { startService, type TestService } from '../support/service.js';

/** The address that the log names for a request with these X-Forwarded-For fields. */
async function addressOf(latchkey: TestService, forwarded: string): Promise<string> {
  const answer = await latchkey.query('{ viewer { scopes } }', { headers: { 'x-forwarded-for': forwarded } });
  const line = latchkey.logs.find((text) => text.includes(answer.headers.get('x-request-id') ?? '-'));
  return JSON.parse(line ?? '{}').address;
}

test('by default nobody is believed about where a request comes from', async () => {
  const latchkey = await startService();
  try {
    expect(await addressOf(latchkey, '203.0.113.9')).toBe('127.0.0.1');
  } finally {
    await latchkey.close();
  }
});

// A peer believes the left-most address, which any caller writes as they like.
test('behind proxies the right-most address that is none of them counts', async () => {
  const latchkey = await startService({ env: { TRUST_PROXY: '127.0.0.1,10.0.0.0/8' } });
  try {
    expect(await addressOf(latchkey, '198.51.100.1, 203.0.113.9')).toBe('203.0.113.9');
    expect(await addressOf(latchkey, '198.51.100.1, 203.0.113.9, 10.1.2.3')).toBe('203.0.113.9');
  } finally {
    await latchkey.close();
  }
});
