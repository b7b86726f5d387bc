import { once } from 'node:events';
import { request } from 'node:http';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { answerOf, startService, type Answer, type TestService } from '../../support/service.js';
import { refusalOf } from '../../e2e/operations.js';

const MAX = 256 * 1024;
const WHO = '{ viewer { scopes } }';
const REGISTER = 'mutation { registerAsset(input: { name: "sent.compressed" }) { name } }';
const FOUND = '{ asset(name: "sent.compressed") { name } }';

let latchkey: TestService;
beforeAll(async () => void (latchkey = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE' } })));
afterAll(() => latchkey.close());

async function post(
  body: Buffer,
  encoding: string | null,
  {
    path = '/graphql',
    token = latchkey.adminToken,
    headers = {},
  }: { path?: string; token?: string; headers?: object } = {},
): Promise<Answer> {
  const answer = await fetch(latchkey.origin + path, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      ...(token !== '' && { authorization: `Bearer ${token}` }),
      ...(encoding !== null && { 'content-encoding': encoding }),
      ...headers,
    },
  });
  return answerOf(answer);
}

const json = (query: string) => Buffer.from(JSON.stringify({ query }));
/** A body of this size. */
const ofLength = (length: number) => Buffer.concat([json(WHO), Buffer.alloc(length - json(WHO).length, ' ')]);

describe('F14: a compressed body', () => {
  it.each<[string, (body: Buffer) => Buffer]>([
    ['gzip', gzipSync],
    ['GZIP', gzipSync],
    [' x-gzip ', gzipSync],
    ['br', brotliCompressSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
    ['identity', (body) => body],
    ['', (body) => body],
  ])('is read with Content-Encoding %j', async (encoding, compress) => {
    const plain = await post(json(WHO), null);
    const answer = await post(compress(json(WHO)), encoding);
    expect([answer.status, answer.text]).toEqual([200, plain.text]);
  });

  it('can have as many bytes as other bodies after decoding, but no more', async () => {
    for (const [encoding, compress] of [
      ['gzip', gzipSync],
      ['br', brotliCompressSync],
      ['deflate', deflateSync],
    ] as const) {
      expect((await post(compress(ofLength(MAX)), encoding)).status).toBe(200);
      const refused = await post(compress(ofLength(MAX + 1)), encoding);
      expect([refused.status, refusalOf(refused).code]).toEqual([413, 'BAD_REQUEST']);
      expect(refused.body.errors[0].message).toContain(`larger than ${MAX} bytes`);
    }
  });

  it('that decodes to a gigabyte is refused after 256 KiB', async () => {
    // 1 MB of zeros takes a kilobyte, and a gzip stream can have any number of members.
    const megabyte = gzipSync(Buffer.alloc(1024 * 1024));
    const bomb = Buffer.concat(Array(Math.floor(MAX / megabyte.length)).fill(megabyte));
    const before = process.memoryUsage().arrayBuffers;
    for (const body of [bomb, gzipSync(Buffer.alloc(16 * 1024 * 1024))]) {
      expect((await post(body, 'gzip')).status).toBe(413);
    }
    expect((await post(brotliCompressSync(Buffer.alloc(4 * 1024 * 1024)), 'br')).status).toBe(413);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(80 * 1024 * 1024);
  });

  it('is also limited before decoding, by its length and by its chunks', async () => {
    const noise = Buffer.alloc(MAX + 1, 'x');
    expect((await post(noise, 'gzip')).status).toBe(413);
    const chunked = request(`${latchkey.origin}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'content-encoding': 'gzip',
        'transfer-encoding': 'chunked',
        authorization: `Bearer ${latchkey.adminToken}`,
      },
    });
    chunked.on('error', () => undefined);
    chunked.write(noise);
    const [answer] = await once(chunked, 'response');
    expect(answer.statusCode).toBe(413);
    chunked.destroy();
  });

  it.each(['gzip, br', 'gzip, gzip', 'gzip,identity', 'zstd', 'compress', 'gzip;q=1', 'constructor', 'none'])(
    'with Content-Encoding %j gets 415 with the accepted encodings, and nothing runs',
    async (encoding) => {
      const refused = await post(gzipSync(json(REGISTER)), encoding);
      expect([refused.status, refusalOf(refused).code]).toEqual([415, 'BAD_REQUEST']);
      expect(refused.headers.get('accept-encoding')).toBe('gzip, br, deflate');
      expect(refused.body.errors[0].message).toBe(
        'Unsupported Content-Encoding. Send the body with one of gzip, br, deflate, applied once, or without an encoding.',
      );
      expect((await latchkey.query(FOUND)).body).toEqual({ data: { asset: null } });
    },
  );

  it.each<[string, string, Buffer]>([
    ['that is not compressed', 'gzip', json(REGISTER)],
    ['that is cut short', 'gzip', gzipSync(json(REGISTER)).subarray(0, -4)],
    ['in another format', 'br', gzipSync(json(REGISTER))],
    ['that is empty', 'deflate', Buffer.alloc(0)],
  ])('%s gets 400 with the reason', async (_what, encoding, body) => {
    const refused = await post(body, encoding);
    expect([refused.status, refusalOf(refused).code]).toEqual([400, 'BAD_REQUEST']);
    expect(refused.body.errors[0].message).toContain("The body doesn't match its Content-Encoding.");
    expect(refused.headers.get('accept-encoding')).toBeNull();
  });

  it('is not decoded twice if it is compressed twice', async () => {
    const refused = await post(gzipSync(gzipSync(json(REGISTER))), 'gzip');
    expect([refused.status, refused.body.errors[0].message]).toEqual([400, expect.stringContaining('JSON object')]);
    expect((await latchkey.query(FOUND)).body).toEqual({ data: { asset: null } });
  });

  it('with an invalid key is refused because of the key, before it is read', async () => {
    const refused = await post(gzipSync(ofLength(MAX + 1)), 'gzip', { token: 'nonsense' });
    expect([refused.status, refusalOf(refused).code]).toEqual([401, 'UNAUTHENTICATED']);
  });

  it('has no effect on a query by GET', async () => {
    const answer = await fetch(`${latchkey.url}?query=${encodeURIComponent(WHO)}`, {
      headers: {
        authorization: `Bearer ${latchkey.adminToken}`,
        'content-encoding': 'zstd',
        'apollo-require-preflight': '1',
      },
    });
    expect(answer.status).toBe(200);
  });

  it('is read at /mcp and at /graphql/stream too', async () => {
    const ping = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }));
    const mcp = { path: '/mcp', headers: { accept: 'application/json, text/event-stream' } };
    expect((await post(gzipSync(ping), 'gzip', mcp)).text).toContain('"result":{},"jsonrpc":"2.0","id":1');
    const refused = await post(gzipSync(ping), 'zstd', mcp);
    expect([refused.status, refused.headers.get('accept-encoding')]).toEqual([415, 'gzip, br, deflate']);
    expect(refused.body.error.message).toContain('Unsupported Content-Encoding');
    expect((await post(gzipSync(Buffer.alloc(MAX + 1, ' ')), 'gzip', mcp)).status).toBe(413);

    const stream = { path: '/graphql/stream', headers: { accept: 'text/event-stream' } };
    const notOne = await post(gzipSync(json(WHO)), 'gzip', stream);
    expect(notOne.body.errors[0].message).toMatch(/subscription/i);
    expect((await post(json(WHO), 'br, gzip', stream)).status).toBe(415);
  });
});
