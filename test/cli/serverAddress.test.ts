import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { selfSigned } from '../support/certificate.js';
import { createKey, startService, type TestService } from '../support/service.js';
import { latchkeyInOneProcess as latchkey } from './oneProcess.js';

let service: TestService;
let key: string;
let origin: string;
beforeAll(async () => {
  service = await startService();
  key = service.adminToken;
  origin = new URL(service.url).origin;
});
afterAll(() => service.close());

const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});
async function portOf(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** Another server, and the credentials that it received. */
async function startOther(listener: RequestListener): Promise<{ origin: string; sent: (string | undefined)[] }> {
  const sent: (string | undefined)[] = [];
  const port = await portOf(
    createServer((request, response) => {
      sent.push(request.headers.authorization);
      listener(request, response);
    }),
  );
  return { origin: `http://127.0.0.1:${port}`, sent };
}

const HTML = '<!doctype html><title>Welcome</title>';
const page =
  (status: number): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, { 'content-type': 'text/html' }).end(HTML);

const whoami = (url: string, ...more: string[]) =>
  latchkey(['whoami', ...more], { env: { LATCHKEY_URL: url, LATCHKEY_API_KEY: key } });

describe('N15: a wrong LATCHKEY_URL is named with the value to set', () => {
  it.each([
    ['', 'where there is no API'],
    ['/', 'where there is no API'],
    ['/graphqll', 'where there is no API'],
    ['/api/v1', 'where there is no API'],
    ['/graphql/', 'where there is no API'],
    ['/healthz', 'where there is no API'],
    ['/schema.graphql', 'where there is no API'],
    ['/mcp', 'where something other than a GraphQL API answers'],
    ['/graphql/stream', 'where there is no API'],
    ['/dashboard', 'where there is no API'],
  ])('the path "%s"', async (path, what) => {
    const { status, stdout, stderr } = await whoami(`${origin}${path}`);
    expect([status, stdout, stderr]).toEqual([
      2,
      '',
      `LATCHKEY_URL is ${origin}${path}, ${what}. Set LATCHKEY_URL=${origin}/graphql.\n`,
    ]);
  });

  it('the command works with that value', async () => {
    expect((await whoami(`${origin}/graphql`)).status).toBe(0);
  });

  it('works with --url, and with --json', async () => {
    const { status, stderr } = await latchkey(['keys', 'list', '--url', origin, '--json'], {
      env: { LATCHKEY_API_KEY: key },
    });
    expect([status, JSON.parse(stderr)]).toEqual([
      2,
      {
        error: {
          code: 'USAGE',
          message: `--url is ${origin}, where there is no API. Set --url ${origin}/graphql.`,
          exitCode: 2,
        },
      },
    ]);
  });

  it('finds the schema next to another path', async () => {
    const { status, stderr } = await latchkey(['schema', 'print', '--url', `${origin}/api/x`], {
      env: { LATCHKEY_API_KEY: key },
    });
    expect([status, stderr]).toEqual([2, expect.stringContaining(`Set --url ${origin}/graphql.`)]);
  });

  it('an object that the API does not find is not a wrong address', async () => {
    const args = ['keys', 'show', 'key_0000000000000000', '--url', service.url];
    const { status, stderr } = await latchkey(args, { env: { LATCHKEY_API_KEY: key } });
    expect([status, stderr]).toEqual([1, expect.not.stringContaining('--url is')]);
    const { token } = await createKey(service, { scopes: ['read:assets'] });
    const refused = await latchkey(['keys', 'list'], { env: { LATCHKEY_URL: service.url, LATCHKEY_API_KEY: token } });
    expect(refused.status).toBe(4);
  });

  it('https for a server with plain HTTP', async () => {
    const url = service.url.replace('http:', 'https:');
    const { status, stderr } = await whoami(url);
    expect([status, stderr]).toEqual([
      2,
      `LATCHKEY_URL is ${url}, and the server speaks plain HTTP there. Set LATCHKEY_URL=${service.url}.\n`,
    ]);
  });

  it('http for a server with HTTPS', async () => {
    const port = await portOf(createTlsServer(selfSigned(), page(200)));
    const url = `http://127.0.0.1:${port}/graphql`;
    const { status, stderr } = await whoami(url);
    const right = url.replace('http:', 'https:');
    expect([status, stderr]).toEqual([
      2,
      `LATCHKEY_URL is ${url}, and the server speaks HTTPS there. Set LATCHKEY_URL=${right}.\n`,
    ]);
    const untrusted = await whoami(right);
    expect([untrusted.status, untrusted.stderr]).toEqual([
      6,
      expect.stringContaining('does not trust (DEPTH_ZERO_SELF'),
    ]);
  });

  it('http for a server that requires HTTPS', async () => {
    // Without REQUIRE_HTTPS for this computer, so that another server can respond like ours.
    const strict = await startOther((_request, response) => {
      const error = { message: 'HTTPS is required.', extensions: { code: 'HTTPS_REQUIRED' } };
      response.writeHead(403, { 'content-type': 'application/json' }).end(JSON.stringify({ errors: [error] }));
    });
    const { status, stderr } = await whoami(`${strict.origin}/graphql`);
    expect([status, stderr]).toEqual([
      2,
      `LATCHKEY_URL is ${strict.origin}/graphql, and the server requires HTTPS. Set LATCHKEY_URL=${strict.origin.replace('http:', 'https:')}/graphql.\n`,
    ]);
  });

  it.each([200, 400, 404, 405])('a page of another server with status %d', async (code) => {
    const other = await startOther(page(code));
    const { status, stderr } = await whoami(`${other.origin}/graphql`);
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(
        /^LATCHKEY_URL is \S+, where (there is no API|something other than a GraphQL API answers)\. Set LATCHKEY_URL=the full/,
      ),
    ]);
    expect(stderr).not.toContain('Welcome');
    // The key was only sent to the right server, not to the addresses that were tried.
    expect(other.sent.filter((sent) => sent !== undefined)).toHaveLength(1);
  });

  it.each([
    [401, 3],
    [403, 4],
    [429, 5],
    [502, 6],
  ])('keeps the exit code for %d of a gateway', async (code, exit) => {
    const other = await startOther(
      (_request, response) =>
        void response.writeHead(code, { 'content-type': 'text/html', 'retry-after': '3600' }).end(HTML),
    );
    expect((await whoami(`${other.origin}/graphql`, '--max-wait', '5')).status).toBe(exit);
  });

  it('shows the target of a redirect', async () => {
    const other = await startOther(
      (_request, response) => void response.writeHead(308, { location: '/v2/graphql?key=secret' }).end(),
    );
    const { status, stderr } = await whoami(`${other.origin}/graphql`);
    expect([status, stderr]).toEqual([
      2,
      `LATCHKEY_URL is ${other.origin}/graphql, which answers with a redirect. Set LATCHKEY_URL=${other.origin}/v2/graphql.\n`,
    ]);
    expect(other.sent.filter((sent) => sent !== undefined).length).toBeGreaterThan(0);
  });

  it('finds an API below a path', async () => {
    const other = await startOther((request, response) => {
      if (request.url !== '/team/graphql') page(404)(request, response);
      else response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":{"__typename":"Query"}}');
    });
    for (const path of ['/team', '/team/', '/team/dashboard']) {
      const { status, stderr } = await whoami(`${other.origin}${path}`);
      expect([status, stderr]).toEqual([2, expect.stringContaining(`Set LATCHKEY_URL=${other.origin}/team/graphql.`)]);
    }
  });

  it('names a host that does not exist, and reports a server that does not respond as unavailable', async () => {
    const none = await whoami('http://no-such-host.invalid/graphql');
    expect([none.status, none.stderr]).toEqual([
      6,
      expect.stringContaining('The host name no-such-host.invalid was not found'),
    ]);
    expect((await whoami('http://127.0.0.1:9/graphql', '--max-wait', '1')).status).toBe(6);
  });
});
