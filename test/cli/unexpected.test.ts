import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answering } from './answering.js';
import { latchkeyInOneProcess as latchkey } from './oneProcess.js';

/** A server that returns this for any operation. */
async function told(answer: (variables: Record<string, unknown>, n: number) => object, ...args: string[]) {
  let asked = 0;
  const server = await answering(({ variables }) => answer(variables, (asked += 1)));
  try {
    const env = { LATCHKEY_URL: server.url, LATCHKEY_API_KEY: 'key_of_a_test' };
    return { ...(await latchkey(args, { env })), url: server.url, asked };
  } finally {
    server.close();
  }
}

/** Words in JavaScript's own errors. */
const OF_THE_LANGUAGE =
  /undefined|Cannot (?:read|destructure)|is not (?:a function|iterable)|TypeError|RangeError|\bat \S+:\d+/;

const key = (more: object = {}) => ({
  ...{ id: 'key_a', workspaceId: 'w', name: 'n', source: 'CREATED', prefix: 'p', type: 'SECRET', environment: 'LIVE' },
  ...{ scopes: ['admin'], effectiveScopes: ['admin'], roles: [], project: null, user: null, externalId: null },
  ...{
    allowedAddresses: [],
    trustedDocuments: null,
    status: 'ACTIVE',
    createdAt: null,
    createdBy: null,
    createdByName: null,
  },
  ...{ expiresAt: null, revokedAt: null, revokedReason: null, lastUsedAt: null, replaces: null, replacedBy: null },
  ...{ previousTokenLastUsedAt: null, ...more },
});
const page = (nodes: readonly object[], pageInfo: object, totalCount: unknown = 1) => ({
  apiKeys: { totalCount, nodes, pageInfo },
});
const last = { hasNextPage: false, endCursor: 'a' };

const QUERIES: readonly (readonly string[])[] = [
  ['keys', 'list'],
  ['keys', 'show', 'key_a'],
  ['keys', 'find', 'airflow'],
  ['usage', 'key_a'],
  ['whoami'],
  ['audit', 'tail'],
  ['audit', 'verify'],
];

describe('A7: every command that calls the API reports that a response in another format is not from a Latchkey server', () => {
  it.each(QUERIES.map((args) => [args.join(' '), args] as const))('%s', async (_, args) => {
    for (const data of [{}, { hello: 'world' }]) {
      const { status, stdout, stderr, url } = await told(() => data, ...args);
      expect([status, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(
        /^\S+ is not a Latchkey server, or runs another release: its response has no valid \S+\. Check LATCHKEY_URL\.\n$/,
      );
      expect(stderr).toContain(url);
      expect(stderr).not.toMatch(OF_THE_LANGUAGE);
    }
  });

  it.each([
    ['whoami', 'viewer'],
    ['keys list', 'apiKeys'],
    ['keys find airflow', 'findApiKeys'],
    ['audit tail', 'auditLog'],
  ])('%s, if it is null without an error', async (command, field) => {
    const { status, stdout, stderr } = await told(() => ({ [field]: null }), ...command.split(' '));
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(`its response has no valid ${field}. Check LATCHKEY_URL.`);
  });

  it.each([
    ['a list that is an object', page({ length: 1e9 } as never, last), 'apiKeys.nodes'],
    ['a node without fields', page([{}], last), 'apiKeys.nodes.id'],
    ['a node that is null', page([null as never], last), 'apiKeys.nodes'],
    ['scopes that are a number', page([key({ scopes: 5 })], last), 'apiKeys.nodes.scopes'],
    ['a scope that is an object', page([key({ scopes: [{}] })], last), 'apiKeys.nodes.scopes'],
    ['a date that is a number', page([key({ lastUsedAt: 1e300 })], last), 'apiKeys.nodes.lastUsedAt'],
    ['a name that is null', page([key({ name: null })], last), 'apiKeys.nodes.name'],
    ['no pageInfo', { apiKeys: { totalCount: 1, nodes: [] } }, 'apiKeys.pageInfo'],
    ['a count that is a text', page([], last, '1'), 'apiKeys.totalCount'],
    ['a flag that is a text', page([], { ...last, hasNextPage: 'no' }), 'apiKeys.pageInfo.hasNextPage'],
  ])('keys list, %s', async (_, data, path) => {
    const { status, stdout, stderr } = await told(() => data, 'keys', 'list', '--json');
    expect([status, stdout, JSON.parse(stderr)]).toEqual([
      2,
      '',
      {
        error: {
          code: 'UNEXPECTED_ANSWER',
          message: expect.stringContaining(`its response has no valid ${path}. Check LATCHKEY_URL.`),
          exitCode: 2,
        },
      },
    ]);
  });

  it('shows a valid one', async () => {
    const { status, stdout } = await told(() => page([key()], last), 'keys', 'list', '--json');
    expect([status, JSON.parse(stdout)]).toMatchObject([0, { keys: [{ id: 'key_a' }], totalCount: 1 }]);
  });

  it('says after a change that it may have been made, with another exit code', async () => {
    const args = ['keys', 'revoke', 'key_a', '--yes'];
    const { status, stderr } = await told(() => ({ revokeApiKey: {} }), ...args);
    expect([status, stderr]).toEqual([
      1,
      expect.stringContaining('and the change may have been made. Check LATCHKEY_URL'),
    ]);
  });
});

describe('A7: stops reading a list that would never end', () => {
  const next = { hasNextPage: true, endCursor: 'c' };

  it.each([
    ['a cursor that is repeated', () => page([key()], next), 2, 'repeats a cursor'],
    [
      'two cursors in turn',
      (_: unknown, n: number) => page([key()], { ...next, endCursor: String(n % 2) }),
      3,
      'repeats a cursor',
    ],
    ['no cursor', () => page([key()], { ...next, endCursor: null }), 1, 'has no cursor for the next page'],
    [
      'empty pages',
      (_: unknown, n: number) => page([], { ...next, endCursor: String(n) }),
      1,
      'has an empty page before the last one',
    ],
    [
      'more than was asked for',
      () =>
        page(
          Array.from({ length: 101 }, () => key()),
          last,
        ),
      1,
      'has 101 entries on a page',
    ],
  ])('keys list, %s', async (_, answer, requests, what) => {
    for (const more of [[], ['--json']]) {
      const { status, stdout, stderr, asked } = await told(answer, 'keys', 'list', ...more);
      expect([status, stdout, asked]).toEqual([1, '', requests]);
      expect(stderr).toContain(`its response ${what}`);
      expect(stderr).toContain('Check LATCHKEY_URL.');
    }
  });

  it('reads all pages of a list with valid cursors', async () => {
    const answer = ({ after }: Record<string, unknown>) => {
      const from = Number(after ?? 0);
      const nodes = Array.from({ length: 100 }, (_, i) => key({ id: `key_${from + i}` }));
      return page(nodes, { hasNextPage: from < 200, endCursor: String(from + 100) }, 300);
    };
    const { status, stdout, asked } = await told(answer, 'keys', 'list', '--json');
    expect([status, asked]).toEqual([0, 3]);
    expect(JSON.parse(stdout).keys).toHaveLength(300);
  });

  it('audit tail, repeated entries', async () => {
    const entry = (seq: number) => ({
      ...{ id: `aud_${seq}`, seq, at: '2026-01-01T00:00:00.000Z', action: 'KEY_CREATED', subject: 'key_a' },
      ...{ subjectName: null, projectId: null, actorKind: 'KEY', actor: null, actorName: null, address: null },
      ...{ userAgent: null, before: null, after: null, names: [], previousHash: 'a', hash: 'b' },
    });
    const nodes = Array.from({ length: 100 }, (_, i) => entry(1_000 - i));
    const { status, stdout, stderr, asked } = await told(() => ({ auditLog: { nodes } }), 'audit', 'tail', '-n', '500');
    expect([status, stdout, asked]).toEqual([1, '', 2]);
    expect(stderr).toContain('repeats entry 1000 of the audit log');
  });
});

it('A7: names another GraphQL server, which does not know the fields', async () => {
  const errors = [{ message: 'Cannot query field "viewer" on type "Query".', locations: [{ line: 1, column: 1 }] }];
  const { status, stderr, url } = await told(() => ({ errors }), 'whoami');
  expect([status, stderr]).toEqual([2, expect.stringContaining('is not a Latchkey server, or runs another release')]);
  expect(stderr).toContain('Cannot query field "viewer" on type "Query"');
  expect(stderr).toContain(`If the server is a gateway, set it to ${new URL('/admin/graphql', url).href}.`);
});

it('A7: schema print accepts only a schema', async () => {
  const { status, stdout, stderr } = await told(() => ({ hello: 'world' }), 'schema', 'print');
  expect([status, stdout, stderr]).toEqual([2, '', expect.stringContaining('its response is not a GraphQL schema')]);
});

describe('H1: reports a field of Query or Mutation that is null without an error, for every command', () => {
  const none = Object.fromEntries(
    ['viewer', 'apiKeys', 'findApiKeys', 'auditLog', 'createApiKey', 'rotateApiKey', 'expireApiKey', 'revokeApiKey']
      .concat('updateApiKey', 'createWorkspace', 'setWorkspaceTier')
      .map((name) => [name, null]),
  );

  it.each([
    ['whoami', 'viewer'],
    ['audit verify', 'viewer'],
    ['audit tail', 'auditLog'],
    ['keys list', 'apiKeys'],
    ['keys find airflow', 'findApiKeys'],
  ])('%s', async (command, field) => {
    const { status, stdout, stderr } = await told(() => none, ...command.split(' '));
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(`its response has no valid ${field}. Check LATCHKEY_URL.`);
  });

  it.each([
    ['keys create name --scopes admin', 'createApiKey'],
    ['keys rotate key_a', 'rotateApiKey'],
    ['keys expire key_a --at 2030-01-01T00:00:00Z', 'expireApiKey'],
    ['keys revoke key_a --yes', 'revokeApiKey'],
    ['keys update key_a --name other', 'updateApiKey'],
    ['workspace create name --tier starter', 'createWorkspace'],
    ['workspace tier ws_a starter', 'setWorkspaceTier'],
  ])('%s', async (command, field) => {
    const { status, stdout, stderr } = await told(() => none, ...command.split(' '));
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toContain(`its response has no valid ${field}, and the change may have been made.`);
  });

  it('accepts null for a key that does not exist, and next to an error', async () => {
    expect((await told(() => ({ apiKey: null }), 'keys', 'show', 'key_a')).stderr).not.toContain('no valid');
    const errors = [{ message: 'Sign in first.', path: ['viewer'], extensions: { code: 'UNAUTHENTICATED' } }];
    const { status, stderr } = await told(() => ({ data: { viewer: null }, errors }), 'whoami');
    expect([status, stderr]).toEqual([3, 'Sign in first.\n']);
  });
});

describe('H2: a response whose body does not end', () => {
  async function whileSending(send: (response: ServerResponse) => void, ...args: string[]) {
    let requests = 0;
    const server = createServer((request, response) => {
      requests += 1;
      request.resume();
      response.setHeader('content-type', 'application/json');
      send(response);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
      const env = { LATCHKEY_URL: url, LATCHKEY_API_KEY: 'key_of_a_test' };
      return { ...(await latchkey(args, { env })), requests };
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  it.each(['whoami', 'schema print', 'keys revoke key_a --yes'])(
    'does not count as a response: %s',
    async (command) => {
      const args = command.split(' ');
      const dripping = (response: ServerResponse) => void response.write(' ');
      const { status, stdout, stderr } = await whileSending(dripping, ...args, '--max-wait', '2');
      expect([status, stdout]).toEqual([6, '']);
      expect(stderr).toContain('No response within 2 s.');
    },
  );

  const endless = (response: ServerResponse) => {
    const part = Buffer.alloc(1_000_000, 0x20);
    const write = (): void => void (response.destroyed || response.write(part, write));
    write();
  };

  it('is read up to 16 MiB, and the request is not repeated', async () => {
    const { status, stdout, stderr, requests } = await whileSending(endless, 'whoami', '--max-wait', '50');
    expect([status, stdout, requests]).toEqual([2, '', 1]);
    expect(stderr).toContain('its response is larger than 16777216 bytes. Check LATCHKEY_URL.');
  });

  it('has no status that does not exist', async () => {
    const other = (response: ServerResponse) => void response.writeHead(999).end('{}');
    const { status, stdout, stderr } = await whileSending(other, 'whoami', '--max-wait', '5');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain('its response has the status 999. Check LATCHKEY_URL.');
  });

  it('is read up to 16 MiB after a change, which may have been made', async () => {
    const args = ['keys', 'revoke', 'key_a', '--yes', '--max-wait', '50'];
    const { status, stderr, requests } = await whileSending(endless, ...args);
    expect([status, requests]).toEqual([1, 1]);
    expect(stderr).toContain('is larger than 16777216 bytes, and the change may have been made.');
  });
});
