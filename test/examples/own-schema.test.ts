import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runFile, type Child } from '../support/child.js';
import { answerOf, freshMongoUri, type Answer } from '../support/service.js';
import { documentOf } from '../support/session.js';

let child: Child;
let url: string;
let admin: string;
const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-'));

beforeAll(async () => {
  const uri = freshMongoUri();
  child = runFile('examples/own-schema/server.js', {
    PORT: '0',
    DATA_DIR: dataDir,
    ...(uri !== undefined && { MONGODB_URI: uri }),
  });
  [, url = ''] = await child.waitFor(/Orders at (\S+)/);
  [, admin = ''] = await child.waitFor(/Admin key: (\S+)/);
});
afterAll(async () => {
  await child.stop('SIGTERM');
  rmSync(dataDir, { recursive: true, force: true });
});

async function query(query: string, token?: string): Promise<Answer> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const headers = { 'content-type': 'application/json', ...authorization };
  return answerOf(await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) }));
}

async function keyWith(scopes: string[]): Promise<string> {
  const list = scopes.map((scope) => `"${scope}"`).join();
  const { body } = await query(`mutation { createApiKey(input: { name: "k", scopes: [${list}] }) { token } }`, admin);
  return body.data.createApiKey.token;
}

test('a public field needs no key, a guarded one does', async () => {
  expect((await query('{ opening }')).body).toEqual({ data: { opening: '9 to 5' } });
  const denied = await query('{ orders { id } }');
  expect(denied.status).toBe(401);
  expect(denied.headers.get('www-authenticate')).toBe('Bearer realm="latchkey"');
});

test('a key reads only the fields that its scopes allow', async () => {
  const reader = await keyWith(['read:orders']);
  const read = await query('{ orders { id total } }', reader);
  expect(read.body).toEqual({ data: { orders: [{ id: 'A-1', total: 42 }] } });
  expect(read.headers.get('ratelimit-policy')).toBe('"burst";q=25;w=1, "rate";q=500;w=60');

  const margin = await query('{ orders { id margin } }', reader);
  expect(margin.status).toBe(403);
  expect(margin.body.errors[0].extensions.missing).toEqual(['read:margins']);
  expect((await query('mutation { cancelOrder(id: "A-1") { id } }', reader)).status).toBe(403);

  const accountant = await keyWith(['read:orders', 'read:margins']);
  expect((await query('{ orders { margin } }', accountant)).body).toEqual({ data: { orders: [{ margin: 0.3 }] } });
});

test('the schema has its own scopes, and not those of the built-in domain', async () => {
  const { body } = await query(
    'mutation { createApiKey(input: { name: "k", scopes: ["read:assets"] }) { token } }',
    admin,
  );
  expect(body.errors[0].extensions.code).toBe('BAD_USER_INPUT');
  expect(body.errors[0].extensions.known).toEqual(
    expect.arrayContaining(['read:orders', 'read:margins', 'write:orders']),
  );
  expect((await query('{ assets { name } }', admin)).status).toBe(400);
});

test('refusals contain no stack', async () => {
  expect((await query('{ orders { id } }')).text).not.toMatch(/stacktrace|node_modules|\.js:\d/);
  expect((await query('{ orders { id } }', 'nonsense')).text).not.toMatch(/stacktrace|node_modules|\.js:\d/);
});

/** Returns the statements of a text that create the server, without line breaks. */
function assemblyOf(text: string): string[] {
  const flat = text.replace(/\s+/g, ' ');
  return [
    ...(/createLatchkey(?=[^}]*\} from 'latchkey')/.exec(flat) ?? ['no import']),
    ...(/createLatchkey\(\{ store/.exec(flat) ?? ['no createLatchkey']),
    ...(/if \(latchkey\.firstKey[^;]*; (?=.*startStandaloneServer\(server)/.exec(flat) ?? [
      'the key is printed after the start',
    ]),
    ...(/const schema = latchkey\.guard\([^;]*;/.exec(flat) ?? ['no schema']),
    ...(/const server = new ApolloServer\([^;]*;/.exec(flat) ?? ['no server']),
    ...(/startStandaloneServer\(server, \{ context: latchkey\.context/.exec(flat) ?? ['no start']),
  ];
}

test('N6: the page and the example create the server in the same way', () => {
  const page = documentOf('docs/how-to/own-schema.md');
  const assembly = assemblyOf(page);
  expect(assembly).toContain(
    'const server = new ApolloServer(apolloOptions(latchkey, { schema, plugins: [closing] }));',
  );
  expect(assemblyOf(documentOf('examples/own-schema/server.js'))).toEqual(assembly);
  const [opened = 'no store'] = /openMongoStore\([^;]*;/.exec(page) ?? [];
  expect(documentOf('examples/own-schema/store.js')).toContain(opened);
});
